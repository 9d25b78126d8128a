from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.counted import counted
from wa_cli.database.engine import run as run_sql
from wa_cli.migrations import backfill

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
    if found.lost_direction:
        message = f"{counted(found.lost_direction, 'outgoing message')} marked as incoming: the direction was lost"
        return Finding(Level.FAILED, message, backfill.COMMAND, facts, hint=backfill.HINT)
    message = (
        f"{counted(found.without_direction, 'row')} without a direction, {found.without_time:,} without a time,"
        f" {found.without_customer:,} without a customer,"
        f" {counted(found.files, 'file')} without a message"
    )
    if not found.without_direction:
        return Finding(Level.WARNING, message, facts=facts)
    return Finding(Level.WARNING, message, backfill.COMMAND, facts, hint=backfill.HINT)
