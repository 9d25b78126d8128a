"""What a migration tells while it goes on. How it reads is the front door's business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wa_cli.migrations.catalogue import Step


@dataclass(frozen=True)
class Begun:
    """A step begins, the `place`-th of so many steps of its file."""

    step: Step
    place: int
    of: int


@dataclass(frozen=True)
class Moved:
    """What it does now; `share` of that, from 0 to 1, and the seconds it has left, where that is known."""

    said: str
    share: float | None = None
    left: float | None = None


@dataclass(frozen=True)
class Waiting:
    """It waits for others, since so many seconds."""

    who: str
    seconds: float


@dataclass(frozen=True)
class Done:
    step: Step
    seconds: float


@dataclass(frozen=True)
class Skipped:
    """It could not be done and hinders nobody; the next run tries it again."""

    step: Step
    why: str


Event = Begun | Moved | Waiting | Done | Skipped
Report = Callable[[Event], None]


def quiet(event: Event) -> None:
    """For whom nobody looks on."""
    del event
