from __future__ import annotations

from wa_cli.storage.engine import run
from wa_cli.verify.base import Finding, Level, Scene

CONSTRAINT = "check_direction"


def look(scene: Scene) -> Finding:
    with scene.reading() as connection:
        is_valid = run(connection, "watch/constraint", constraint=CONSTRAINT).scalar()
    if is_valid is None:
        return Finding(Level.FAILED, f"the constraint {CONSTRAINT} is missing: any word may stand there", "wa migrate")
    if not is_valid:
        return Finding(
            Level.FAILED, f"the constraint {CONSTRAINT} was never checked against the old rows", "wa migrate"
        )
    return Finding(Level.OK, f"{CONSTRAINT} is there and valid")
