"""From a queue to the database: receive → record → acknowledge. The same loop for both directions and every backend.

A message is acknowledged only after the transaction that recorded it: a redelivery is harmless, a loss is not. An
unreadable message is dead-lettered in the same transaction and never fails its batch. A delivery that fails for any
other reason is found by halving the batch, and becomes a dead letter with that reason.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import sqlalchemy as sa

from wa_cli.database import installation_faults
from wa_cli.database.engine import Database
from wa_cli.errors import ConfigError, DatabaseUnavailable, RowRefused
from wa_cli.isolation import OUTAGES, isolate, reason_of
from wa_cli.queues.base import Delivery, Queue
from wa_cli.queues.dead_letters import insert_dead
from wa_cli.runtime.outage import Outage
from wa_cli.runtime.stop import Stop
from wa_cli.runtime.watchdog import Progress, Watchdog, with_beats
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Emit, Event
from wa_cli.workers.degraded_mode import DegradedMode
from wa_cli.workers.recovery import Recovery

BATCH = 100
WAIT = timedelta(seconds=1)
BACK_POLL = 0.5

Poison = tuple[Delivery, str]


class Batch:
    """The results of recording a batch: dead letters, and events to emit after the commit."""

    def __init__(self) -> None:
        self.poison: list[Poison] = []
        self.pending_events: list[Event] = []


class Recorder(Protocol):
    """Writes deliveries, in the transaction that it gets. `recorders.py` has one for each direction."""

    def record(self, connection: sa.Connection, deliveries: Sequence[Delivery], batch: Batch) -> None:
        """Write the deliveries. Unreadable ones become dead letters of the batch. A refused row fails all."""


class Salvager(Protocol):
    """A writer of the usable parts of a delivery that the database refused as a whole."""

    def salvage(self, connection: sa.Connection, delivery: Delivery, batch: Batch) -> None:
        """Write the delivery part by part. Refused parts become dead letters of the batch."""


class Intake:
    """An intake of messages from one queue.

    `degraded_mode` takes over after an outage of `degraded_after`. `buried` counts the dead letters. `fault` is set while
    the database lacks what a message needs. `work_came` is set after each batch that was not empty.
    """

    def __init__(
        self,
        queue: Queue,
        database: Database,
        recorder: Recorder,
        recovery: Recovery,
        *,
        lease: timedelta,
        emit: Emit,
        salvager: Salvager | None = None,
        degraded_mode: DegradedMode | None = None,
        degraded_after: timedelta = timedelta(seconds=30),
        work_came: asyncio.Event | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.queue = queue
        self.database = database
        self.recorder = recorder
        self.recovery = recovery
        self.lease = lease
        self.emit = emit
        self.salvager = salvager
        self.degraded_mode = degraded_mode
        self.degraded_after = degraded_after.total_seconds()
        self.work_came = work_came or asyncio.Event()
        self.progress = progress or Progress()
        self.buried = 0
        self.fault: ConfigError | None = None
        self._beat: Callable[[], None] = lambda: None
        self._database_down_since: float | None = None

    async def run(self, stop: Stop, watchdog: Watchdog) -> None:
        """Run until `stop`."""
        must_recover = True
        component = Component.OUTGOING_QUEUE if self.queue.name == "outgoing" else Component.INCOMING_QUEUE
        outage = Outage(self.emit, component)
        name = f"intake of {self.queue.name}"
        self._beat = lambda: watchdog.beat(name)
        while not stop:
            self._beat()
            try:
                if must_recover:
                    await with_beats(self._recover, self._beat)
                    must_recover = False
                if await asyncio.to_thread(self.run_once, WAIT):
                    self.work_came.set()
                outage.succeeded()
            except OUTAGES as error:
                must_recover = True
                is_database = isinstance(error, DatabaseUnavailable)
                pause = outage.failed(error.message, Component.DATABASE if is_database else component)
                if is_database:
                    self._database_down_since = self._database_down_since or time.monotonic()
                if self.degraded_mode and self._is_long_outage():
                    await self._send_degraded(self.degraded_mode, stop, self._beat)
                else:
                    await stop.wait(pause)
        watchdog.forget(name)
        if self.degraded_mode:
            await self.degraded_mode.finish()

    def _recover(self) -> None:
        """Check the database before anything is received: an outage must not use up the receives of a message."""
        try:
            self.recovery.prove_writable()
            self._database_down_since = None
            self.recovery.recover()
            self.fault = None
        except RowRefused as error:
            self.fault = installation_faults.installation_fault(error)
            if self.fault is None:
                raise
            raise DatabaseUnavailable(self.fault.message) from error

    def _is_long_outage(self) -> bool:
        since = self._database_down_since
        return since is not None and time.monotonic() - since >= self.degraded_after

    async def _send_degraded(self, degraded_mode: DegradedMode, stop: Stop, beat: Callable[[], None]) -> None:
        """Send without the database until it is available again."""
        back = asyncio.create_task(self._until_back())
        try:
            await degraded_mode.run(stop, back.done, beat)
        finally:
            back.cancel()

    async def _until_back(self) -> None:
        while True:
            with suppress(DatabaseUnavailable):
                await asyncio.to_thread(self.recovery.prove_writable)
                return
            await asyncio.sleep(BACK_POLL)

    def run_once(self, wait: timedelta = timedelta(0)) -> int:
        """Take one batch. Return the number of its messages."""
        deliveries = self.queue.receive(BATCH, self.lease, wait)
        if not deliveries:
            return 0
        self._beat()
        try:
            unfit = self._record(deliveries)
        except DatabaseUnavailable:
            self._give_back(deliveries)
            raise
        self._beat()
        self.queue.ack([delivery for delivery in deliveries if delivery not in unfit])
        if unfit and self.fault:
            self._give_back(unfit)
            raise DatabaseUnavailable(self.fault.message)
        self.fault = None
        self.progress.note()
        return len(deliveries)

    def _record(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Record the deliveries in one transaction, or in as many as it takes to isolate those that fail.

        Return those that need a table, a column or a right that the database lacks. They are not to blame.
        """
        unfit: list[Delivery] = []

        def commit(part: Sequence[Delivery]) -> None:
            try:
                self._commit(lambda connection, batch: self.recorder.record(connection, part, batch))
            except RowRefused as error:
                fault = installation_faults.installation_fault(error)
                if fault is None or len(part) > 1:
                    raise
                self.fault = fault
                unfit.extend(part)

        isolate(deliveries, commit, self._salvage_or_bury)
        return unfit

    def _salvage_or_bury(self, delivery: Delivery, reason: str) -> None:
        """Store the usable parts of a delivery that fails as a whole, or dead-letter it.

        Raises DatabaseUnavailable if the dead letter cannot be written either. The queue then keeps the message.
        """
        try:
            self._commit(lambda connection, batch: self._salvage(connection, delivery, reason, batch))
        except OUTAGES:
            raise
        except Exception as error:
            self._bury_alone(delivery, reason_of(error))

    def _salvage(self, connection: sa.Connection, delivery: Delivery, reason: str, batch: Batch) -> None:
        if self.salvager is None:
            batch.poison.append((delivery, reason))
        else:
            self.salvager.salvage(connection, delivery, batch)

    def _bury_alone(self, delivery: Delivery, reason: str) -> None:
        try:
            self._commit(lambda _, batch: batch.poison.append((delivery, reason)))
        except OUTAGES:
            raise
        except Exception as error:
            raise DatabaseUnavailable(f"The database refuses dead letters: {reason_of(error)}") from error

    def _commit(self, write: Callable[[sa.Connection, Batch], None]) -> None:
        """Write records and dead letters in one transaction. Emit the events after the commit."""
        batch = Batch()
        with self.database.transaction() as connection:
            write(connection, batch)
            self._bury(connection, batch.poison)
        self.buried += len({delivery.id for delivery, _ in batch.poison})
        for event in (
            *batch.pending_events,
            *(events.DeadLettered(self.queue.name, reason) for _, reason in batch.poison),
        ):
            self.emit(event)

    def _bury(self, connection: sa.Connection, poison: Sequence[Poison]) -> None:
        if poison:
            reasons: dict[str, list[str]] = {}
            for delivery, reason in poison:
                reasons.setdefault(delivery.id, []).append(reason)
            letters = [
                {
                    "id": delivery.id,
                    "body": delivery.body,
                    "customer": delivery.customer,
                    "reason": "; ".join(reasons[delivery.id]),
                }
                for delivery in {delivery.id: delivery for delivery, _ in poison}.values()
            ]
            insert_dead(connection, self.queue.name, letters)

    def _give_back(self, deliveries: Sequence[Delivery]) -> None:
        """Give deliveries back if the queue answers. Otherwise they come again when their lease ends."""
        with suppress(*OUTAGES):
            self.queue.nack(deliveries)
