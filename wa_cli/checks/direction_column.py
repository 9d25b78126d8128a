from __future__ import annotations

import sqlalchemy as sa

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation

NAME, TITLE = "direction_column", "Direction column"


def run(installation: Installation) -> Finding:
    with installation.reading() as connection:
        kind = connection.execute(
            sa.text(
                "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = to_regclass('whatsapp_messages') AND attname = 'direction' AND NOT attisdropped"
            )
        ).scalar()
    if kind is None:
        return Finding(Level.FAILED, "whatsapp_messages has no column direction", "wa migrate")
    return Finding(Level.OK, f"whatsapp_messages.direction exists ({kind})", facts={"type": kind})
