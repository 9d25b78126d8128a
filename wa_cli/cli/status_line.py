"""The status line of a worker at the bottom of a terminal, with the log scrolling above it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wa_cli.errors import DatabaseUnavailable, QueueError
from wa_cli.telemetry import logs

if TYPE_CHECKING:
    from rich.text import Text

    from wa_cli.workers.worker import IncomingWorker, OutgoingWorker

REFRESHES = 4
# Counting the waiting messages may take long, so it is done for a tenth of the time at most.
ASK_EVERY, ASK_SHARE = 2.0, 10.0

Facts = list[tuple[str, int | float | str | None]]
# Facts that are shown only if they are not as usual.
USUAL = {"held": 0, "number": "open"}


def is_wanted(log_format: str) -> bool:
    """Return True at a terminal with a log for people."""
    return sys.stderr.isatty() and log_format == logs.TEXT


@contextmanager
def line(now: Callable[[], Facts], queried: Callable[[], Facts]) -> Iterator[None]:
    """Show the facts until the end of the block. `now` is known at once, `queried` needs the database or the queue."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    shown = _Line(now, queried)
    with Live(get_renderable=shown.text, console=console, refresh_per_second=REFRESHES, transient=True):
        logs.start(write=lambda line: console.print(line, markup=False, soft_wrap=True))
        asking = threading.Thread(target=shown.keep_asking, name="live", daemon=True)
        asking.start()
        try:
            yield
        finally:
            shown.done.set()
    logs.start()


def outgoing(worker: OutgoingWorker) -> tuple[Callable[[], Facts], Callable[[], Facts]]:
    meter = worker.meter

    def now() -> Facts:
        return [
            ("/s", round(meter.rate(), 1)),
            ("number", worker.maintenance.number_state),
            ("in flight", worker.sender.dispatch.in_flight),
            ("sent", meter.counts["sent"]),
            ("failed", meter.counts["failed"]),
            ("spool", worker.sender.spooling.spool.left()),
        ]

    def queried() -> Facts:
        left = worker.sender.outbox.work_left()
        waiting = worker.intake.queue.depth().waiting + left.due + left.waiting
        return [("queue", waiting), ("uncertain", left.uncertain), ("held", left.held)]

    return now, queried


def incoming(worker: IncomingWorker) -> tuple[Callable[[], Facts], Callable[[], Facts]]:
    meter = worker.meter

    def now() -> Facts:
        return [
            ("/s", round(meter.rate(), 1)),
            ("messages", meter.counts["messages"]),
            ("statuses", meter.counts["statuses"]),
        ]

    return now, lambda: [("queue", worker.intake.queue.depth().waiting)]


class _Line:
    def __init__(self, now: Callable[[], Facts], queried: Callable[[], Facts]) -> None:
        self.now = now
        self.queried = queried
        self.done = threading.Event()
        self._answer: Facts = []

    def text(self) -> Text:
        """Return a line like `81.5/s  in flight 20  sent 4,711`."""
        from rich.text import Text

        (unit, rate), *facts = self.now()
        parts = [
            f"{name} [bold]{_written(value)}[/]"
            for name, value in (*facts, *self._answer)
            if name not in USUAL or value != USUAL[name]
        ]
        line = "  ".join([f"[bold]{_written(rate)}[/]{unit}", *parts])
        return Text.from_markup(line, overflow="ellipsis", end="")

    def keep_asking(self) -> None:
        while not self.done.is_set():
            began = time.monotonic()
            try:
                self._answer = self.queried()
            except (DatabaseUnavailable, QueueError):
                self._answer = [(name, None) for name, _ in self._answer]
            self.done.wait(max(ASK_EVERY, ASK_SHARE * (time.monotonic() - began)))


def _written(value: float | str | None) -> str:
    return value if isinstance(value, str) else "?" if value is None else f"{value:,}"
