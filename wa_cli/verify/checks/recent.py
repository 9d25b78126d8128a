from __future__ import annotations

from datetime import UTC, timedelta

import sqlalchemy as sa

from wa_cli.clock import now
from wa_cli.storage.engine import Database
from wa_cli.storage.tables import whatsapp_messages as messages
from wa_cli.verify.base import Check, Finding, Level

SHOWN = 5
PREVIEW = 40


def look(database: Database, direction: str) -> Finding:
    """How many of that direction, and the newest."""
    day_ago = (now() - timedelta(hours=24)).astimezone(UTC).replace(tzinfo=None)
    wanted = (messages.c.direction == direction) & (messages.c.timestamp >= day_ago)
    customer = messages.c.to_phone if direction == "outgoing" else messages.c.from_phone
    shown = (messages.c.timestamp, customer, messages.c.message_type, messages.c.status, messages.c.content)
    with database.reading() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(messages).where(wanted)).scalar_one()
        newest = connection.execute(
            sa.select(*shown).where(wanted).order_by(messages.c.timestamp.desc()).limit(SHOWN)
        ).all()
    side = "to" if direction == "outgoing" else "from"
    details = tuple(
        f"{at:%H:%M} {side} {phone}, {kind}, {status}: {_preview(content)}"
        for at, phone, kind, status, content in newest
    )
    return Finding(Level.OK, f"{count:,} {direction} in the last 24 hours", facts={"count": count}, details=details)


def _preview(content: str | None) -> str:
    text = (content or "").replace("\n", " ")
    return text if len(text) <= PREVIEW else text[: PREVIEW - 1] + "…"


check = Check("recent_outgoing", "Recent outgoing", lambda database: look(database, "outgoing"))
