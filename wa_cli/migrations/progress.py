"""Progress events of a migration. The command line decides how they are printed."""

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
    """The phase of a step, its share from 0 to 1, and the remaining seconds if known."""

    sentence: str
    share: float | None = None
    left: float | None = None


@dataclass(frozen=True)
class Waiting:
    """A step waits for other sessions, since so many seconds."""

    who: str
    seconds: float


@dataclass(frozen=True)
class Done:
    step: Step
    seconds: float


@dataclass(frozen=True)
class Skipped:
    """A step could not be done now. The next run tries it again."""

    step: Step
    why: str


Event = Begun | Moved | Waiting | Done | Skipped
Report = Callable[[Event], None]


def quiet(event: Event) -> None:
    """Print nothing."""
    del event
