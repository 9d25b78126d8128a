from __future__ import annotations

from wa_cli.database.engine import run
from wa_cli.migrations import ledger
from wa_cli.verify.base import Finding, Level, Scene

CONSTRAINT = "check_direction"
VERSION = "0002_direction"


def look(scene: Scene) -> Finding:
    with scene.reading() as connection:
        is_valid = run(connection, "watch/constraint", constraint=CONSTRAINT).scalar()
        # Something must be taken away first, as the check of the migrations says.
        is_hindered = any(e.state == "skipped" and e.version == VERSION for e in ledger.entries(connection))
    hint = None if is_hindered else "wa migrate"
    if is_valid is None:
        return Finding(Level.FAILED, f"the constraint {CONSTRAINT} is missing: any word may stand there", hint)
    if not is_valid:
        return Finding(Level.FAILED, f"the constraint {CONSTRAINT} was never checked against the old rows", hint)
    return Finding(Level.OK, f"{CONSTRAINT} is there and valid")
