from __future__ import annotations

from wa_cli.database.engine import run
from wa_cli.verify.base import Finding, Level, Scene

HINT = 'wa send text +15551234567 "hi" && wa worker outgoing --drain'


def look(scene: Scene) -> Finding:
    """How many of each direction and status there are since then, and about how many in all."""
    with scene.reading() as connection:
        whole = run(connection, "verify/counts").one()
        recent = run(connection, "verify/recent_counts", since=scene.since_utc).all()
    statuses = {f"{row.direction} {row.status}": row.count for row in recent}
    incoming = whole.total - whole.outgoing
    facts = {"total": whole.total, "incoming": incoming, "outgoing": whole.outgoing}
    facts |= {"is_estimate": whole.is_estimate, "recent": statuses}
    about = "about " if whole.is_estimate else ""
    told = ", ".join(f"{count:,} {name}" for name, count in statuses.items()) or "none"
    said = (
        f"{about}{whole.total:,} in all: {incoming:,} incoming, {whole.outgoing:,} outgoing;"
        f" since {scene.since:%Y-%m-%d %H:%M}: {told}"
    )
    if not whole.has_outgoing:
        return Finding(Level.WARNING, f"{said}; no outgoing message is stored yet", HINT, facts)
    return Finding(Level.OK, said, facts=facts)
