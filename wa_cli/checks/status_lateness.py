from __future__ import annotations

from datetime import timedelta

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.clock import format_span
from wa_cli.counted import counted
from wa_cli.database.engine import run as run_sql

NAME, TITLE = "status_lateness", "First statuses"


def run(installation: Installation) -> Finding:
    """Compare the delay of statuses with WA_UNCERTAIN_WAIT: after it, a missing status counts as evidence."""
    wait, lease = installation.uncertain_wait, installation.queue_lease
    with installation.database.reading() as connection:
        found = run_sql(connection, "verify/lateness").one()
    facts = {"messages": found.messages, "p99_seconds": found.p99, "longest_seconds": found.longest}
    if wait < 2 * lease:
        message = f"WA_UNCERTAIN_WAIT is {format_span(wait)}, less than twice WA_QUEUE_LEASE"
        hint = f"Set WA_UNCERTAIN_WAIT={int(2 * lease.total_seconds())}s."
        return Finding(Level.WARNING, message, facts=facts, hint=hint)
    if not found.messages:
        return Finding(Level.SKIPPED, "no message of the last day has a status yet", facts=facts)
    p99, longest = timedelta(seconds=found.p99), timedelta(seconds=found.longest)
    among = counted(found.messages, "message")
    message = f"99 % of {among} had a status within {format_span(p99)}, all within {format_span(longest)}"
    if p99 > wait / 2:
        return Finding(Level.WARNING, f"{message}: WA_UNCERTAIN_WAIT ({format_span(wait)}) is too short", facts=facts)
    return Finding(Level.OK, message, facts=facts)
