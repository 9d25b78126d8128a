"""What the Cloud API said of one attempt to send, as a value: one place makes it, one place acts on each kind.

The kinds differ in what we know. Only Unknown leaves open whether the customer will read the message.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Verdict:
    kind: ClassVar[str]


@dataclass(frozen=True)
class Accepted(Verdict):
    """Meta took it, under this id. `alias` is the customer's number as WhatsApp writes it, where it differs from ours.

    `paced`: a template held back for quality, whose status may therefore be late.
    """

    kind = "accepted"
    wamid: str
    alias: str | None = None
    paced: bool = False


@dataclass(frozen=True)
class Refused(Verdict):
    """Never to be sent as it is. `code` is Meta's, None where the answer has none that is a code."""

    kind = "refused"
    code: int | None
    why: str


@dataclass(frozen=True)
class Later(Verdict):
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
class NotSent(Verdict):
    """The request never left this machine: no try at all."""

    kind = "not_sent"
    why: str


@dataclass(frozen=True)
class Blocked(Verdict):
    """The token, the number or the account is refused, not this message: nobody can send now."""

    kind = "blocked"
    code: int | None
    why: str


@dataclass(frozen=True)
class Unknown(Verdict):
    """It may have reached Meta: only evidence may decide."""

    kind = "unknown"
    why: str


KINDS: dict[str, type[Verdict]] = {kind.kind: kind for kind in (Accepted, Refused, Later, NotSent, Blocked, Unknown)}


def has_not_left(verdict: Verdict) -> bool:
    """Whether the message certainly did not reach the customer and may be sent again."""
    return isinstance(verdict, (Later, NotSent, Blocked))


def to_record(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain data, for the spool."""
    return {"kind": verdict.kind, **asdict(verdict)}


def from_record(record: dict[str, Any]) -> Verdict:
    """The verdict of such data. Raises KeyError or TypeError where it is none."""
    values = dict(record)
    return KINDS[values.pop("kind")](**values)
