from __future__ import annotations

from wa_cli.database.engine import run
from wa_cli.verify.base import Finding, Level, Scene


def look(scene: Scene) -> Finding:
    """Rows that no report can place."""
    with scene.reading() as connection:
        found = run(connection, "verify/orphans").one()
    facts = dict(found._mapping)
    if not any(facts.values()):
        return Finding(
            Level.OK, "every row has a direction, a time and a customer, every file its message", facts=facts
        )
    fill = "WA_BUSINESS_PHONE=… wa migrate --backfill-direction"
    if found.lost_direction:
        said = f"{found.lost_direction:,} messages of ours are marked as incoming: their direction was lost"
        return Finding(Level.FAILED, said, fill, facts)
    said = (
        f"{found.without_direction:,} rows without a direction, {found.without_time:,} without a time,"
        f" {found.without_customer:,} without a customer,"
        f" {found.files:,} files without their message"
    )
    return Finding(Level.WARNING, said, fill if found.without_direction else None, facts)
