from __future__ import annotations

import sqlalchemy as sa

from wa_cli.verify.base import Finding, Level, Scene


def look(scene: Scene) -> Finding:
    with scene.reading() as connection:
        kind = connection.execute(
            sa.text(
                "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = to_regclass('whatsapp_messages') AND attname = 'direction' AND NOT attisdropped"
            )
        ).scalar()
    if kind is None:
        return Finding(Level.FAILED, "whatsapp_messages has no column direction", "wa migrate")
    return Finding(Level.OK, f"whatsapp_messages.direction is there ({kind})", facts={"type": kind})
