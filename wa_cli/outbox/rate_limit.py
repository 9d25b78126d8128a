"""The send rate of a business number, and whether it is blocked or paused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from wa_cli.database.engine import Database, run

PROBE_EVERY = timedelta(minutes=1)
# Below this number of answers a share of throttled ones says nothing.
ENOUGH_ANSWERS = 20


class RateLimit:
    """The rate limit of one business number, shared by all its workers."""

    def __init__(self, database: Database, number: str) -> None:
        self.database = database
        self.number = number

    def open_number(self, ceiling: float) -> None:
        """Create the rate limit of the number if it has none: `ceiling` messages a second at most."""
        with self.database.transaction() as connection:
            run(connection, "outbox/open_number", number=self.number, ceiling=ceiling)

    def slow_down(self, pause: timedelta, age: timedelta, *, throttled: int = 1, answers: int = 1) -> float | None:
        """Lower the rate after a throttle, and pause. Return the new rate, or None if it stays.

        `age` is the time since the latest throttled message was claimed. `throttled` of `answers` answers since the
        last call of this worker were throttled. A share that stays when the rate falls does not come from our rate.
        """
        with self.database.transaction() as connection:
            return slow_down(connection, self.number, pause, age, throttled=throttled, answers=answers)

    def block(self, why: str) -> bool:
        """Block the number and let one probe a minute through. Return True if it was not blocked before."""
        with self.database.transaction() as connection:
            return block(connection, self.number, why, by="answer")

    def unblock(self) -> bool:
        """Unblock the number, since a message was accepted. Return True if an answer had blocked it."""
        with self.database.transaction() as connection:
            return run(connection, "outbox/unblock", number=self.number).first() is not None

    def pause(self, why: str) -> bool:
        """Send nothing for the number until `resume`. Return False if no worker has used the number yet."""
        with self.database.transaction() as connection:
            return run(connection, "outbox/pause", number=self.number, why=why).first() is not None

    def resume(self) -> bool:
        """Send for the number again, whatever stopped it. Return False if no worker has used the number yet."""
        with self.database.transaction() as connection:
            return run(connection, "outbox/resume", number=self.number).first() is not None


def slow_down(
    connection: sa.Connection, number: str, pause: timedelta, age: timedelta, *, throttled: int, answers: int
) -> float | None:
    """Lower the rate of a throttled number like `RateLimit.slow_down`, in the caller's transaction."""
    rate = run(
        connection,
        "outbox/slow_down",
        number=number,
        pause=pause,
        age=age,
        throttled=throttled,
        answers=answers,
        enough=ENOUGH_ANSWERS,
    ).scalar()
    return None if rate is None else float(rate)


def block(connection: sa.Connection, number: str, why: str, *, by: str) -> bool:
    """Block the number and let one probe a minute through. Return True if it was not blocked. `by` is answer or status."""
    return bool(run(connection, "outbox/block", number=number, why=why, by=by, probe_every=PROBE_EVERY).scalar())


def unblock_by_statuses(connection: sa.Connection, references: Sequence[UUID]) -> bool:
    """Unblock the numbers that statuses had blocked and that sent these messages since. Return True if there was one."""
    asked = [str(reference) for reference in references]
    return run(connection, "outbox/unblock_by_statuses", references=asked).first() is not None
