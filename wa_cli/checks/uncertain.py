from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.counted import counted
from wa_cli.database.engine import run as run_sql

NAME, TITLE = "uncertain", "Uncertain messages"


def run(installation: Installation) -> Finding:
    """Count every message that was ever uncertain. A duplicate within the examined time is a warning."""
    with installation.reading() as connection:
        counts = dict(run_sql(connection, "outbox/uncertain", since=installation.since).mappings().one())
    recent = counts.pop("recent_duplicates")
    message = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())
    if counts["held"]:
        return Finding(Level.WARNING, message, "wa queue held", counts)
    if recent:
        message = f"{message}; {counted(recent, 'message')} sent twice since {installation.since_utc:%Y-%m-%d %H:%M}"
        return Finding(Level.WARNING, message, facts=counts)
    return Finding(Level.OK, message, facts=counts)
