"""Claim → send → spool → settle: the loops that turn queued messages into sent and stored ones.

The order is the guarantee. A claim is committed before its request leaves, so that no crash hides a request. An answer
is on disk before anything else is done with it, so that a later crash is repaired from the spool, without a second
send. Each stage takes what has arrived, and never waits for the slowest message of a claim.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeGuard, TypeVar

from wa_cli.cloud.client import CloudClient
from wa_cli.errors import DatabaseUnavailable, RowRefused
from wa_cli.isolation import reason_of
from wa_cli.messages.outcomes import Accepted, Blocked, NotTransmitted, Outcome, Rejected, Retryable, Unknown
from wa_cli.outbox.outbox import Claim, Outbox
from wa_cli.outbox.settlement import Settlement
from wa_cli.outbox.spool import Entry, Spool, SpoolUnwritable
from wa_cli.runtime.backoff import THROTTLE_PAUSE, full_jitter, pair_pause
from wa_cli.runtime.outage import Outage
from wa_cli.runtime.stop import Stop
from wa_cli.runtime.tasks import all_until_one_fails
from wa_cli.runtime.watchdog import Progress, Watchdog, with_beats
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Disposition, Emit
from wa_cli.workers.settling import SettledBatch, report_settled, settle

BATCH = 500
FIRST_REST, LONGEST_REST = 0.05, 0.5
NOT_SENT_CAP = 2.0
ROOM_KNOWN = 2.0

T = TypeVar("T")
Send = Callable[[Claim], Awaitable[Outcome]]


@dataclass(frozen=True)
class _Kept:
    """A settlement with the time of its claim, on the monotonic clock, and its place in the spool, or None if the disk is
    full.
    """

    settlement: Settlement
    claimed_at: float
    is_probe: bool
    entry: Entry | None = None


def through(client: CloudClient) -> Send:
    """Return the function that sends a claimed message by this client."""

    async def send(claim: Claim) -> Outcome:
        return await client.send(
            claim.message,
            phone_number=claim.phone_number,
            recipient=claim.recipient,
            reference=claim.reference,
            attempt=claim.attempt,
        )

    return send


class Sender:
    """Sends the messages of one number, at most `rate` a second. `on_return` runs before the first claim, and before the
    first one after an outage.
    """

    def __init__(
        self,
        outbox: Outbox,
        spool: Spool,
        send: Send,
        *,
        concurrency: int,
        lease: timedelta,
        send_timeout: timedelta,
        rate: float,
        emit: Emit,
        on_return: Callable[[], object] = lambda: None,
        progress: Progress | None = None,
    ) -> None:
        self.outbox = outbox
        self.spool = spool
        self.send = send
        self.concurrency = concurrency
        self.lease = lease.total_seconds()
        self.send_timeout = send_timeout.total_seconds()
        self.rate = rate
        self.emit = emit
        self.on_return = on_return
        self.progress = progress or Progress()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._slot_free = asyncio.Event()
        self._work_came = asyncio.Event()
        self._answered: asyncio.Queue[_Kept] = asyncio.Queue()
        self._journaled: asyncio.Queue[_Kept] = asyncio.Queue()
        self._unsettled = 0
        self._answers = 0
        self._rest_seconds = FIRST_REST
        self._beat: Callable[[str], None] = lambda _: None
        # During its outage nothing is claimed. The outbox still knows the attempts in flight.
        self._spool_outage = Outage(emit, Component.SPOOL)
        self._room_until = 0.0

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def is_idle(self) -> bool:
        """True if no message is in flight and every answer is settled."""
        return not self._in_flight and not self._unsettled

    def work_came(self) -> None:
        """Claim at once instead of at the next poll."""
        self._work_came.set()

    async def run(self, stop: Stop, watchdog: Watchdog, patience: timedelta) -> None:
        """Run until `stop`, then wait at most `patience` for messages in flight. Unfinished ones stay in the spool."""
        self._beat = watchdog.beat
        journal = asyncio.create_task(self._loop("journal", self.journal_once, watchdog))
        settle = asyncio.create_task(self._loop("settle", self.settle_once, watchdog))
        claim = asyncio.create_task(self._claim_until(stop, watchdog))
        try:
            await all_until_one_fails(self._watch(journal, claim), self._watch(settle, claim), claim)
            await self._finish(patience)
        finally:
            for task in (journal, settle, claim, *self._in_flight):
                task.cancel()
            self.spool.close()

    async def _watch(self, loop: asyncio.Task[None], claim: asyncio.Task[None]) -> None:
        """Raise the error of a loop that ends while the claim loop runs."""
        await asyncio.wait({loop, claim}, return_when=asyncio.FIRST_COMPLETED)
        if loop.done():
            loop.result()

    async def _finish(self, patience: timedelta) -> None:
        """Wait for messages in flight and settle them."""
        deadline = time.monotonic() + patience.total_seconds()
        while not self.is_idle and time.monotonic() < deadline:
            if self._in_flight:
                await asyncio.wait(self._in_flight, timeout=0.05)
            else:
                await asyncio.sleep(0.01)

    async def _claim_until(self, stop: Stop, watchdog: Watchdog) -> None:
        outage, returning = Outage(self.emit, Component.DATABASE), True
        while not stop:
            watchdog.beat("claim")
            try:
                if returning:
                    await with_beats(self._return, lambda: watchdog.beat("claim"))
                    returning = False
                if not await self._has_slot(stop):
                    continue
                self._work_came.clear()  # work that comes during the claim is claimed by the next one
                claimed = await self.claim_once()
                outage.succeeded()
            except DatabaseUnavailable as error:
                returning = True
                await stop.wait(outage.failed(error.message))
                continue
            if claimed:
                self._rest_seconds = FIRST_REST
            else:
                await self._rest(stop)
        watchdog.forget("claim")

    def _return(self) -> None:
        """Settle the spool before anything new, since the database is available."""
        self.outbox.rate_limit.open_number(self.rate)
        self.on_return()

    async def _has_slot(self, stop: Stop) -> bool:
        """Wait a little for a free slot, or for `stop`. Return True if there is one."""
        if len(self._in_flight) >= self.concurrency:
            self._slot_free.clear()
            await _first_of(self._slot_free, stop, seconds=1.0)
        return len(self._in_flight) < self.concurrency and not stop

    async def _rest(self, stop: Stop) -> None:
        """Wait for new work, `stop`, or the next poll. The first polls come soon, since the rate may be the reason."""
        await _first_of(self._work_came, stop, seconds=self._rest_seconds)
        self._rest_seconds = min(LONGEST_REST, self._rest_seconds * 1.5)

    async def claim_once(self) -> int:
        """Claim messages for the free slots and send them. Return their number."""
        free = self.concurrency - len(self._in_flight)
        if not await self._has_room():
            return 0
        asked_at = time.monotonic()
        claims = await asyncio.to_thread(self.outbox.claim, free, timedelta(seconds=self.lease))
        for claim in claims:
            task = asyncio.create_task(self._send_one(claim, asked_at + self.lease))
            self._in_flight.add(task)
            task.add_done_callback(self._landed)
        return len(claims)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._slot_free.set()
        if not task.cancelled():
            task.result()  # raise the errors of our own code

    async def _has_room(self) -> bool:
        """Return True if the spool can record new messages. It is checked now and then."""
        if not self._spool_outage and time.monotonic() < self._room_until:
            return True
        try:
            await asyncio.to_thread(self.spool.check_room)
        except SpoolUnwritable as error:
            self._spool_outage.failed(error.message)
            return False
        self._spool_outage.succeeded()
        self._room_until = time.monotonic() + ROOM_KNOWN
        return True

    async def _send_one(self, claim: Claim, lease_ends: float) -> None:
        if time.monotonic() + self.send_timeout > lease_ends:
            # Its request could still be running when another worker takes the message for lost.
            with suppress(DatabaseUnavailable):  # otherwise its lease ends by itself
                await asyncio.to_thread(self.outbox.release, [claim])
            return
        outcome = await self._send(claim)
        report(claim, outcome, self.emit)
        pause = pause_after(claim, outcome)
        settlement = Settlement(claim.reference, claim.attempt, claim.token, outcome, pause=pause)
        self._unsettled += 1
        self._answered.put_nowait(_Kept(settlement, lease_ends - self.lease, claim.is_probe))

    async def _send(self, claim: Claim) -> Outcome:
        try:
            return await self.send(claim)
        except Exception as error:  # an error in our own code fails this message only
            return Unknown(reason_of(error))

    async def journal_once(self) -> int:
        """Write the answers that have arrived to the spool. Return their number."""
        answers = await take(self._answered)
        self._beat("journal")
        try:
            entries: Sequence[Entry | None] = await asyncio.to_thread(
                self.spool.append, [answer.settlement.to_record() for answer in answers]
            )
        except SpoolUnwritable as error:
            self._spool_outage.failed(error.message)
            entries = [None] * len(answers)
        for answer, entry in zip(answers, entries, strict=True):
            self._journaled.put_nowait(replace(answer, entry=entry))
        return len(answers)

    async def settle_once(self) -> int:
        """Settle the answers of the spool, with retries during an outage. Return their number."""
        kept = await take(self._journaled)
        settled = await self._settle([k.settlement for k in kept])
        report_settled(settled, self.emit)
        await asyncio.to_thread(self._leave_unstored, settled.unstored)
        await asyncio.to_thread(self.spool.remove, [k.entry for k in kept if k.entry])
        with suppress(DatabaseUnavailable, RowRefused):  # the next outcome of that kind repeats it
            await asyncio.to_thread(self._update_number, kept)
        self._unsettled -= len(kept)
        self.progress.note()
        self.work_came()  # the next message of the customer may be head of line now
        return len(kept)

    async def _settle(self, settlements: Sequence[Settlement]) -> SettledBatch:
        outage = Outage(None, Component.DATABASE)
        while True:
            self._beat("settle")
            try:
                return await asyncio.to_thread(settle, self.outbox, settlements)
            except DatabaseUnavailable as error:
                if not outage:
                    self.emit(events.StoreFailed(error.message, len(settlements)))
                await asyncio.sleep(outage.failed(error.message))

    async def _loop(self, name: str, once: Callable[[], Awaitable[int]], watchdog: Watchdog) -> None:
        while True:
            await once()
            watchdog.forget(name)

    def _leave_unstored(self, unstored: Sequence[Settlement]) -> None:
        """Leave outcomes whose rows were refused in the spool, for a table that accepts them later."""
        if unstored:
            with suppress(SpoolUnwritable):  # then only the outbox knows them
                self.spool.append_for_others([settlement.to_record() for settlement in unstored])

    def _update_number(self, kept: Sequence[_Kept]) -> None:
        """Slow the number down after a throttle. Block it after a refusal, until a probe is accepted."""
        outcomes = [k.settlement.outcome for k in kept]
        self._answers += len(outcomes)
        throttled = [(v, k.claimed_at) for v, k in zip(outcomes, kept, strict=True) if _is_throttle(v)]
        if throttled:
            pause = max([THROTTLE_PAUSE.total_seconds(), *(v.after or 0.0 for v, _ in throttled)])
            age = time.monotonic() - max(claimed_at for _, claimed_at in throttled)
            answers, self._answers = self._answers, 0
            rate = self.outbox.rate_limit.slow_down(
                timedelta(seconds=pause), timedelta(seconds=age), throttled=len(throttled), answers=answers
            )
            if rate is not None:
                self.emit(events.SlowedDown(rate))
        blocked = next((v for v in outcomes if isinstance(v, Blocked)), None)
        if blocked and self.outbox.rate_limit.block(blocked.why):
            self.emit(events.NumberBlocked(blocked.why))
        through = any(k.is_probe and isinstance(k.settlement.outcome, (Accepted, Rejected)) for k in kept)
        if through and self.outbox.rate_limit.unblock():
            self.emit(events.NumberUnblocked())


def _is_throttle(outcome: Outcome) -> TypeGuard[Retryable]:
    return isinstance(outcome, Retryable) and outcome.scope == "number"


def report(claim: Claim, outcome: Outcome, emit: Emit) -> None:
    customer, reference = claim.phone_number or claim.recipient or "?", str(claim.reference)
    match outcome:
        case Accepted(wamid):
            emit(events.Accepted(customer, wamid, reference))
        case Rejected(_, why):
            emit(events.NotAccepted(customer, Disposition.REJECTED, why, reference))
        case Unknown(why):
            emit(events.NotAccepted(customer, Disposition.UNCERTAIN, why, reference))
        case Retryable(_, why) | NotTransmitted(why) | Blocked(_, why):
            emit(events.NotAccepted(customer, Disposition.RETRY, why, reference))


async def _first_of(event: asyncio.Event, stop: Stop, *, seconds: float) -> None:
    """Wait for the event or for `stop`, at most that many seconds."""
    waiting = {asyncio.create_task(event.wait()), asyncio.create_task(stop.wait(seconds))}
    _, late = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in late:
        task.cancel()


def pause_after(claim: Claim, outcome: Outcome) -> float:
    """Return the seconds until a message that was not sent is due again."""
    match outcome:
        case Retryable(scope="pair", after=after):
            return max(after or 0.0, pair_pause(claim.attempt - 1 - claim.retry_count))
        case Retryable(scope="number", after=after):
            return after or 0.0  # the whole number pauses
        case Retryable(after=after):
            return max(after or 0.0, full_jitter(claim.retry_count + 1))
        case NotTransmitted():
            return full_jitter(1, cap=NOT_SENT_CAP) + 0.5
        case _:
            return 0.0


async def take(queue: asyncio.Queue[T]) -> list[T]:
    """Wait for one item, and return it with all others that have arrived."""
    taken = [await queue.get()]
    while len(taken) < BATCH and not queue.empty():
        taken.append(queue.get_nowait())
    return taken
