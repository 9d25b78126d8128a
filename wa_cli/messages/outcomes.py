"""The outcome of one attempt to send, as a value. One place makes it, and one place handles each kind.

After Unknown it is uncertain if the message was sent. Every other outcome is certain.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Outcome:
    kind: ClassVar[str]


@dataclass(frozen=True)
class Accepted(Outcome):
    """Meta accepted the message under this id. `alias` is the customer's number as WhatsApp writes it, if it differs.

    `paced` marks a template that Meta holds back for quality, so that its status may be late.
    """

    kind = "accepted"
    wamid: str
    alias: str | None = None
    paced: bool = False


@dataclass(frozen=True)
class Rejected(Outcome):
    """The message can never be sent as it is. `code` is Meta's, or None if the answer has no code."""

    kind = "rejected"
    code: int | None
    why: str


@dataclass(frozen=True)
class Retryable(Outcome):
    """The message can be sent later. `scope` tells if the message, the customer's pair or the whole number waits.

    `after` is the least wait in seconds, or None for the usual backoff. A throttled try does not count.
    """

    kind = "retryable"
    code: int | None
    why: str
    scope: str = "message"
    after: float | None = None
    counts: bool = True


@dataclass(frozen=True)
class NotTransmitted(Outcome):
    """The request never left this machine, so it does not count as a try."""

    kind = "not_transmitted"
    why: str


@dataclass(frozen=True)
class Blocked(Outcome):
    """The token, the number or the account is refused, not this message. Nothing can be sent now."""

    kind = "blocked"
    code: int | None
    why: str


@dataclass(frozen=True)
class Unknown(Outcome):
    """The message may have reached Meta. Only evidence decides."""

    kind = "unknown"
    why: str


KINDS: dict[str, type[Outcome]] = {
    kind.kind: kind for kind in (Accepted, Rejected, Retryable, NotTransmitted, Blocked, Unknown)
}


# The words of spool files. They are those of the first release, since a release before must read the files of this one.
_WRITTEN = {"rejected": "refused", "retryable": "later", "not_transmitted": "not_sent"}
_READ = {written: kind for kind, written in _WRITTEN.items()}


def may_be_sent_again(outcome: Outcome) -> bool:
    """Return True if the message certainly did not reach the customer."""
    return isinstance(outcome, (Retryable, NotTransmitted, Blocked))


def to_record(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as plain data, for the spool."""
    return {"kind": _WRITTEN.get(outcome.kind, outcome.kind), **asdict(outcome)}


def from_record(record: dict[str, Any]) -> Outcome:
    """Return the outcome of such data. Raises KeyError or TypeError if it is not one."""
    values = dict(record)
    kind = values.pop("kind")
    return KINDS[_READ.get(kind, kind)](**values)
