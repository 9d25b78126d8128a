"""Fewer log lines for events that may come in floods: the first one at once, then their sum every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from wa_cli.telemetry import events
from wa_cli.telemetry.events import Counted, Emit, Event

EVERY = 10.0
# After these the flood is over.
FLUSHING = (events.AvailableAgain, events.Stopped)


@dataclass
class _Flood:
    quiet_until: float
    pending: Counted | None = None


class LogThrottle:
    """A subscriber that passes events on, counted ones as sums. Nothing stays pending when the process stops."""

    def __init__(self, emit: Emit, clock: Callable[[], float] = time.monotonic) -> None:
        self._emit = emit
        self._clock = clock
        self._floods: dict[Counted, _Flood] = {}

    def __call__(self, event: Event) -> None:
        self._flush(everything=isinstance(event, FLUSHING))
        if isinstance(event, Counted):
            self._add(event)
        else:
            self._emit(event)

    def _add(self, event: Counted) -> None:
        kind = replace(event, count=0)
        flood = self._floods.get(kind)
        if flood is None:
            self._floods[kind] = _Flood(self._clock() + EVERY)
            self._emit(event)
        elif flood.pending is None:
            flood.pending = event
        else:
            flood.pending = replace(event, count=flood.pending.count + event.count)

    def _flush(self, *, everything: bool) -> None:
        """Pass on the sums whose time has come, or all of them."""
        now = self._clock()
        for kind, flood in list(self._floods.items()):
            if not everything and now < flood.quiet_until:
                continue
            if flood.pending:
                self._emit(flood.pending)
                self._floods[kind] = _Flood(now + EVERY)
            else:
                del self._floods[kind]
        if everything:
            self._floods.clear()
