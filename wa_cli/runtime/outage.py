"""A dependency that is unavailable: one log line at each change, and the delay until the next try."""

from __future__ import annotations

import time
from collections.abc import Callable

from wa_cli.errors import DatabaseUnavailable
from wa_cli.runtime.backoff import full_jitter
from wa_cli.runtime.signals import stopping_on_signals
from wa_cli.runtime.stop import Stop
from wa_cli.telemetry import events
from wa_cli.telemetry.logs import Emit

# A worker asks for what it needs at least this often, in seconds; a command that waits at its start less often.
CAP, CAP_AT_START = 2.0, 15.0


class Outage:
    """The state of one dependency, such as the database: available, or unavailable since when.

    `failed` and `succeeded` are called after each try. Each change is emitted once, or never if `tell` is None.
    """

    def __init__(self, emit: Emit | None, what: str, *, base: float = 0.2, cap: float = CAP) -> None:
        self.what = what
        self._emit = emit
        self._base = base
        self._cap = cap
        self._failures = 0
        self._since: float | None = None

    def __bool__(self) -> bool:
        """Whether the last try failed."""
        return self._failures > 0

    @property
    def seconds(self) -> float:
        """The seconds since the first try that failed, or 0."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def failed(self, reason: str, what: str | None = None) -> float:
        """Note a try that failed. Return the seconds until the next one. `what` failed, by default `self.what`."""
        if not self._failures:
            self.what = what or self.what
            self._since = time.monotonic()
            if self._emit:
                self._emit(events.Unavailable(self.what, reason))
        self._failures += 1
        return full_jitter(self._failures, base=self._base, cap=self._cap)

    def succeeded(self) -> None:
        """Note a try that succeeded."""
        if self._failures and self._emit:
            self._emit(events.AvailableAgain(self.what))
        self._failures, self._since = 0, None


async def until_ready(check: Callable[[], None], emit: Emit, *, waits: bool) -> bool:
    """Run `check`, and with `waits` again until the database answers. Return False if a signal came first."""
    stop, outage = Stop(), Outage(emit, "The database", base=1.0, cap=CAP_AT_START)
    with stopping_on_signals(stop, emit):
        while not stop:
            try:
                check()
            except DatabaseUnavailable as error:
                if not waits:
                    raise
                await stop.wait(outage.failed(error.message))
            else:
                outage.succeeded()
                return True
    return False
