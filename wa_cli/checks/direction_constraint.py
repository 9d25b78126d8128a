from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.database.engine import run as run_sql
from wa_cli.migrations import ledger

NAME, TITLE = "direction_constraint", "Direction constraint"

CONSTRAINT = "check_direction"
VERSION = "0002_direction"


def run(installation: Installation) -> Finding:
    with installation.reading() as connection:
        is_valid = run_sql(connection, "watch/constraint", constraint=CONSTRAINT).scalar()
        # A step that was skipped needs another remedy first, which the migrations check names.
        is_hindered = any(e.state == "skipped" and e.version == VERSION for e in ledger.entries(connection))
    command = None if is_hindered else "wa migrate"
    if is_valid is None:
        return Finding(Level.FAILED, f"the constraint {CONSTRAINT} is missing, so any word is accepted", command)
    if not is_valid:
        return Finding(Level.FAILED, f"the constraint {CONSTRAINT} was not validated against the old rows", command)
    return Finding(Level.OK, f"{CONSTRAINT} exists and is valid")
