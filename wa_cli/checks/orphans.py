from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.database.engine import run as run_sql

NAME, TITLE = "orphans", "Incomplete rows"


def run(installation: Installation) -> Finding:
    """Count rows that no report can use."""
    with installation.reading() as connection:
        found = run_sql(connection, "verify/orphans").one()
    facts = dict(found._mapping)
    if not any(facts.values()):
        return Finding(
            Level.OK, "every row has a direction, a time and a customer, every file its message", facts=facts
        )
    hint = "WA_BUSINESS_PHONE=… wa migrate --backfill-direction"
    if found.lost_direction:
        message = f"{found.lost_direction:,} outgoing messages are marked as incoming: their direction was lost"
        return Finding(Level.FAILED, message, facts=facts, hint=hint)
    message = (
        f"{found.without_direction:,} rows without a direction, {found.without_time:,} without a time,"
        f" {found.without_customer:,} without a customer,"
        f" {found.files:,} files without their message"
    )
    return Finding(Level.WARNING, message, facts=facts, hint=hint if found.without_direction else None)
