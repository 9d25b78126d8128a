"""The end of a message in degraded mode: write its outcome to disk, then acknowledge it or give it back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from wa_cli.errors import QueueError
from wa_cli.messages.outcomes import may_be_sent_again
from wa_cli.outbox.settlement import Intent, Settlement
from wa_cli.outbox.spool import Record, Spool, SpoolUnwritable
from wa_cli.queues.base import Delivery, Queue
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Emit
from wa_cli.workers.stage import Stage


@dataclass(frozen=True)
class Attempted:
    """A message that was tried, with its outcome. `settlement.pause` is the pause before the queue gives it again."""

    delivery: Delivery
    intent: Intent
    settlement: Settlement

    @property
    def comes_again(self) -> bool:
        return may_be_sent_again(self.settlement.outcome)

    def to_record(self) -> Record:
        """Return the outcome. If the message may have reached the customer, the record holds the message too, and can be
        replayed alone.
        """
        outcome = self.settlement.to_record()
        return outcome if self.comes_again else {**self.intent.to_record(), **outcome}


class DegradedSettling(Stage[Attempted]):
    """Writes outcomes to the spool, and acknowledges their messages or gives them back.

    While it is open, the spool's files belong to this process. Closed, any process may adopt them.
    """

    name: ClassVar[str] = "degraded settling"

    def __init__(self, queue: Queue, spool: Spool, emit: Emit) -> None:
        super().__init__()
        self.queue = queue
        self.spool = spool
        self.emit = emit
        self._closed = threading.Event()
        self._closed.set()
        self._calls: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        self._closed.clear()

    def close(self) -> None:
        self.spool.close()
        self._closed.set()

    def wait_until_closed(self) -> None:
        """Return when the files can be adopted. Called from another thread."""
        self._closed.wait()

    async def handle(self, items: list[Attempted]) -> None:
        """Write the outcomes to disk first: an acknowledged message must be recorded somewhere."""
        try:
            await asyncio.to_thread(self.spool.append, [attempted.to_record() for attempted in items])
            if self._closed.is_set():  # finished after the outage, so not for this process to keep
                self.spool.close()
        except (SpoolUnwritable, OSError) as error:
            # The intents are on disk, so evidence will decide.
            self.emit(events.Unavailable(Component.SPOOL, str(error)))
        # The queue may be slow, and the next outcomes must not wait for it.
        task = asyncio.create_task(self._tell_queue(items))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def wait_for_queue(self, seconds: float) -> None:
        """Wait at most that long until the queue has been told of everything."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=seconds)

    async def _tell_queue(self, items: Sequence[Attempted]) -> None:
        await self.acknowledge([attempted.delivery for attempted in items if not attempted.comes_again])
        again = [attempted for attempted in items if attempted.comes_again]
        for pause in sorted({attempted.settlement.pause for attempted in again}):
            same = [attempted.delivery for attempted in again if attempted.settlement.pause == pause]
            await self.give_back(same, timedelta(seconds=pause))

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        if deliveries:
            await self._call(lambda: self.queue.ack(deliveries))

    async def give_back(self, deliveries: Sequence[Delivery], pause: timedelta) -> None:
        await self._call(lambda: self.queue.nack(deliveries, pause))

    async def _call(self, call: Callable[[], None]) -> None:
        """Call the queue. If it is unavailable the message comes again, which at-least-once delivery allows."""
        with suppress(QueueError):
            await asyncio.to_thread(call)
