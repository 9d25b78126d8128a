"""Storage never stops sending: queue → spool → API → spool → acknowledge, for as long as the database is away.

What the outbox would remember lies on the disk: the intent before the request leaves, the verdict before the queue is
told. This mode promises at least once: a worker that dies between the two leaves a message on the queue that may have
been sent, and the replay counts it. What did not leave after all goes back to the queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from wa_cli import clock
from wa_cli.errors import BadInput, QueueError
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.messages.verdicts import Blocked, Later, Verdict, has_not_left
from wa_cli.queues.base import Delivery, Queue
from wa_cli.storage.outbox import Claim
from wa_cli.storage.settlement import Intent, Settlement
from wa_cli.storage.spool import Spool, SpoolUnwritable
from wa_cli.telemetry import events
from wa_cli.telemetry.logs import Tell
from wa_cli.workers.lifecycle import Stop
from wa_cli.workers.pacing import Pace
from wa_cli.workers.sender import Send, pause_after, report, take

BATCH = 100
WAIT = timedelta(seconds=1)
NOT_NOW = timedelta(seconds=60)
BLOCKED_PAUSE = 60.0
QUEUE_PAUSE = 1.0


@dataclass(frozen=True)
class _Held:
    """A message that a worker holds, and the intent to send it."""

    delivery: Delivery
    intent: Intent

    @property
    def customer(self) -> str:
        return self.intent.message.customer

    def claim(self) -> Claim:
        message = self.intent.message
        return Claim(
            reference=message.reference,
            attempt=1,
            token=self.intent.token,
            phone_number=message.phone_number,
            recipient=message.recipient,
            message=message.message,
            customer=message.customer,
            retry_count=0,
            is_probe=False,
        )


@dataclass(frozen=True)
class _Done:
    held: _Held
    verdict: Verdict
    pause: float


class Bypass:
    """Sends the messages of one number from the queue, without the database."""

    def __init__(
        self,
        queue: Queue,
        spool: Spool,
        send: Send,
        *,
        number: str,
        language: str,
        concurrency: int,
        lease: timedelta,
        share: Callable[[], float],
        patience: timedelta,
        tell: Tell,
    ) -> None:
        self.queue = queue
        self.spool = spool
        self.send = send
        self.number = number
        self.language = language
        self.concurrency = concurrency
        self.lease = lease
        self.share = share
        self.patience = patience.total_seconds()
        self.tell = tell
        self._is_open = False
        self._in_flight: set[asyncio.Task[None]] = set()
        self._done: asyncio.Queue[_Done] = asyncio.Queue()
        self._finishing: asyncio.Task[None] | None = None

    async def run(self, stop: Stop, is_over: Callable[[], bool], beat: Callable[[], None]) -> None:
        """Until `stop`, or until the outage is over: what is in flight then comes home by `finish`, or by itself."""
        pace = Pace(self.share())
        self.tell(events.WithoutStorage(pace.rate))
        if self._finishing is None:
            self._finishing = asyncio.create_task(self._finish_all())
        self._is_open = True
        try:
            while not stop and not is_over():
                beat()
                if self._finishing.done():
                    self._finishing.result()
                await self._begin(pace)
        finally:
            self._is_open = False
            # From here the files belong to whoever adopts them, this process included.
            self.spool.close()

    async def finish(self) -> None:
        """Let what is in flight come home; what takes too long is of unknown fate."""
        if self._finishing is None:
            return
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=self.patience)
        for task in self._in_flight:
            task.cancel()
        await self._done.join()
        self._finishing.cancel()
        self.spool.close()

    async def _begin(self, pace: Pace) -> None:
        """Take what there is room for, have the intents on the disk, and let it leave."""
        room = min(BATCH, self.concurrency - len(self._in_flight), int(pace.room()))
        if room < 1:
            await asyncio.sleep(pace.until_room())
            return
        try:
            deliveries = await asyncio.to_thread(self.queue.receive, room, self.lease, WAIT)
            held = await self._readable(deliveries)
            if not held:
                return
            await asyncio.to_thread(self.spool.keep, [one.intent.to_record() for one in held])
        except QueueError as error:
            self.tell(events.Away(f"The {self.queue.name} queue", error.message))
            await asyncio.sleep(QUEUE_PAUSE)
            return
        except SpoolUnwritable as error:
            # Nothing is sent without a record of the intent: it stays on the queue.
            self.tell(events.Away("The spool", error.message))
            await asyncio.to_thread(self.queue.again, deliveries, NOT_NOW)
            await asyncio.sleep(QUEUE_PAUSE)
            return
        pace.spend(len(held))
        for chain in _by_customer(held):
            task = asyncio.create_task(self._send_in_order(chain, pace))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)

    async def _readable(self, deliveries: Sequence[Delivery]) -> list[_Held]:
        """Those that may be sent now; the others go back, for the day when a dead letter can be written again."""
        held, not_now = [], []
        for delivery in deliveries:
            try:
                message = OutgoingMessage.from_body(delivery.body, queue_id=delivery.id, language=self.language)
            except BadInput:
                not_now.append(delivery)
                continue
            moment = clock.now()
            is_due = (message.due_at or moment) <= moment < (message.expires_at or moment + NOT_NOW)
            if is_due and message.number in (None, self.number):
                held.append(_Held(delivery, Intent(message, uuid4(), moment)))
            else:
                not_now.append(delivery)
        if not_now:
            await asyncio.to_thread(self.queue.again, not_now, NOT_NOW)
        return held

    async def _send_in_order(self, chain: Sequence[_Held], pace: Pace) -> None:
        """One customer's messages, one after the other; where one does not leave, none after it does."""
        for place, held in enumerate(chain):
            claim = held.claim()
            verdict = await self.send(claim)
            report(claim, verdict, self.tell)
            pause = pause_after(claim, verdict)
            self._slow(verdict, pace, pause)
            self._done.put_nowait(_Done(held, verdict, pause))
            if has_not_left(verdict):
                for later in chain[place + 1 :]:
                    self._done.put_nowait(_Done(later, verdict, pause))
                return

    def _slow(self, verdict: Verdict, pace: Pace, pause: float) -> None:
        if isinstance(verdict, Later) and verdict.scope == "number":
            pace.slow_down(max(1.0, pause))
        elif isinstance(verdict, Blocked):
            pace.pause(BLOCKED_PAUSE)

    async def _finish_all(self) -> None:
        while True:
            done = await take(self._done)
            await self._finish(done)
            for _ in done:
                self._done.task_done()

    async def _finish(self, done: Sequence[_Done]) -> None:
        """The verdict on the disk first: an acknowledged message must be remembered somewhere."""
        records = [
            Settlement(
                one.held.intent.message.reference, 1, one.held.intent.token, one.verdict, pause=one.pause
            ).to_record()
            for one in done
        ]
        try:
            await asyncio.to_thread(self.spool.keep, records)
            if not self._is_open:  # home after the outage: not ours to keep
                self.spool.close()
        except SpoolUnwritable as error:
            # The intents are there: the evidence will decide. Only what certainly did not leave goes back.
            self.tell(events.Away("The spool", error.message))
        await self._tell_queue([one for one in done if not has_not_left(one.verdict)], self._acknowledge)
        await self._tell_queue([one for one in done if has_not_left(one.verdict)], self._give_back)

    async def _tell_queue(self, done: Sequence[_Done], say: Callable[[Sequence[_Done]], Awaitable[None]]) -> None:
        """A queue that is away brings the message again: at least once is the promise of this mode."""
        try:
            if done:
                await say(done)
        except QueueError as error:
            self.tell(events.Away(f"The {self.queue.name} queue", error.message))

    async def _acknowledge(self, done: Sequence[_Done]) -> None:
        await asyncio.to_thread(self.queue.done, [one.held.delivery for one in done])

    async def _give_back(self, done: Sequence[_Done]) -> None:
        pause = timedelta(seconds=max(one.pause for one in done))
        await asyncio.to_thread(self.queue.again, [one.held.delivery for one in done], pause)


def _by_customer(held: Sequence[_Held]) -> list[list[_Held]]:
    chains: dict[str, list[_Held]] = {}
    for one in held:
        chains.setdefault(one.customer, []).append(one)
    return list(chains.values())
