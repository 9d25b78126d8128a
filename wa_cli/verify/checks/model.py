from __future__ import annotations

import sqlalchemy as sa

from wa_cli.database.tables import whatsapp_messages
from wa_cli.verify.base import Finding, Level, Scene


def look(scene: Scene) -> Finding:
    """The program's idea of the table against the table."""
    with scene.reading() as connection:
        there = {column["name"] for column in sa.inspect(connection).get_columns("whatsapp_messages")}
    missing = sorted(set(whatsapp_messages.c.keys()) - there)
    if missing:
        return Finding(Level.FAILED, f"the model has columns that the table lacks: {', '.join(missing)}", "wa migrate")
    known = len(whatsapp_messages.c)
    return Finding(Level.OK, f"the model has direction, and the table every one of its {known} columns")
