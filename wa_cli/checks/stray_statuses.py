from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.counted import counted
from wa_cli.database.engine import run as run_sql

NAME, TITLE = "stray_statuses", "Statuses without a message"

SHOWN = 5


def run(installation: Installation) -> Finding:
    """Count statuses of messages without a row: another program sent them, or the row was deleted."""
    with installation.reading() as connection:
        [(count, messages)] = run_sql(connection, "messages/stray_statuses_count")
        newest = run_sql(connection, "messages/stray_statuses", limit=SHOWN).all()
    facts = {"events": count, "messages": messages}
    if not count:
        return Finding(Level.OK, "every status belongs to a stored message", facts=facts)
    details = tuple(
        f"{row.received_at:%Y-%m-%d %H:%M} {row.status} {row.recipient or ''} {row.wamid}" for row in newest
    )
    message = (
        f"{counted(count, 'status', 'statuses')} of {counted(messages, 'message')} without a row:"
        " another program uses this number, or rows were deleted"
    )
    return Finding(Level.WARNING, message, facts=facts, details=details)
