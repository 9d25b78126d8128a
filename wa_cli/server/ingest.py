"""Ingest: each webhook is safe before it is answered, on the queue or, during an outage, in the spool.

Webhooks that arrive while a batch is being put go together: one commit, or one request to SQS, for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from wa_cli.errors import WaError
from wa_cli.isolation import OUTAGES
from wa_cli.outbox.spool import SpoolUnwritable
from wa_cli.queues.base import Queue, QueueMessage
from wa_cli.runtime.outage import Outage
from wa_cli.runtime.stop import Stop
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Emit, WebhookResult
from wa_cli.workers.spooled_webhooks import SpooledWebhooks, admit

BATCH, BATCH_CHARACTERS = 500, 4 << 20
# A slower queue counts as unavailable, since Meta waits for the answer. If it takes the message even so, it has it twice.
PATIENCE = 3.0
# Seconds between two probes of an unavailable queue, and between two looks for spool files of dead processes.
LOOK_EVERY, READMIT_EVERY = 1.0, 5.0
MOST_MARKINGS = 4
MARK_PATIENCE = 0.5

T = TypeVar("T")


class SeenWebhooks(Protocol):
    """A memory of enqueued bodies. It only saves work and may forget."""

    def seen(self, digests: Sequence[str]) -> set[str]: ...

    def remember(self, digests: Sequence[str]) -> None: ...


@dataclass(frozen=True)
class _Arrived:
    messages: list[QueueMessage]
    digest: str
    outcome: asyncio.Future[WebhookResult]


class Ingest:
    """The entry point of webhooks to the queue. Each process has one, used from one event loop."""

    def __init__(
        self, queue: Queue, spooled_webhooks: SpooledWebhooks, *, emit: Emit, dedup_cache: SeenWebhooks | None = None
    ) -> None:
        self.queue = queue
        self.spooled_webhooks = spooled_webhooks
        self.emit = emit
        self.dedup_cache = dedup_cache
        self._waiting: list[_Arrived] = []
        self._carrier: asyncio.Task[None] | None = None
        self._marking: set[asyncio.Future[None]] = set()
        self._outage = Outage(emit, Component.INCOMING_QUEUE)
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="ingest")

    async def accept(self, pieces: Sequence[str], digest: str) -> WebhookResult:
        """Return when the webhook is safe. Raises SpoolUnwritable if it cannot be kept, so that its sender repeats it."""
        arrived = _Arrived(
            [QueueMessage(piece) for piece in pieces], digest, asyncio.get_running_loop().create_future()
        )
        self._waiting.append(arrived)
        if self._carrier is None or self._carrier.done():
            self._carrier = asyncio.create_task(self._carry())
        return await arrived.outcome

    async def _carry(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                await self._take(batch)
            except SpoolUnwritable as error:
                _fail(batch, error)
            except Exception:  # one of them failed: each is tried alone and fails alone
                for arrived in batch:
                    await self._take_alone(arrived)

    async def _take_alone(self, arrived: _Arrived) -> None:
        try:
            await self._take([arrived])
        except Exception as error:
            _fail([arrived], error)

    def _next_batch(self) -> list[_Arrived]:
        """Return the waiting webhooks, as many as one put should carry."""
        size, end = 0, 0
        while end < min(BATCH, len(self._waiting)) and (not end or size < BATCH_CHARACTERS):
            size += sum(len(message.body) for message in self._waiting[end].messages)
            end += 1
        batch, self._waiting = self._waiting[:end], self._waiting[end:]
        return batch

    async def _take(self, batch: Sequence[_Arrived]) -> None:
        known = await self._known([arrived.digest for arrived in batch])
        new = [arrived for arrived in batch if arrived.digest not in known]
        _resolve([arrived for arrived in batch if arrived.digest in known], WebhookResult.DUPLICATE)
        messages = [message for arrived in new for message in arrived.messages]
        if messages and await self._queued(messages):
            _resolve(new, WebhookResult.QUEUED)
            self._mark([arrived.digest for arrived in new])
        elif messages:
            await self.in_thread(self.spooled_webhooks.spool_all, messages)
            _resolve(new, WebhookResult.SPOOLED)
            self.emit(events.Spooled(count=len(new)))

    async def _queued(self, messages: Sequence[QueueMessage]) -> bool:
        """Return True if the queue has them. During an outage it is not asked until `run` finds it available."""
        if self._outage:
            return False
        try:
            putting = self.in_thread(admit, self.queue, messages)
            done, _ = await asyncio.wait({putting}, timeout=PATIENCE)
            if done:
                if left := putting.result():
                    await self.in_thread(self.spooled_webhooks.spool_all, left)
                    self.emit(events.Spooled(count=len(left)))
                return True
            putting.add_done_callback(_ignore)
            self._outage.failed(f"no answer within {PATIENCE:g} s")
        except OUTAGES as error:
            self._outage.failed(error.message.rstrip("."))
        return False

    async def run(self, stop: Stop) -> None:
        """Run beside the service until `stop`: probe an unavailable queue, and put spooled webhooks back."""
        while not stop:
            await self.look_once()
            await stop.wait(LOOK_EVERY if self._outage else READMIT_EVERY)

    async def look_once(self) -> None:
        """Probe the queue if it is unavailable. Once it answers, put spooled webhooks back, also those of dead processes."""
        try:
            if self._outage:
                await self.in_thread(self.queue.depth)
                self._outage.succeeded()
            await self.in_thread(self.spooled_webhooks.run_once)
        except WaError as error:  # also a database that refuses, since a service that ends helps less
            self._outage.failed(error.message)
        except OSError as error:
            self.emit(events.Unavailable(Component.WEBHOOK_SPOOL, str(error)))

    async def _known(self, digests: Sequence[str]) -> set[str]:
        """Return those that were enqueued before. A slow table is not waited for."""
        if self.dedup_cache is None:
            return set()
        looking = self.in_thread(self.dedup_cache.seen, digests)
        done, _ = await asyncio.wait({looking}, timeout=MARK_PATIENCE)
        return looking.result() if done else set()

    def _mark(self, digests: Sequence[str]) -> None:
        """Remember them after they were enqueued, never before. No webhook waits for it."""
        if self.dedup_cache is not None and len(self._marking) < MOST_MARKINGS:
            marking = self.in_thread(self.dedup_cache.remember, digests)
            self._marking.add(marking)
            marking.add_done_callback(self._marking.discard)

    def in_thread(self, work: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def _resolve(batch: Sequence[_Arrived], outcome: WebhookResult) -> None:
    for arrived in batch:
        if not arrived.outcome.done():  # its client may have disconnected
            arrived.outcome.set_result(outcome)


def _fail(batch: Sequence[_Arrived], error: Exception) -> None:
    for arrived in batch:
        if not arrived.outcome.done():
            arrived.outcome.set_exception(error)


def _ignore(putting: asyncio.Future[Any]) -> None:
    putting.exception()
