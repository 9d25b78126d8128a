"""What every queue promises, whoever keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from wa_cli.errors import QueueError


@dataclass(frozen=True)
class Letter:
    """Something to put: `customer` is whose order it keeps, where it has one."""

    body: str
    customer: str | None = None


@dataclass(frozen=True)
class Delivery:
    """A message that a worker holds, for a lease. `attempt` is 1 when it is received for the first time."""

    id: str
    body: str
    attempt: int
    customer: str | None
    handle: str


@dataclass(frozen=True)
class DeadLetter:
    """A message that was buried, and why."""

    id: str
    body: str
    reason: str
    died_at: datetime


@dataclass(frozen=True)
class Depth:
    """How full a queue is. `oldest_seconds`: the age of the oldest message that waits, 0 where none does, None where the
    transport does not say.
    """

    waiting: int
    in_flight: int
    delayed: int
    oldest_seconds: float | None

    @property
    def is_empty(self) -> bool:
        return not (self.waiting or self.in_flight or self.delayed)


class LettersRefused(QueueError):
    """The queue has everything but these, and will never take them; each with the reason."""

    def __init__(self, message: str, letters: Sequence[tuple[Letter, str]]) -> None:
        super().__init__(message, hint="The letter is larger than the queue allows, or holds what it does not take.")
        self.letters = letters


class Queue(Protocol):
    """A place where messages wait for a worker. Threads may share one.

    Every backend keeps these promises, proved in tests/contracts/test_queue.py: what is put is received at least once;
    what one worker holds, no other receives until its lease ends; `again` never brings a message back early; messages
    of one customer are received in the order they were put, and none while an earlier one is held (`keeps_order`); a
    dead letter stays, with its reason, until someone redrives or purges it. A holder whose lease has ended changes
    nothing any more.
    """

    name: str
    keeps_order: bool
    # Whether it is in the database, and so away when the database is.
    in_database: bool

    def put(self, letters: Sequence[Letter]) -> None:
        """Have them wait. Raises QueueError where not all could be put, and says how many were; LettersRefused where all
        were but those that it will never take.
        """

    def receive(self, limit: int, lease: timedelta, wait: timedelta = timedelta(0)) -> list[Delivery]:
        """At most `limit` messages, held for `lease`; where there are none, after `wait` an empty list."""

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """They are dealt with and gone."""

    def again(self, deliveries: Sequence[Delivery], after: timedelta = timedelta(0)) -> None:
        """Give them back; they are received again after that span, and remember that they were tried."""

    def extend(self, deliveries: Sequence[Delivery], lease: timedelta) -> None:
        """Hold them for `lease` from now."""

    def bury(self, delivery: Delivery, reason: str) -> None:
        """It cannot be dealt with: keep it among the dead."""

    def refuse(self, letter: Letter, reason: str) -> None:
        """Keep among the dead what cannot even be put."""

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """The dead, newest first."""

    def redrive(self, limit: int) -> int:
        """Put that many dead letters back, oldest first; their number."""

    def purge_dead(self) -> int:
        """Forget the dead; their number."""

    def dead_count(self) -> int: ...

    def depth(self) -> Depth: ...
