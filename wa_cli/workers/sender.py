"""claim → send → journal → settle: the loops that turn queued messages into sent ones and rows.

The order is the promise. A claim is committed before its request leaves, so that a crash cannot make a send unheard of.
An answer is on the disk before anything else is done with it, so that a crash from there on is repaired from the spool
and not by sending again. Each stage takes whatever has arrived: nobody waits for the slowest of a claim.
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
from wa_cli.telemetry.logs import Emit
from wa_cli.workers.settling import SettledBatch, report_settled, settle

BATCH = 500
FIRST_REST, LONGEST_REST = 0.05, 0.5
NOT_SENT_CAP = 2.0
ROOM_KNOWN = 2.0

T = TypeVar("T")
Send = Callable[[Claim], Awaitable[Outcome]]


@dataclass(frozen=True)
class _Kept:
    """A settlement, when its message was claimed, on the monotonic clock, and where the spool keeps it (nowhere, when the
    disk is full).
    """

    settlement: Settlement
    claimed_at: float
    is_probe: bool
    entry: Entry | None = None


def through(client: CloudClient) -> Send:
    """How a claimed message is sent by this client."""

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
    """Sends the messages of one number, at most `rate` a second. `on_return` comes before the first claim, and before the
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
        # While it lasts nothing new is claimed. The outbox still knows of the attempts in flight.
        self._spool_outage = Outage(emit, "The spool")
        self._room_until = 0.0

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def is_idle(self) -> bool:
        """Nothing is in flight, and everything that was answered is settled."""
        return not self._in_flight and not self._unsettled

    def work_came(self) -> None:
        """There may be something to claim: do not wait for the next poll."""
        self._work_came.set()

    async def run(self, stop: Stop, watchdog: Watchdog, patience: timedelta) -> None:
        """Until `stop`; then at most `patience` for what is in flight, and what is not finished stays with the spool."""
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
        """A loop that must never end, while the claimer runs: its failure is everybody's."""
        await asyncio.wait({loop, claim}, return_when=asyncio.FIRST_COMPLETED)
        if loop.done():
            loop.result()

    async def _finish(self, patience: timedelta) -> None:
        """Let what is in flight come home and be settled."""
        deadline = time.monotonic() + patience.total_seconds()
        while not self.is_idle and time.monotonic() < deadline:
            if self._in_flight:
                await asyncio.wait(self._in_flight, timeout=0.05)
            else:
                await asyncio.sleep(0.01)

    async def _claim_until(self, stop: Stop, watchdog: Watchdog) -> None:
        outage, returning = Outage(self.emit, "The database"), True
        while not stop:
            watchdog.beat("claim")
            try:
                if returning:
                    await with_beats(self._return, lambda: watchdog.beat("claim"))
                    returning = False
                if not await self._has_slot(stop):
                    continue
                self._work_came.clear()  # what comes while we look is looked for again
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
        """The database is there: what waits for it in the spool comes before anything new."""
        self.outbox.open_number(self.rate)
        self.on_return()

    async def _has_slot(self, stop: Stop) -> bool:
        """Wait a little for a free slot, or for `stop`; whether there is one."""
        if len(self._in_flight) >= self.concurrency:
            self._slot_free.clear()
            await _first_of(self._slot_free, stop, seconds=1.0)
        return len(self._in_flight) < self.concurrency and not stop

    async def _rest(self, stop: Stop) -> None:
        """Until something is said to have come, `stop`, or the next look: soon at first, since the rate may be why."""
        await _first_of(self._work_came, stop, seconds=self._rest_seconds)
        self._rest_seconds = min(LONGEST_REST, self._rest_seconds * 1.5)

    async def claim_once(self) -> int:
        """Claim what there are free slots for, and let it leave; how many."""
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
            task.result()  # a mistake of ours must not pass in silence

    async def _has_room(self) -> bool:
        """Whether what is begun now could be recorded; asked when it could not be, and now and then."""
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
            # It would still be on its way when another worker may take it for lost.
            with suppress(DatabaseUnavailable):  # then its lease ends by itself
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
        except Exception as error:  # a message that breaks our own code stops no other one
            return Unknown(reason_of(error))

    async def journal_once(self) -> int:
        """Have the answers that have arrived on the disk; their number."""
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
        """Settle what is on the disk, however often the database has to be asked; its number."""
        kept = await take(self._journaled)
        settled = await self._settle([k.settlement for k in kept])
        report_settled(settled, self.emit)
        await asyncio.to_thread(self._leave_unstored, settled.unstored)
        await asyncio.to_thread(self.spool.remove, [k.entry for k in kept if k.entry])
        with suppress(DatabaseUnavailable, RowRefused):  # the next verdict of that kind says it again
            await asyncio.to_thread(self._act_on_the_number, kept)
        self._unsettled -= len(kept)
        self.progress.note()
        self.work_came()  # a customer's next message may have the turn now
        return len(kept)

    async def _settle(self, settlements: Sequence[Settlement]) -> SettledBatch:
        outage = Outage(None, "The database")
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
        """Verdicts whose rows were refused wait in the spool for a table that takes them."""
        if unstored:
            with suppress(SpoolUnwritable):  # then only the outbox knows
                self.spool.append_for_others([settlement.to_record() for settlement in unstored])

    def _act_on_the_number(self, kept: Sequence[_Kept]) -> None:
        """A throttle slows the number down; a block stops it for everybody, until a probe gets through."""
        outcomes = [k.settlement.outcome for k in kept]
        self._answers += len(outcomes)
        throttled = [(v, k.claimed_at) for v, k in zip(outcomes, kept, strict=True) if _is_throttle(v)]
        if throttled:
            pause = max([THROTTLE_PAUSE.total_seconds(), *(v.after or 0.0 for v, _ in throttled)])
            age = time.monotonic() - max(claimed_at for _, claimed_at in throttled)
            answers, self._answers = self._answers, 0
            rate = self.outbox.slow_down(
                timedelta(seconds=pause), timedelta(seconds=age), throttled=len(throttled), answers=answers
            )
            if rate is not None:
                self.emit(events.SlowedDown(rate))
        blocked = next((v for v in outcomes if isinstance(v, Blocked)), None)
        if blocked and self.outbox.block(blocked.why):
            self.emit(events.NumberBlocked(blocked.why))
        through = any(k.is_probe and isinstance(k.settlement.outcome, (Accepted, Rejected)) for k in kept)
        if through and self.outbox.unblock():
            self.emit(events.NumberFreed())


def _is_throttle(outcome: Outcome) -> TypeGuard[Retryable]:
    return isinstance(outcome, Retryable) and outcome.scope == "number"


def report(claim: Claim, outcome: Outcome, emit: Emit) -> None:
    customer, reference = claim.phone_number or claim.recipient or "?", str(claim.reference)
    match outcome:
        case Accepted(wamid):
            emit(events.Accepted(customer, wamid, reference))
        case Rejected(_, why):
            emit(events.NotAccepted(customer, "was refused", why, reference))
        case Unknown(why):
            emit(events.NotAccepted(customer, "may or may not have been sent, evidence will decide", why, reference))
        case Retryable(_, why) | NotTransmitted(why) | Blocked(_, why):
            emit(events.NotAccepted(customer, "goes out later", why, reference))


async def _first_of(event: asyncio.Event, stop: Stop, *, seconds: float) -> None:
    """Wait for the event or for `stop`, so long at most."""
    waiting = {asyncio.create_task(event.wait()), asyncio.create_task(stop.wait(seconds))}
    _, late = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in late:
        task.cancel()


def pause_after(claim: Claim, outcome: Outcome) -> float:
    """Seconds until a message that was not sent is due again."""
    match outcome:
        case Retryable(scope="pair", after=after):
            return max(after or 0.0, pair_pause(claim.attempt - 1 - claim.retry_count))
        case Retryable(scope="number", after=after):
            return after or 0.0  # the number itself pauses
        case Retryable(after=after):
            return max(after or 0.0, full_jitter(claim.retry_count + 1))
        case NotTransmitted():
            return full_jitter(1, cap=NOT_SENT_CAP) + 0.5
        case _:
            return 0.0


async def take(queue: asyncio.Queue[T]) -> list[T]:
    """Wait for one, and take whatever else has arrived by then."""
    taken = [await queue.get()]
    while len(taken) < BATCH and not queue.empty():
        taken.append(queue.get_nowait())
    return taken
