from __future__ import annotations

import sqlalchemy as sa

from wa_cli.database.tables import whatsapp_messages as messages
from wa_cli.verify.base import Finding, Level, Scene

SHOWN = 5
PREVIEW = 40


def outgoing(scene: Scene) -> Finding:
    return _look(scene, "outgoing")


def incoming(scene: Scene) -> Finding:
    return _look(scene, "incoming")


def _look(scene: Scene, direction: str) -> Finding:
    """How many of that direction, and the newest."""
    wanted = (messages.c.direction == direction) & (messages.c.timestamp >= scene.since_utc)
    customer = messages.c.to_phone if direction == "outgoing" else messages.c.from_phone
    shown = (messages.c.timestamp, customer, messages.c.message_type, messages.c.status, messages.c.content)
    with scene.reading() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(messages).where(wanted)).scalar_one()
        newest = connection.execute(
            sa.select(*shown).where(wanted).order_by(messages.c.timestamp.desc()).limit(SHOWN)
        ).all()
    side = "to" if direction == "outgoing" else "from"
    details = tuple(
        f"{at:%H:%M} {side} {phone}, {kind}, {status}: {_preview(content)}"
        for at, phone, kind, status, content in newest
    )
    return Finding(
        Level.OK, f"{count:,} {direction} since {scene.since:%Y-%m-%d %H:%M}", facts={"count": count}, details=details
    )


def _preview(content: str | None) -> str:
    text = (content or "").replace("\n", " ")
    return text if len(text) <= PREVIEW else text[: PREVIEW - 1] + "…"
