"""Events: small values that the code emits, with names and figures. Only `logs.py` has sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class Event:
    pass


@dataclass(frozen=True)
class Counted(Event):
    """An event that may come in floods. The log sums the counts of equal events."""

    count: int = field(default=1, kw_only=True)


Emit = Callable[[Event], None]


class Component(StrEnum):
    """A dependency that may be unavailable."""

    DATABASE = "database"
    OUTGOING_QUEUE = "outgoing queue"
    INCOMING_QUEUE = "incoming queue"
    SPOOL = "spool"
    WEBHOOK_SPOOL = "webhook spool"
    DEDUP_CACHE = "deduplication cache"
    CLOUDWATCH = "CloudWatch"


class Disposition(StrEnum):
    """The next step of a message that the API did not accept."""

    REJECTED = "rejected"
    RETRY = "retry"
    UNCERTAIN = "uncertain"


class Sweep(StrEnum):
    """A repair of periodic maintenance."""

    LOST_LEASES = "lost leases"
    EXPIRED = "expired"
    LATE_STATUSES = "late statuses"
    HEADS = "heads of line"
    UNREADABLE_LINES = "unreadable lines"
    UNKNOWN_OUTCOMES = "unknown outcomes"


class Program(StrEnum):
    """A part that runs until it is stopped."""

    OUTGOING_WORKER = "outgoing worker"
    INCOMING_WORKER = "incoming worker"
    SERVICE = "service"
    EVERYTHING = "everything"


class Feature(StrEnum):
    """A feature of the service that does not work with these settings."""

    SIGNATURES = "signatures"
    HANDSHAKE = "handshake"
    SENDING = "sending"


class WebhookResult(StrEnum):
    """The result of a webhook at the service."""

    QUEUED = "queued"
    SPOOLED = "spooled"
    DUPLICATE = "duplicate"
    FOREIGN = "foreign"
    UNSIGNED = "unsigned"
    UNAVAILABLE = "unavailable"
    CUT_OFF = "cut off"


@dataclass(frozen=True)
class Accepted(Event):
    """The API accepted a message, `seconds` after the request. It was due `waited_seconds` before its claim."""

    phone: str
    wamid: str
    reference: str = ""
    seconds: float = 0.0
    waited_seconds: float = 0.0


@dataclass(frozen=True)
class Stored(Event):
    """The row of a sent message is stored."""

    wamid: str
    message_type: str = ""


@dataclass(frozen=True)
class StoreFailed(Event):
    """Outcomes stay in the spool, since the database did not take them."""

    reason: str
    count: int


@dataclass(frozen=True)
class ValueLeftOut(Event):
    """A secondary value does not fit its column. The message is stored without it, and its raw JSON has it."""

    column: str
    reason: str


@dataclass(frozen=True)
class NotAccepted(Event):
    """The API did not accept a message. `code` is that of the API, if there is one.

    `attempt` is the number of this attempt, and `pause` the seconds until the next one.
    """

    phone: str
    disposition: Disposition
    reason: str
    reference: str = ""
    code: int | None = None
    attempt: int = 1
    pause: float = 0.0


@dataclass(frozen=True)
class Duplicated(Event):
    """One message was accepted twice. Both are stored."""

    reference: str


@dataclass(frozen=True)
class NumberBlocked(Event):
    reason: str


@dataclass(frozen=True)
class NumberPaused(Event):
    """A person paused the number of this worker."""

    reason: str


@dataclass(frozen=True)
class NumberUnblocked(Event):
    pass


@dataclass(frozen=True)
class SlowedDown(Event):
    """The number was throttled. `rate` is in messages a second."""

    rate: float


@dataclass(frozen=True)
class Received(Event):
    """The incoming worker stored a batch of messages, statuses and notices."""

    messages: int
    statuses: int
    notices: int = 0


@dataclass(frozen=True)
class DeadLettered(Event):
    """A queue message cannot be used and is a dead letter."""

    queue: str
    reason: str


@dataclass(frozen=True)
class Decided(Event):
    """Evidence decided an uncertain message."""

    reference: str
    state: str
    possible_duplicate: bool


@dataclass(frozen=True)
class Swept(Event):
    """Maintenance repaired something. `file` is named if it concerns one."""

    sweep: Sweep
    count: int
    file: str | None = None


@dataclass(frozen=True)
class MaintenanceFailed(Counted):
    """A step of maintenance failed and is retried."""

    reason: str


@dataclass(frozen=True)
class SpoolSettled(Event):
    """Outcomes of the spool were settled."""

    count: int


@dataclass(frozen=True)
class Unavailable(Event):
    """A dependency does not answer. It is tried again."""

    component: Component
    reason: str


@dataclass(frozen=True)
class AvailableAgain(Event):
    """A dependency answers again, after so many seconds."""

    component: Component
    seconds: float


@dataclass(frozen=True)
class WorkerDied(Event):
    """One of several worker processes ended and is replaced. `code` is its exit code, negative for a signal."""

    pid: int
    code: int


@dataclass(frozen=True)
class DegradedModeStarted(Event):
    """Sending continues without the database. `rate` is in messages a second."""

    rate: float


@dataclass(frozen=True)
class PutBack(Event):
    """Messages that degraded mode cannot send went back to the queue: not due, unreadable, or of another number."""

    count: int
    seconds: float


@dataclass(frozen=True)
class FileSaved(Event):
    """A file of a message is in the media store. `size` is in bytes."""

    message_id: str
    place: str
    size: int


@dataclass(frozen=True)
class FilesDelayed(Counted):
    """Files cannot be downloaded or saved now. They are tried again."""

    reason: str


@dataclass(frozen=True)
class FileLost(Event):
    """A file cannot be downloaded any more."""

    message_id: str
    reason: str


@dataclass(frozen=True)
class Answered(Event):
    """A webhook was answered, `seconds` after it began to arrive. Counted, not logged."""

    result: WebhookResult
    seconds: float


@dataclass(frozen=True)
class RequestRefused(Event):
    """A request was refused before it was read completely. Counted, not logged."""

    reason: str


@dataclass(frozen=True)
class ConnectionsCut(Counted):
    """Connections were closed because of a limit."""

    reason: str


@dataclass(frozen=True)
class WebhooksRejected(Counted):
    """Webhooks were not accepted, or do not concern wa."""

    result: WebhookResult
    reason: str = ""


@dataclass(frozen=True)
class Spooled(Counted):
    """Webhooks are in the spool, since the queue is unavailable."""


@dataclass(frozen=True)
class Requeued(Event):
    """Webhooks of the spool are on the queue."""

    count: int


@dataclass(frozen=True)
class FeatureUnavailable(Event):
    """A feature does not work with these settings, while the rest does."""

    feature: Feature


@dataclass(frozen=True)
class Started(Event):
    """A program started.

    `until_drained` is True if the program ends when no work is left. `url` and `processes` are of a service, `pid` is of one
    of several worker processes.
    """

    program: Program
    until_drained: bool = False
    url: str | None = None
    processes: int = 1
    pid: int | None = None


@dataclass(frozen=True)
class Stopping(Event):
    signal: str


@dataclass(frozen=True)
class Finished(Event):
    """A worker finished its work. `counts` are those of its messages by what happened to them."""

    program: Program
    seconds: float
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Stopped(Event):
    pass
