"""What the Cloud API said of one attempt to send, as a value: one place makes it, one place acts on each kind.

The kinds differ in what we know. Only Unknown leaves open whether the customer will read the message.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Outcome:
    kind: ClassVar[str]


@dataclass(frozen=True)
class Accepted(Outcome):
    """Meta took it, under this id. `alias` is the customer's number as WhatsApp writes it, where it differs from ours.

    `paced`: a template held back for quality, whose status may therefore be late.
    """

    kind = "accepted"
    wamid: str
    alias: str | None = None
    paced: bool = False


@dataclass(frozen=True)
class Rejected(Outcome):
    """Never to be sent as it is. `code` is Meta's, None where the answer has none that is a code."""

    kind = "refused"
    code: int | None
    why: str


@dataclass(frozen=True)
class Retryable(Outcome):
    """Not now. `scope` says who waits: the message alone, its customer's pair with us, or the whole number.

    Seconds in `after` are the least wait; None leaves it to the back-off. A throttled try does not count.
    """

    kind = "later"
    code: int | None
    why: str
    scope: str = "message"
    after: float | None = None
    counts: bool = True


@dataclass(frozen=True)
class NotTransmitted(Outcome):
    """The request never left this machine: no try at all."""

    kind = "not_sent"
    why: str


@dataclass(frozen=True)
class Blocked(Outcome):
    """The token, the number or the account is refused, not this message: nobody can send now."""

    kind = "blocked"
    code: int | None
    why: str


@dataclass(frozen=True)
class Unknown(Outcome):
    """It may have reached Meta: only evidence may decide."""

    kind = "unknown"
    why: str


KINDS: dict[str, type[Outcome]] = {
    kind.kind: kind for kind in (Accepted, Rejected, Retryable, NotTransmitted, Blocked, Unknown)
}


def may_be_sent_again(outcome: Outcome) -> bool:
    """Whether the message certainly did not reach the customer and may be sent again."""
    return isinstance(outcome, (Retryable, NotTransmitted, Blocked))


def to_record(outcome: Outcome) -> dict[str, Any]:
    """The verdict as plain data, for the spool."""
    return {"kind": outcome.kind, **asdict(outcome)}


def from_record(record: dict[str, Any]) -> Outcome:
    """The verdict of such data. Raises KeyError or TypeError where it is none."""
    values = dict(record)
    return KINDS[values.pop("kind")](**values)
