"""What happened, as small values. Code reports these; `logs.py` alone decides how they read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    pass


@dataclass(frozen=True)
class Accepted(Event):
    """The API took a message."""

    phone: str
    wamid: str
    reference: str = ""


@dataclass(frozen=True)
class Stored(Event):
    """A sent message is a row."""

    wamid: str


@dataclass(frozen=True)
class StoreFailed(Event):
    """A verdict had to stay in the spool."""

    error: str
    count: int


@dataclass(frozen=True)
class ValueLeftOut(Event):
    """A secondary value does not fit its column: the message is stored without it, its raw JSON keeps it."""

    column: str
    reason: str


@dataclass(frozen=True)
class NotAccepted(Event):
    """The API did not take a message; `what` says what happens to it now."""

    phone: str
    what: str
    why: str
    reference: str = ""


@dataclass(frozen=True)
class Duplicated(Event):
    """One message of ours was accepted twice: both are rows."""

    reference: str


@dataclass(frozen=True)
class NumberBlocked(Event):
    why: str


@dataclass(frozen=True)
class NumberFreed(Event):
    pass


@dataclass(frozen=True)
class SlowedDown(Event):
    rate: float


@dataclass(frozen=True)
class Received(Event):
    """Messages, statuses and notices that the incoming worker stored."""

    messages: int
    statuses: int
    notices: int = 0


@dataclass(frozen=True)
class DeadLettered(Event):
    """A message of a queue cannot be read: it is a dead letter."""

    queue: str
    reason: str


@dataclass(frozen=True)
class Decided(Event):
    """What the evidence said of a send whose fate was unknown."""

    reference: str
    state: str
    possible_double: bool


@dataclass(frozen=True)
class Swept(Event):
    """What a sweep had to do; `what` names it."""

    what: str
    count: int


@dataclass(frozen=True)
class MaintenanceFailed(Event):
    """A step of the periodic work failed; it is tried again."""

    reason: str


@dataclass(frozen=True)
class SpoolSettled(Event):
    """Verdicts that lay in the spool were settled."""

    count: int


@dataclass(frozen=True)
class Unavailable(Event):
    """Something a worker needs does not answer; it tries again."""

    what: str
    error: str


@dataclass(frozen=True)
class AvailableAgain(Event):
    """What was away answers again."""

    what: str


@dataclass(frozen=True)
class WorkerDied(Event):
    """One of several worker processes ended and is replaced. `code`: its exit code, negative for a signal."""

    pid: int
    code: int


@dataclass(frozen=True)
class DegradedModeStarted(Event):
    """The database is away for so long that sending goes on without it; `rate` in messages a second."""

    rate: float


@dataclass(frozen=True)
class PutBack(Event):
    """Messages that cannot be sent without the database: not due, not readable, or another number's."""

    count: int
    seconds: float


@dataclass(frozen=True)
class FileSaved(Event):
    """A file that came with a message lies where files are saved; `size` in bytes."""

    message_id: str
    place: str
    size: int


@dataclass(frozen=True)
class FilesAway(Event):
    """Files that cannot be had or saved now; they are tried again."""

    why: str
    count: int


@dataclass(frozen=True)
class FileLost(Event):
    """A file cannot be had any more."""

    message_id: str
    why: str


@dataclass(frozen=True)
class Answered(Event):
    """A webhook was answered; `outcome` says how, `seconds` after it began to arrive. Counted, not told."""

    outcome: str
    seconds: float


@dataclass(frozen=True)
class RequestRefused(Event):
    """A request was refused before it was read whole; `reason` says why. Counted, not told."""

    reason: str


@dataclass(frozen=True)
class ConnectionCut(Event):
    """A client's connection was cut off; `reason` says why. Counted, not told."""

    reason: str


@dataclass(frozen=True)
class ConnectionsCut(Event):
    """Connections that were cut off for one reason since the last line about it."""

    reason: str
    count: int


@dataclass(frozen=True)
class WebhooksRejected(Event):
    """Webhooks that were not taken, or that mean nothing to us."""

    why: str
    count: int


@dataclass(frozen=True)
class Spooled(Event):
    """Webhooks that lie on the disk because the queue is away."""

    count: int


@dataclass(frozen=True)
class Requeued(Event):
    """Webhooks that lay on the disk are on the queue."""

    count: int


@dataclass(frozen=True)
class FeatureUnavailable(Event):
    """Something that will not work, though the rest does."""

    what: str


@dataclass(frozen=True)
class Started(Event):
    what: str


@dataclass(frozen=True)
class Stopping(Event):
    why: str


@dataclass(frozen=True)
class Stopped(Event):
    pass
