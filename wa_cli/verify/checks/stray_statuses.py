from __future__ import annotations

from wa_cli.database.engine import run
from wa_cli.verify.base import Finding, Level, Scene

SHOWN = 5


def look(scene: Scene) -> Finding:
    """Statuses of messages that have no row: sent by another program, or a row that somebody deleted."""
    with scene.reading() as connection:
        [(count, messages)] = run(connection, "messages/stray_statuses_count")
        newest = run(connection, "messages/stray_statuses", limit=SHOWN).all()
    facts = {"events": count, "messages": messages}
    if not count:
        return Finding(Level.OK, "every status belongs to a stored message", facts=facts)
    details = tuple(
        f"{row.received_at:%Y-%m-%d %H:%M} {row.status} {row.recipient or ''} {row.wamid}" for row in newest
    )
    said = f"{count:,} statuses of {messages:,} messages that are not stored: another program sends with this number"
    return Finding(Level.WARNING, said, facts=facts, details=details)
