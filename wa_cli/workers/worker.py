"""The two workers: their parts, and the end of a draining one."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from wa_cli.counted import counted
from wa_cli.errors import PartlyDone, StillPending
from wa_cli.isolation import OUTAGES
from wa_cli.media.downloader import Downloader
from wa_cli.outbox.outbox import Outbox, WorkLeft
from wa_cli.outbox.spool import Spool
from wa_cli.queues.base import Queue
from wa_cli.runtime.stop import Stop
from wa_cli.runtime.tasks import all_until_one_fails
from wa_cli.runtime.watchdog import Watchdog
from wa_cli.telemetry.meter import Meter
from wa_cli.workers.incoming_maintenance import IncomingMaintenance
from wa_cli.workers.intake import Intake
from wa_cli.workers.maintenance import Maintenance
from wa_cli.workers.sender import Sender

DRAIN_POLL = 0.1
THREADS = 24


class OutgoingWorker:
    """Takes messages from the queue into the outbox, sends them, and stores them."""

    def __init__(
        self,
        intake: Intake,
        sender: Sender,
        maintenance: Maintenance,
        meter: Meter,
        *,
        stop_timeout: timedelta,
        drain: bool = False,
    ) -> None:
        self.intake = intake
        self.sender = sender
        self.maintenance = maintenance
        self.meter = meter
        self.stop_timeout = stop_timeout
        self.drain = drain

    async def run(self, stop: Stop) -> None:
        """Run until `stop`, or until no work is left when draining. Raises StillPending with the unfinished work."""
        spool = self.sender.spooling.spool
        spool.check()
        _give_threads()
        with Watchdog().watching() as watchdog:
            parts = [
                self.intake.run(stop, watchdog),
                self.sender.run(stop, watchdog, self.stop_timeout),
                self.maintenance.run(stop, watchdog),
            ]
            if self.drain:
                parts.append(self._stop_when_drained(stop))
            await all_until_one_fails(*parts)
        if self.drain:
            _check_stored(spool, self.intake)
            _check_finished(await asyncio.to_thread(self.sender.outbox.work_left))

    async def _stop_when_drained(self, stop: Stop) -> None:
        while not stop:
            if self.sender.is_idle:  # messages in flight are settled first
                _check_fault(self.intake)
            with suppress(*OUTAGES):  # during an outage nothing is finished
                # Time may have brought more work: a lost lease, evidence, or the spool of a dead worker.
                if await self._is_drained():
                    await asyncio.to_thread(self.maintenance.run_once)
                    if await self._is_drained():
                        stop.set()
                        return
                elif self.sender.spooling.fault and self.sender.is_idle:
                    raise self.sender.spooling.fault
            await stop.wait(DRAIN_POLL)

    async def _is_drained(self) -> bool:
        return self.sender.is_idle and await asyncio.to_thread(_is_drained, self.intake.queue, self.sender.outbox)


class IncomingWorker:
    """Stores received messages and statuses. `downloader` saves their files."""

    def __init__(
        self,
        intake: Intake,
        maintenance: IncomingMaintenance,
        meter: Meter,
        *,
        downloader: Downloader | None = None,
        drain: bool = False,
    ) -> None:
        self.intake = intake
        self.maintenance = maintenance
        self.meter = meter
        self.downloader = downloader
        self.drain = drain

    async def run(self, stop: Stop) -> None:
        """Run until `stop`, or until no work is left when draining."""
        _give_threads()
        with Watchdog().watching() as watchdog:
            parts = [self.intake.run(stop, watchdog), self.maintenance.run(stop)]
            if self.downloader:
                parts.append(self.downloader.run(stop))
            if self.drain:
                parts.append(self._stop_when_drained(stop))
            await all_until_one_fails(*parts)
        if self.drain:
            _check_stored(self.maintenance.spooled_webhooks.spool, self.intake)

    async def _stop_when_drained(self, stop: Stop) -> None:
        while not stop:
            _check_fault(self.intake)
            with suppress(*OUTAGES):  # during an outage nothing is finished
                await asyncio.to_thread(self.maintenance.spooled_webhooks.run_once)
                if await asyncio.to_thread(self._is_drained):
                    stop.set()
            await stop.wait(DRAIN_POLL)

    def _is_drained(self) -> bool:
        return self.intake.queue.depth().is_empty and (self.downloader is None or self.downloader.is_idle())


def _give_threads() -> None:
    """Give each part a thread, so that no part keeps another one from the disk while it waits for the database."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="wa"))


def _is_drained(queue: Queue, outbox: Outbox) -> bool:
    """Return True if queue and outbox are empty. The queue is read first, since its messages move to the outbox."""
    if not queue.depth().is_empty:
        return False
    left = outbox.work_left()
    return not (left.sending or left.due)


def _check_fault(intake: Intake) -> None:
    """Raise ConfigError if the queue cannot be emptied before a person repairs the database."""
    if intake.fault is not None:
        raise intake.fault


def _check_stored(spool: Spool, intake: Intake) -> None:
    """Raise PartlyDone if something was neither sent nor stored."""
    state = spool.state()
    left = [
        (state.records, "record", "left in the spool, since the database refuses them"),
        (len(state.corrupt), "file", "of the spool set aside"),
        (intake.buried, "message", "dead-lettered"),
    ]
    parts = [f"{counted(count, noun)} {what}" for count, noun, what in left if count]
    if parts:
        raise PartlyDone(f"The queue is empty, but not everything is stored: {', '.join(parts)}.", command="wa verify")


@dataclass(frozen=True)
class _Rest:
    count: int
    what: str


def _check_finished(left: WorkLeft) -> None:
    """Raise StillPending if messages wait for more than a worker."""
    rest = [
        _Rest(left.waiting, "waiting for a later retry or behind another one"),
        _Rest(left.paused, "on a paused number"),
        _Rest(left.scheduled, "scheduled for later"),
        _Rest(left.uncertain, "uncertain until evidence comes"),
        _Rest(left.held, "held for a person's decision"),
    ]
    parts = [f"{part.count} {part.what}" for part in rest if part.count]
    if parts:
        raise StillPending(
            f"Every message that could be sent is sent. Not finished: {', '.join(parts)}.", command="wa queue status"
        )
