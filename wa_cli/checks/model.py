from __future__ import annotations

import sqlalchemy as sa

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.database.tables import whatsapp_messages

NAME, TITLE = "model", "Model"


def run(installation: Installation) -> Finding:
    """Compare the columns of the program with those of the table."""
    with installation.reading() as connection:
        there = {column["name"] for column in sa.inspect(connection).get_columns("whatsapp_messages")}
    missing = sorted(set(whatsapp_messages.c.keys()) - there)
    if missing:
        return Finding(Level.FAILED, f"the table lacks columns: {', '.join(missing)}", "wa migrate")
    known = len(whatsapp_messages.c)
    return Finding(Level.OK, f"whatsapp_messages has direction and all {known} columns of this program")
