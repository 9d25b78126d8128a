"""Counts what happened, for a line that shows it."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable

from wa_cli.telemetry import events
from wa_cli.telemetry.events import Event
from wa_cli.telemetry.logs import Emit

WINDOW = 10.0


class Meter:
    """Stands in front of whoever is told, and counts: `sent`, `failed`, `messages`, `statuses`."""

    def __init__(self, emit: Emit, clock: Callable[[], float] = time.monotonic) -> None:
        self._emit = emit
        self._clock = clock
        self.counts: Counter[str] = Counter()
        self._recent: deque[tuple[float, int]] = deque()

    def emit(self, event: Event) -> None:
        match event:
            case events.Accepted():
                self._count("sent", 1)
            case events.NotAccepted(_, "was refused", _, _):
                self.counts["failed"] += 1
            case events.Received(messages, statuses, _):
                self.counts["statuses"] += statuses
                self._count("messages", messages)
        self._emit(event)

    def rate(self) -> float:
        """Messages a second, over the last ten."""
        self._forget_old()
        return sum(number for _, number in self._recent) / WINDOW

    def _count(self, what: str, number: int) -> None:
        self.counts[what] += number
        self._recent.append((self._clock(), number))
        self._forget_old()  # nobody may ever ask for the rate

    def _forget_old(self) -> None:
        began = self._clock() - WINDOW
        while self._recent and self._recent[0][0] < began:
            self._recent.popleft()
