"""Degraded mode: sending while the database is unavailable. Queue → spool → API → spool → acknowledge.

The spool takes the place of the outbox: the intent is on disk before the request leaves, and the outcome before the
queue message is acknowledged. This mode delivers at least once. If a worker dies between the two, the queue message
may have been sent, and the replay counts it. A message that was certainly not sent goes back to the queue.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

from wa_cli import clock
from wa_cli.errors import BadInput, QueueError
from wa_cli.messages.outcomes import Blocked, NotTransmitted, Retryable, may_be_sent_again
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.messages.states import WindowRule
from wa_cli.outbox.outbox import Claim
from wa_cli.outbox.settlement import Intent, Settlement
from wa_cli.outbox.spool import Spool, SpoolUnwritable
from wa_cli.queues.base import Delivery, Queue
from wa_cli.runtime.backoff import full_jitter
from wa_cli.runtime.pacing import Pace
from wa_cli.runtime.stop import Stop
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Emit
from wa_cli.workers.degraded_settling import Attempted, DegradedSettling
from wa_cli.workers.dispatch import MessagesApi, send_claim

BATCH = 100
WAIT = timedelta(seconds=1)
# SQS counts each receive, so an unsendable message is not received every minute. It is not hidden for long either.
NOT_NOW = timedelta(minutes=5)
BLOCKED_PAUSE, LONGEST_PAUSE = 60.0, 60.0
TROUBLE_PAUSE = 1.0
FINISH_TIMEOUT = 2.0
REMEMBERED = 200_000


@dataclass(frozen=True)
class _Leased:
    """A message that a worker holds, and the intent to send it. `until` is the end of the lease, on the monotonic clock."""

    delivery: Delivery
    intent: Intent
    until: float

    @property
    def customer(self) -> str:
        return self.intent.message.customer

    def claim(self) -> Claim:
        message = self.intent.message
        return Claim(
            reference=message.reference,
            attempt=1,
            token=self.intent.token,
            phone=message.phone,
            recipient=message.recipient,
            content=message.content,
            customer=message.customer,
            retry_count=0,
            is_probe=False,
            waited_seconds=max(
                0.0, (clock.now() - max(message.queued_at, message.due_at or message.queued_at)).total_seconds()
            ),
        )


class RateShare:
    """A worker's share of its number's rate, in messages a second, as the database said last. It starts with a guess."""

    def __init__(self, guess: float) -> None:
        self.rate = guess


class DegradedMode:
    """Sends the messages of one number from the queue, without the database. `share` is its part of the rate."""

    def __init__(
        self,
        queue: Queue,
        spool: Spool,
        api: MessagesApi,
        share: RateShare,
        *,
        number: str,
        language: str,
        concurrency: int,
        lease: timedelta,
        send_timeout: timedelta,
        patience: timedelta,
        emit: Emit,
    ) -> None:
        self.queue = queue
        self.spool = spool
        self.api = api
        self.share = share
        self.number = number
        self.language = language
        self.concurrency = concurrency
        self.lease = lease
        self.send_timeout = send_timeout.total_seconds()
        self.patience = patience.total_seconds()
        self.emit = emit
        self.settling = DegradedSettling(queue, spool, emit)
        self._is_ending = False
        self._in_flight: set[asyncio.Task[None]] = set()
        self._settling: asyncio.Task[None] | None = None
        self._sent: set[UUID] = set()
        self._not_sent_in_a_row = 0

    async def run(self, stop: Stop, is_over: Callable[[], bool], beat: Callable[[], None]) -> None:
        """Send until `stop`, or until the outage is over. `finish` then waits for messages in flight."""
        pace = Pace(self.share.rate)
        self.emit(events.DegradedModeStarted(pace.rate))
        self._is_ending = False
        self.settling.open()
        self._sent.clear()
        self._settling = self._settling or asyncio.create_task(self.settling.run())
        try:
            while not (stop or is_over() or self._is_ending):
                beat()
                if self._settling.done():
                    self._settling.result()
                await self._begin(pace)
        finally:
            self._is_ending = True
            # From here on any process may adopt the files, this one included.
            self.settling.close()

    def end(self) -> None:
        """End the mode, since the database is available again. Messages that were sent in it are replayed first.

        Called from another thread. Returns when the files can be adopted.
        """
        self._is_ending = True
        self.settling.wait_until_closed()

    async def finish(self) -> None:
        """Wait for messages in flight. A message that takes too long is uncertain."""
        if self._settling is None:
            return
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=self.patience)
        for task in self._in_flight:
            task.cancel()
        settled = asyncio.create_task(self.settling.join())
        await asyncio.wait({settled, self._settling}, timeout=FINISH_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        await self.settling.wait_for_queue(FINISH_TIMEOUT)
        for task in (settled, self._settling):
            task.cancel()
        self.spool.close()

    async def _begin(self, pace: Pace) -> None:
        """Receive messages as the rate allows, write their intents to disk, and send them."""
        free = self.concurrency - len(self._in_flight)
        if free < 1:
            await asyncio.wait(self._in_flight, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            return
        room = min(BATCH, free, int(pace.room()))
        if room < 1:
            await asyncio.sleep(pace.until_room())
            return
        try:
            # A receive counts, so nothing is received that could not be recorded.
            await asyncio.to_thread(self.spool.check_room)
            held = await self._receive(room)
        except (QueueError, SpoolUnwritable) as error:
            self.emit(events.Unavailable(self._component(error), error.message))
            await asyncio.sleep(TROUBLE_PAUSE)
            return
        try:
            await asyncio.to_thread(self.spool.append, [one.intent.to_record() for one in held])
        except SpoolUnwritable as error:
            self.emit(events.Unavailable(Component.SPOOL, error.message))
            await self.settling.give_back([one.delivery for one in held], NOT_NOW)
            return
        pace.spend(len(held))
        for chain in _by_customer(held):
            task = asyncio.create_task(self._send_in_order(chain, pace))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)

    @staticmethod
    def _component(error: Exception) -> Component:
        return Component.OUTGOING_QUEUE if isinstance(error, QueueError) else Component.SPOOL

    async def _receive(self, room: int) -> list[_Leased]:
        """Return messages that may be sent now. Messages sent in this outage are acknowledged. The others go back, until
        a dead letter can be written again.
        """
        asked_at = time.monotonic()
        deliveries = await asyncio.to_thread(self.queue.receive, room, self.lease, WAIT)
        until = asked_at + self.lease.total_seconds()
        held, sent = [], []
        not_now: dict[timedelta, list[Delivery]] = {}
        for delivery in deliveries:
            message, pause = self._readable(delivery)
            if self._is_ending:
                not_now.setdefault(timedelta(0), []).append(delivery)
            elif message is None:
                not_now.setdefault(pause, []).append(delivery)
            elif message.reference in self._sent:
                sent.append(delivery)
            else:
                held.append(_Leased(delivery, Intent(message, uuid4()), until))
        await self.settling.acknowledge(sent)
        for pause, put_back in not_now.items():
            if pause:
                self.emit(events.PutBack(len(put_back), pause.total_seconds()))
            await self.settling.give_back(put_back, pause)
        return held

    def _readable(self, delivery: Delivery) -> tuple[OutgoingMessage | None, timedelta]:
        """Return the message if it is readable, due, and of this number, else None and the time it goes back for."""
        try:
            message = OutgoingMessage.from_body(delivery.body, queue_id=delivery.id, language=self.language)
        except BadInput:
            return None, NOT_NOW
        now = clock.now()
        if message.window == WindowRule.HOLD:  # its window is not known without the database
            return None, NOT_NOW
        if message.due_at and message.due_at > now:
            return None, min(NOT_NOW, message.due_at - now)
        if message.phone_number_id not in (None, self.number) or (message.expires_at and message.expires_at <= now):
            return None, NOT_NOW
        return replace(message, phone_number_id=self.number), timedelta(0)

    async def _send_in_order(self, chain: Sequence[_Leased], pace: Pace) -> None:
        """Send the messages of one customer, one after the other. After one that was not sent, none is."""
        for place, held in enumerate(chain):
            if time.monotonic() + self.send_timeout > held.until or (place and self._is_ending):
                # Its request could still be running when the queue gives it to another worker, or when the outbox takes over.
                self._leave(chain[place:], "its lease ended before it could be sent")
                return
            settlement = await self._send(held)
            self._slow(settlement, pace)
            self.settling.put(Attempted(held.delivery, held.intent, settlement))
            if may_be_sent_again(settlement.outcome):
                self._leave(chain[place + 1 :], "an earlier message of the customer was not sent", settlement.pause)
                return
            if len(self._sent) < REMEMBERED:
                self._sent.add(settlement.reference)

    def _leave(self, chain: Sequence[_Leased], why: str, pause: float = 0.0) -> None:
        """Give the messages back to the queue without a try."""
        for held in chain:
            settlement = Settlement(held.intent.reference, 1, held.intent.token, NotTransmitted(why), pause=pause)
            self.settling.put(Attempted(held.delivery, held.intent, settlement))

    async def _send(self, held: _Leased) -> Settlement:
        """Send a message. Only the queue counts retries, so the pause grows with the receives."""
        settlement = await send_claim(self.api, held.claim(), self.emit)
        if isinstance(settlement.outcome, Blocked):
            return replace(settlement, pause=BLOCKED_PAUSE)
        if may_be_sent_again(settlement.outcome):
            return replace(settlement, pause=max(settlement.pause, full_jitter(held.delivery.attempt)))
        return settlement

    def _slow(self, settlement: Settlement, pace: Pace) -> None:
        outcome = settlement.outcome
        if isinstance(outcome, Retryable) and outcome.scope == "number":
            pace.slow_down(max(1.0, settlement.pause))
        elif isinstance(outcome, Blocked):
            pace.pause(BLOCKED_PAUSE)
        elif isinstance(outcome, NotTransmitted):  # no request will succeed for a while
            self._not_sent_in_a_row += 1
            pace.pause(min(LONGEST_PAUSE, 2.0 ** min(self._not_sent_in_a_row, 6)))
        else:
            self._not_sent_in_a_row = 0


def _by_customer(held: Sequence[_Leased]) -> list[list[_Leased]]:
    chains: dict[str, list[_Leased]] = {}
    for one in held:
        chains.setdefault(one.customer, []).append(one)
    return list(chains.values())
