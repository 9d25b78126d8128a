"""The send rate of one worker without the database: a token bucket of its own."""

from __future__ import annotations

import time
from collections.abc import Callable

BURST_SECONDS = 0.25
SLOWER, LEAST = 0.7, 0.5


class Pace:
    """At most `rate` messages a second, in bursts of a quarter of a second."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._tokens = min(1.0, rate)
        self._filled_at = clock()
        self._paused_until = 0.0

    def room(self) -> float:
        """Return the number of messages that may be sent now."""
        now = self._clock()
        if now < self._paused_until:
            return 0.0
        self._tokens = min(max(1.0, self.rate * BURST_SECONDS), self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        return self._tokens

    def until_room(self) -> float:
        """Return the seconds until a message may be sent, at most one, so that the caller notices changes."""
        paused = self._paused_until - self._clock()
        if paused > 0 or not self.rate:
            return min(1.0, paused) if self.rate else 1.0
        return min(1.0, max(0.0, (1.0 - self._tokens) / self.rate))

    def spend(self, number: int) -> None:
        self._tokens -= number

    def slow_down(self, pause: float) -> None:
        """Lower the rate after a throttle, and pause. Other throttled answers of the same pause change nothing."""
        if self._clock() >= self._paused_until:
            self.rate = max(min(LEAST, self.rate), self.rate * SLOWER)
            self.pause(pause)

    def pause(self, seconds: float) -> None:
        self._tokens = 0.0
        self._paused_until = max(self._paused_until, self._clock() + seconds)
