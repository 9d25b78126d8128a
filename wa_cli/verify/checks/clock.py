from __future__ import annotations

import sqlalchemy as sa

from wa_cli.clock import now
from wa_cli.verify.base import Finding, Level, Scene

TOLERATED = 2.0


def look(scene: Scene) -> Finding:
    """How far this machine's clock is from the database's. Leases and schedules go by the database's."""
    with scene.reading() as connection:
        connection.execute(sa.text("SELECT 1"))
        before = now()
        theirs = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        after = now()
    ahead = ((before + (after - before) / 2) - theirs).total_seconds()
    facts = {"seconds_ahead": round(ahead, 3)}
    if abs(ahead) > TOLERATED:
        way = "ahead of" if ahead > 0 else "behind"
        said = f"this machine's clock is {abs(ahead):,.1f} s {way} the database's: times in logs and reports mislead"
        return Finding(Level.WARNING, said, "timedatectl status", facts)
    return Finding(Level.OK, f"this machine and the database differ by {abs(ahead) * 1000:.0f} ms", facts=facts)
