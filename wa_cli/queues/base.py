"""The guarantees of every queue, and the values that go in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from wa_cli.errors import QueueError


@dataclass(frozen=True)
class QueueMessage:
    """A message to put on a queue. Messages of the same `customer` are received in order."""

    body: str
    customer: str | None = None


@dataclass(frozen=True)
class Delivery:
    """A message that a worker holds for a lease. `attempt` is 1 when it is received for the first time."""

    id: str
    body: str
    attempt: int
    customer: str | None
    handle: str


@dataclass(frozen=True)
class DeadLetter:
    """A buried message with its reason."""

    id: str
    body: str
    reason: str
    died_at: datetime


@dataclass(frozen=True)
class Depth:
    """The number of messages in each state.

    `oldest_seconds` is the age of the oldest waiting message, 0 if no message waits, and None if the transport does not
    report it.
    """

    waiting: int
    in_flight: int
    delayed: int
    oldest_seconds: float | None

    @property
    def is_empty(self) -> bool:
        return not (self.waiting or self.in_flight or self.delayed)


class MessagesRejected(QueueError):
    """The queue has all messages but these, each with its reason, and will never take them."""

    def __init__(self, message: str, rejected: Sequence[tuple[QueueMessage, str]]) -> None:
        super().__init__(message, hint="Shorten the message, or remove characters that the queue refuses.")
        self.rejected = rejected


class Queue(Protocol):
    """A queue of messages for workers: `PostgresQueue` or `SqsQueue`. Threads may share one.

    Every backend gives these guarantees, proved in tests/contracts/test_queue.py. A message that was put is received at
    least once. While one worker holds a message, no other worker receives it until the lease ends. `nack` never brings a
    message back before its delay. If `keeps_order`, messages of one customer are received in the order in which they were
    put, and none while an earlier one is held. A dead letter stays, with its reason, until it is redriven or purged: every
    queue keeps them in the database, by `DeadLetters`. A holder whose lease has ended changes nothing.
    """

    name: str
    keeps_order: bool

    def put(self, messages: Sequence[QueueMessage]) -> None:
        """Put the messages on the queue.

        Raises MessagesRejected if the queue has all messages but those that it will never take. Raises QueueError, with
        the number of messages that were put, if it has not all of them.
        """

    def receive(self, limit: int, lease: timedelta, wait: timedelta = timedelta(0)) -> list[Delivery]:
        """Return at most `limit` messages, held for `lease`. Return an empty list if none arrives within `wait`."""

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Remove finished messages."""

    def nack(self, deliveries: Sequence[Delivery], delay: timedelta = timedelta(0)) -> None:
        """Give messages back. They are received again after `delay`, with their attempts counted."""

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Move a message to the dead letters."""

    def refuse(self, message: QueueMessage, reason: str) -> None:
        """Store a message that cannot be put as a dead letter."""

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Return the newest dead letters."""

    def redrive(self, limit: int) -> int:
        """Put at most `limit` dead letters back, oldest first. Return the number of moved dead letters."""

    def purge_dead(self) -> int:
        """Delete the dead letters. Return their number."""

    def dead_count(self) -> int: ...

    def depth(self) -> Depth: ...
