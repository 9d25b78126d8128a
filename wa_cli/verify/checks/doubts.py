from __future__ import annotations

from wa_cli.database.engine import run
from wa_cli.verify.base import Finding, Level, Scene


def look(scene: Scene) -> Finding:
    """Every message that was ever in doubt is counted: a double that nobody sees would be the worst answer."""
    with scene.reading() as connection:
        facts = dict(run(connection, "outbox/doubts").mappings().one())
    said = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in facts.items())
    if facts["held"]:
        return Finding(Level.WARNING, said, "wa queue held", facts)
    return Finding(Level.OK, said, facts=facts)
