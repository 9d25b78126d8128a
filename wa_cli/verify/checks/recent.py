from __future__ import annotations

from datetime import UTC, timedelta

import sqlalchemy as sa

from wa_cli.clock import now
from wa_cli.storage.engine import Database
from wa_cli.storage.tables import whatsapp_messages as messages
from wa_cli.verify.base import Check, Finding, Level

SHOWN = 5
PREVIEW = 40


def look(database: Database) -> Finding:
    day_ago = (now() - timedelta(hours=24)).astimezone(UTC).replace(tzinfo=None)
    wanted = (messages.c.direction == "outgoing") & (messages.c.timestamp >= day_ago)
    shown = messages.c["timestamp", "to_phone", "message_type", "status", "content"]
    with database.reading() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(messages).where(wanted)).scalar_one()
        newest = connection.execute(
            sa.select(*shown).where(wanted).order_by(messages.c.timestamp.desc()).limit(SHOWN)
        ).all()
    details = tuple(
        f"{at:%H:%M} to {phone}, {kind}, {status}: {_preview(content)}" for at, phone, kind, status, content in newest
    )
    return Finding(Level.OK, f"{count:,} outgoing in the last 24 hours", facts={"count": count}, details=details)


def _preview(content: str | None) -> str:
    text = (content or "").replace("\n", " ")
    return text if len(text) <= PREVIEW else text[: PREVIEW - 1] + "…"


check = Check("recent_outgoing", "Recent", look)
