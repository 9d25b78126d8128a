"""Tells of what may come in floods: the first at once, then every few seconds how many more there were."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from wa_cli.telemetry.events import Event
from wa_cli.telemetry.logs import Emit

EVERY = 10.0


@dataclass
class _Flood:
    quiet_until: float = float("-inf")
    untold: int = 0
    event: Callable[[int], Event] | None = None


class LogThrottle:
    """One for each kind of thing; what is left untold is told with the next that comes."""

    def __init__(self, emit: Emit, clock: Callable[[], float] = time.monotonic) -> None:
        self._emit = emit
        self._clock = clock
        self._floods: dict[str, _Flood] = {}

    def flush(self) -> None:
        """It is over: tell what is left untold."""
        for flood in self._floods.values():
            if flood.untold and flood.event:
                self._emit(flood.event(flood.untold))
        self._floods.clear()

    def emit(self, what: str, event: Callable[[int], Event], count: int = 1) -> None:
        """`event` makes the event of so many of them."""
        flood = self._floods.setdefault(what, _Flood())
        flood.untold, flood.event = flood.untold + count, event
        if self._clock() >= flood.quiet_until:
            self._emit(event(flood.untold))
            flood.untold, flood.quiet_until = 0, self._clock() + EVERY
