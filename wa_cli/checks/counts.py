from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.database.engine import run as run_sql

NAME, TITLE = "counts", "Messages"

HINT = 'wa send text +15551234567 "hi" && wa worker outgoing --drain'


def run(installation: Installation) -> Finding:
    """Count the messages of each direction and status since then, and estimate the total."""
    with installation.reading() as connection:
        whole = run_sql(connection, "verify/counts").one()
        recent = run_sql(connection, "verify/recent_counts", since=installation.since_utc).all()
    statuses = {f"{row.direction} {row.status}": row.count for row in recent}
    incoming = whole.total - whole.outgoing
    facts = {"total": whole.total, "incoming": incoming, "outgoing": whole.outgoing}
    facts |= {"is_estimate": whole.is_estimate, "recent": statuses}
    about = "about " if whole.is_estimate else ""
    by_status = ", ".join(f"{count:,} {name}" for name, count in statuses.items()) or "none"
    message = (
        f"{about}{whole.total:,} in total: {incoming:,} incoming, {whole.outgoing:,} outgoing;"
        f" since {installation.since:%Y-%m-%d %H:%M}: {by_status}"
    )
    if not whole.has_outgoing:
        return Finding(Level.WARNING, f"{message}; no outgoing message is stored yet", HINT, facts)
    return Finding(Level.OK, message, facts=facts)
