"""The progress of a migration on stderr: one moving line at a terminal, lines in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from wa_cli.cli import tables
from wa_cli.clock import format_span
from wa_cli.migrations.progress import Begun, Done, Event, Moved, Report, Skipped, Waiting
from wa_cli.telemetry.logs import print_note

if TYPE_CHECKING:
    from rich.status import Status
    from rich.text import Text

TELL_MOVES_EVERY = 10.0


@contextmanager
def shown() -> Iterator[Report]:
    """Yield the report function for a migrator."""
    if not sys.stderr.isatty():
        yield _Lines().show
        return

    console = Console(stderr=True, highlight=False)
    with console.status("") as status:
        yield _Moving(status).show


class _Lines:
    """For a pipe or a log: the begin and the end of each step, its waits, and its progress every few seconds."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def show(self, event: Event) -> None:
        match event:
            case Begun():
                self._told = time.monotonic()
                print_note(f"{_heading(event)} [{event.step.lock}]")
            case Moved():
                if time.monotonic() - self._told >= TELL_MOVES_EVERY:
                    self._told = time.monotonic()
                    print_note(f"    {_moved(event)}")
            case Waiting():
                print_note(f"    {_waiting(event)}")
            case Done():
                print_note(f"    done in {_span(event.seconds)}")
            case Skipped():
                print_note(f"    skipped: {event.step.title}: {event.why}")


class _Moving:
    """For a terminal: a line for each completed step, and a moving one for the current step."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._step = ""

    def show(self, event: Event) -> None:

        match event:
            case Begun():
                self._step = _heading(event)
                self._show(event.step.lock)
            case Moved():
                self._show(_moved(event))
            case Waiting():
                self._show(_waiting(event), "yellow")
            case Done():
                self._print(Text.assemble(("✓ ", "green"), f"{self._step}  ", (_span(event.seconds), "dim")))
            case Skipped():
                self._print(Text.assemble(("! ", "yellow"), f"skipped: {event.step.title}: {tables.clean(event.why)}"))

    def _show(self, below: str, style: str = "dim") -> None:

        self._status.update(Text.assemble(self._step, "\n    ", (tables.clean(below), style)))

    def _print(self, line: Text) -> None:
        self._status.console.print(line)


def _heading(event: Begun) -> str:
    place = f" {event.place}/{event.of}" if event.of > 1 else ""
    return f"{event.step.version}{place}: {event.step.title}"


def _moved(event: Moved) -> str:
    share = f", {100 * event.share:.0f} %" if event.share is not None else ""
    left = f", {_span(event.left)} left" if event.left is not None else ""
    return f"{event.sentence}{share}{left}"


def _waiting(event: Waiting) -> str:
    since = f" {_span(event.seconds)}" if event.seconds >= 1 else ""
    return f"waiting{since} for {event.who}"


def _span(seconds: float) -> str:
    return format_span(timedelta(seconds=seconds))
