"""The newest messages of one direction."""

from __future__ import annotations

import sqlalchemy as sa

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.database.tables import whatsapp_messages as messages

SHOWN = 5
PREVIEW = 40


def newest(installation: Installation, direction: str) -> Finding:
    """Return the count of messages of that direction, with the newest ones as details."""
    wanted = (messages.c.direction == direction) & (messages.c.timestamp >= installation.since_utc)
    customer = messages.c.to_phone if direction == "outgoing" else messages.c.from_phone
    shown = (messages.c.timestamp, customer, messages.c.message_type, messages.c.status, messages.c.content)
    with installation.reading() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(messages).where(wanted)).scalar_one()
        rows = connection.execute(
            sa.select(*shown).where(wanted).order_by(messages.c.timestamp.desc()).limit(SHOWN)
        ).all()
    side = "to" if direction == "outgoing" else "from"
    details = tuple(
        f"{at:%H:%M} {side} {phone}, {kind}, {status}: {_preview(content)}" for at, phone, kind, status, content in rows
    )
    return Finding(
        Level.OK,
        f"{count:,} {direction} since {installation.since:%Y-%m-%d %H:%M}",
        facts={"count": count},
        details=details,
    )


def _preview(content: str | None) -> str:
    text = (content or "").replace("\n", " ")
    return text if len(text) <= PREVIEW else text[: PREVIEW - 1] + "…"
