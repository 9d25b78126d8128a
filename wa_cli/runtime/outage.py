"""A dependency that is unavailable: one log line at each change, and the delay until the next try."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from wa_cli.errors import DatabaseUnavailable, QueueUnavailable
from wa_cli.runtime.backoff import full_jitter
from wa_cli.runtime.signals import stopping_on_signals
from wa_cli.runtime.stop import Stop
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Emit

# The longest delay between two tries, in seconds: of a running worker, and of a command that waits at its start.
CAP, CAP_AT_START = 2.0, 15.0
# Seconds in which the loop notices a signal that came at the end of a check.
SIGNAL_GRACE = 0.01


class Outage:
    """The state of one dependency, such as the database: available, or unavailable since when.

    `failed` and `succeeded` are called after each try. Each change is emitted once, or never if `emit` is None.
    """

    def __init__(self, emit: Emit | None, component: Component, *, base: float = 0.2, cap: float = CAP) -> None:
        self.component = component
        self._emit = emit
        self._base = base
        self._cap = cap
        self._failures = 0
        self._since: float | None = None

    def __bool__(self) -> bool:
        """True if the last try failed."""
        return self._failures > 0

    @property
    def seconds(self) -> float:
        """The seconds since the first try that failed, or 0."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def failed(self, reason: str, component: Component | None = None) -> float:
        """Note a try that failed. Return the seconds until the next one. `component` failed this time."""
        if not self._failures:
            self.component = component or self.component
            self._since = time.monotonic()
            if self._emit:
                self._emit(events.Unavailable(self.component, reason))
        self._failures += 1
        return full_jitter(self._failures, base=self._base, cap=self._cap)

    def succeeded(self) -> None:
        """Note a try that succeeded."""
        if self._failures and self._emit:
            self._emit(events.AvailableAgain(self.component, self.seconds))
        self._failures, self._since = 0, None


async def until_ready(check: Callable[[], None], emit: Emit, *, waits: bool, queue: Component) -> bool:
    """Run `check`, and with `waits` again until database and queue answer. Return False if a signal came first."""
    stop, outage = Stop(), Outage(emit, Component.DATABASE, base=1.0, cap=CAP_AT_START)
    with stopping_on_signals(stop, emit):
        while not stop:
            try:
                await asyncio.to_thread(check)  # a signal is noticed meanwhile
            except (DatabaseUnavailable, QueueUnavailable) as error:
                if not waits:
                    raise
                component = Component.DATABASE if isinstance(error, DatabaseUnavailable) else queue
                await stop.wait(outage.failed(error.message, component))
            else:
                outage.succeeded()
                await stop.wait(SIGNAL_GRACE)
                return not stop
    return False
