"""Maintenance of an incoming worker: webhooks of this machine's spool, and statuses that came before their row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from wa_cli.media.downloads import Files
from wa_cli.outbox.outbox import Outbox
from wa_cli.runtime.stop import Stop
from wa_cli.runtime.watchdog import Progress
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Emit, Sweep
from wa_cli.workers.heartbeat import Heartbeat
from wa_cli.workers.maintenance import SLOW_EVERY, every_few_seconds, run_step
from wa_cli.workers.spooled_webhooks import SpooledWebhooks


class IncomingMaintenance:
    """The maintenance beside the intake of webhooks, and its recovery after an outage.

    `keep` is the retention of the names of files that Meta has deleted.
    """

    def __init__(
        self,
        outbox: Outbox,
        files: Files,
        spooled_webhooks: SpooledWebhooks,
        *,
        keep: timedelta,
        emit: Emit,
        progress: Progress | None = None,
        stored_per_second: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.outbox = outbox
        self.files = files
        self.spooled_webhooks = spooled_webhooks
        self.keep = keep
        self.emit = emit
        self.heartbeat = Heartbeat(outbox, "incoming", progress or Progress(), stored_per_second)
        self._slow_at = 0.0

    async def run(self, stop: Stop) -> None:
        """Run every few seconds until `stop`."""
        await every_few_seconds(self.run_once, stop)
        await asyncio.to_thread(self.heartbeat.end)

    def run_once(self) -> None:
        """Run every step that is due."""
        steps: list[Callable[[], object]] = [self.heartbeat.beat, self.spooled_webhooks.run_once]
        if time.monotonic() >= self._slow_at:
            self._slow_at = time.monotonic() + SLOW_EVERY
            steps += [self._merge, lambda: self.files.prune(self.keep)]
        for step in steps:
            run_step(step, self.emit)

    def prove_writable(self) -> None:
        """Write the heartbeat, which a standby and a full disk refuse."""
        self.heartbeat.beat()

    def recover(self) -> None:
        """Do nothing: what an outage has left needs no order, and `run_once` puts it into the queue."""

    def _merge(self) -> None:
        applied = self.outbox.sweeps.merge_pending_statuses()
        if applied:
            self.emit(events.Swept(Sweep.LATE_STATUSES, applied))
