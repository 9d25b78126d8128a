from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.clock import now
from wa_cli.database.tables import whatsapp_messages as messages
from wa_cli.store.messages import insert, utc

NAME, TITLE = "round_trip", "Write and query"


def run(installation: Installation) -> Finding:
    """Write a row of each direction, find it by its direction, and roll back."""
    marks = {direction: f"verify:{uuid4()}" for direction in ("incoming", "outgoing")}
    with installation.database.transaction() as connection:
        rows = [
            {"message_id": mark, "direction": direction, "from_phone": "verify", "message_type": "text"}
            for direction, mark in marks.items()
        ]
        insert(connection, [{**row, "status": "sent", "timestamp": utc(now())} for row in rows])
        found = {
            direction: connection.execute(
                sa.select(sa.func.count())
                .select_from(messages)
                .where(messages.c.direction == direction, messages.c.message_id.in_(list(marks.values())))
            ).scalar_one()
            for direction in marks
        }
        connection.rollback()
    if found != {"incoming": 1, "outgoing": 1}:
        return Finding(Level.FAILED, f"written rows were not found by direction: {found}")
    return Finding(Level.OK, "a row of each direction was written, found by direction, and rolled back")
