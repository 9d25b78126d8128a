"""The heartbeat of a worker: its name, and the time of its last progress."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

from wa_cli.errors import DatabaseUnavailable, RowRefused
from wa_cli.outbox.outbox import NumberShare, Outbox
from wa_cli.runtime.watchdog import Progress


class Heartbeat:
    """Writes the heartbeat of a worker of the kind `outgoing` or `incoming`. `rate` returns its messages a second."""

    def __init__(self, outbox: Outbox, kind: str, progress: Progress, rate: Callable[[], float] = lambda: 0.0) -> None:
        self.outbox = outbox
        self.kind = kind
        self.progress = progress
        self.rate = rate
        self._beaten_at: float | None = None
        self._host = socket.gethostname()
        # `wa up` runs a worker of each kind in one process, and containers may share the name of their host and the pid 1.
        self._worker = f"{self._host}/{os.getpid()}/{kind}/{uuid4().hex[:8]}"

    def beat(self) -> NumberShare | None:
        """Write the heartbeat. Return an outgoing worker's share of the number."""
        share = self.outbox.heartbeat(
            self._worker, self._host, os.getpid(), kind=self.kind, idle=self.progress.idle, rate=self.rate()
        )
        self._beaten_at = time.monotonic()
        return share

    def silence(self) -> float | None:
        """Return the seconds since the last heartbeat, or None before the first one."""
        return None if self._beaten_at is None else time.monotonic() - self._beaten_at

    def end(self) -> None:
        """Delete the heartbeat. If the database is unavailable, it ends by itself."""
        with suppress(DatabaseUnavailable, RowRefused):
            self.outbox.end_heartbeat(self._worker)
