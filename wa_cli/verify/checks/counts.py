from __future__ import annotations

import sqlalchemy as sa

from wa_cli.storage.engine import Database
from wa_cli.storage.tables import whatsapp_messages as messages
from wa_cli.verify.base import Check, Finding, Level

HINT = 'wa send text +15551234567 "hi" && wa worker outgoing --drain'


def look(database: Database) -> Finding:
    outgoing = messages.c.direction == "outgoing"
    with database.reading() as connection:
        total, sent = connection.execute(
            sa.select(sa.func.count(), sa.func.count().filter(outgoing)).select_from(messages)
        ).one()
    facts = {"total": total, "incoming": total - sent, "outgoing": sent}
    said = f"{total:,} in all: {total - sent:,} incoming, {sent:,} outgoing"
    if not sent:
        return Finding(Level.WARNING, f"{said}: no outgoing message is stored yet", HINT, facts)
    return Finding(Level.OK, said, facts=facts)


check = Check("counts", "Messages", look)
