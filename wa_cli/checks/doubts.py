from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.database.engine import run as run_sql

NAME, TITLE = "doubts", "Uncertain messages"


def run(installation: Installation) -> Finding:
    """Count every message that was ever uncertain, so that no possible duplicate stays unseen."""
    with installation.reading() as connection:
        facts = dict(run_sql(connection, "outbox/doubts").mappings().one())
    message = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in facts.items())
    if facts["held"]:
        return Finding(Level.WARNING, message, "wa queue held", facts)
    return Finding(Level.OK, message, facts=facts)
