from __future__ import annotations

import sqlalchemy as sa

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation

NAME, TITLE = "direction_index", "Direction index"

INDEX = "idx_messages_direction"


def run(installation: Installation) -> Finding:
    with installation.reading() as connection:
        valid = connection.execute(
            sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:index)"), {"index": INDEX}
        ).scalar()
    if valid is None:
        return Finding(Level.FAILED, f"the index {INDEX} is missing", "wa migrate")
    if not valid:
        return Finding(Level.FAILED, f"the index {INDEX} is half built and not used", "wa migrate")
    return Finding(Level.OK, f"{INDEX} exists and is valid")
