from __future__ import annotations

import sqlalchemy as sa

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.clock import now

NAME, TITLE = "clock", "Clock"

TOLERATED = 2.0


def run(installation: Installation) -> Finding:
    """Compare this machine's clock with the database's, which decides leases and schedules."""
    with installation.reading() as connection:
        connection.execute(sa.text("SELECT 1"))
        before = now()
        theirs = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        after = now()
    ahead = ((before + (after - before) / 2) - theirs).total_seconds()
    facts = {"seconds_ahead": round(ahead, 3)}
    if abs(ahead) > TOLERATED:
        way = "ahead of" if ahead > 0 else "behind"
        message = (
            f"this machine's clock is {abs(ahead):,.1f} s {way} the database's, so times in logs and reports are wrong"
        )
        return Finding(Level.WARNING, message, "timedatectl status", facts)
    return Finding(Level.OK, f"this machine and the database differ by {abs(ahead) * 1000:.0f} ms", facts=facts)
