"""A worker's heartbeat: that it lives, under which name, and when it last got on with its work."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

from wa_cli.errors import DatabaseUnavailable, RowRefused
from wa_cli.outbox.outbox import Outbox
from wa_cli.runtime.watchdog import Progress


class Heartbeat:
    """`kind`: outgoing or incoming."""

    def __init__(self, outbox: Outbox, kind: str, progress: Progress) -> None:
        self.outbox = outbox
        self.kind = kind
        self.progress = progress
        self._host = socket.gethostname()
        self._worker = f"{self._host}/{os.getpid()}"

    def beat(self) -> float | None:
        """Write that this worker lives. Returns an outgoing worker's share of the rate, in messages a second."""
        return self.outbox.heartbeat(self._worker, self._host, os.getpid(), kind=self.kind, idle=self.progress.idle)

    def end(self) -> None:
        """Forget the worker. Where the database is unavailable, its heartbeat ends by itself."""
        with suppress(DatabaseUnavailable, RowRefused):
            self.outbox.end_heartbeat(self._worker)
