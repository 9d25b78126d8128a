"""Counts of a worker, for its status line."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable

from wa_cli.telemetry import events
from wa_cli.telemetry.events import Disposition, Event

WINDOW = 10.0


class Meter:
    """A subscriber that counts `sent`, `failed`, `messages` and `statuses`, from its creation on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_at = clock()
        self.counts: Counter[str] = Counter()
        self._recent: deque[tuple[float, int]] = deque()

    def __call__(self, event: Event) -> None:
        match event:
            case events.Accepted():
                self._count("sent", 1)
            case events.NotAccepted(disposition=Disposition.REJECTED):
                self.counts["failed"] += 1
            case events.Received(messages, statuses, _):
                self.counts["statuses"] += statuses
                self._count("messages", messages)

    @property
    def seconds(self) -> float:
        """The seconds since its creation."""
        return self._clock() - self._began_at

    def rate(self) -> float:
        """Return the messages per second of the last ten seconds."""
        self._forget_old()
        return sum(number for _, number in self._recent) / WINDOW

    def _count(self, what: str, number: int) -> None:
        self.counts[what] += number
        self._recent.append((self._clock(), number))
        self._forget_old()  # the rate may never be read

    def _forget_old(self) -> None:
        began = self._clock() - WINDOW
        while self._recent and self._recent[0][0] < began:
            self._recent.popleft()
