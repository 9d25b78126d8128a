from __future__ import annotations

from datetime import timedelta

from wa_cli.clock import format_span
from wa_cli.database.engine import Database, run
from wa_cli.verify.base import Check, Finding, Level


def check(database: Database, wait: timedelta, incoming_lease: timedelta) -> Check:
    """How late statuses are, against WA_UNCERTAIN_WAIT: what is later than that is taken for never sent."""

    def look() -> Finding:
        with database.reading() as connection:
            found = run(connection, "verify/lateness").one()
        facts = {"messages": found.messages, "p99_seconds": found.p99, "longest_seconds": found.longest}
        if wait < 2 * incoming_lease:
            said = f"WA_UNCERTAIN_WAIT is {format_span(wait)}, less than twice WA_INCOMING_LEASE"
            return Finding(Level.WARNING, said, f"WA_UNCERTAIN_WAIT={int(2 * incoming_lease.total_seconds())}s", facts)
        if not found.messages:
            return Finding(Level.SKIPPED, "no message of the last day has a status yet", facts=facts)
        p99, longest = timedelta(seconds=found.p99), timedelta(seconds=found.longest)
        said = f"of {found.messages:,} messages 99 % had theirs within {format_span(p99)}, all within {format_span(longest)}"
        if p99 > wait / 2:
            return Finding(Level.WARNING, f"{said}: WA_UNCERTAIN_WAIT ({format_span(wait)}) is short", facts=facts)
        return Finding(Level.OK, said, facts=facts)

    return Check("status_lateness", "First statuses", look)
