"""A circuit breaker: after a failure a dependency is not asked for a while, so that each caller does not wait for it."""

from __future__ import annotations

import time


class CircuitBreaker:
    """Open for `seconds` after each `trip`. While it is open, the caller does without the dependency."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._open_until = float("-inf")

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._open_until

    def trip(self) -> None:
        self._open_until = time.monotonic() + self._seconds
