"""Example tables of businesses from `tests/data/tables`, loaded with psql."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.postgres_versions import url_of
from wa_cli.database.engine import Database

FOLDER = Path(__file__).parents[1] / "data" / "tables"
# The reported cause for each table that refuses a write of the workers.
REFUSED = {
    "m02": "the column whatsapp_messages.tenant_id is NOT NULL",
    "m03b": "the column message_type has the type message_kind and refuses: voice, sticker",
    "m08": "the trigger route",
    "m11b": "the constraint wm_status_ck: CHECK",
    "m14": "the trigger immut (function immut): messages are immutable (audit)",
    "m14b": "the trigger immut (function immut): messages are immutable (audit)",
    "m15": "the rule audit_rule: INSERT with ON CONFLICT clause",
}
TAKEN = ("m01", "m03", "m06", "m13", "table")


def load(programs: Path, database: Database, name: str) -> None:
    command = [
        str(programs / "psql"),
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        url_of(database),
        "-f",
        str(FOLDER / f"{name}.sql"),
    ]
    subprocess.run(command, check=True, capture_output=True)
