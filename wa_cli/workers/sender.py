"""Claim → dispatch → spooling → settling: the stages that turn queued messages into sent and stored ones.

The order matters. A claim is committed before its request leaves, so that a crash does not hide a request. An answer
is on disk before anything else is done with it, so that a later crash is repaired from the spool, without a second
send. Each stage takes what has arrived, and never waits for the slowest message of a claim.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from wa_cli.database import installation_faults
from wa_cli.errors import DatabaseUnavailable, RowRefused
from wa_cli.outbox.outbox import Outbox
from wa_cli.runtime.outage import Outage
from wa_cli.runtime.stop import Stop
from wa_cli.runtime.tasks import all_until_one_fails
from wa_cli.runtime.watchdog import Watchdog, with_beats
from wa_cli.telemetry.events import Component, Emit
from wa_cli.workers.dispatch import Dispatch
from wa_cli.workers.recovery import Recovery
from wa_cli.workers.settling import Settling
from wa_cli.workers.spooling import Spooling

# Seconds between two claims: while messages are due but may not be sent yet, and while none is due.
FIRST_REST, LONGEST_REST = 0.05, 0.5
IDLE_REST = 3.0
FINISH_POLL = 0.05


class Sender:
    """Sends the messages of one number, at most `rate` a second. `work_came` makes it claim at once."""

    def __init__(
        self,
        outbox: Outbox,
        dispatch: Dispatch,
        spooling: Spooling,
        settling: Settling,
        recovery: Recovery,
        *,
        rate: float,
        work_came: asyncio.Event,
        emit: Emit,
    ) -> None:
        self.outbox = outbox
        self.dispatch = dispatch
        self.spooling = spooling
        self.settling = settling
        self.recovery = recovery
        self.rate = rate
        self.work_came = work_came
        self.emit = emit
        self._rest_seconds = FIRST_REST

    @property
    def is_idle(self) -> bool:
        """True if no message is in flight and every answer is settled."""
        return not (self.dispatch.in_flight or self.spooling.pending or self.settling.pending)

    async def run(self, stop: Stop, watchdog: Watchdog, patience: timedelta) -> None:
        """Run until `stop`, then wait at most `patience` for messages in flight. Unfinished ones stay in the spool."""
        spooling = asyncio.create_task(self.spooling.run(watchdog))
        settling = asyncio.create_task(self.settling.run(watchdog))
        claim = asyncio.create_task(self._claim_until(stop, watchdog))
        try:
            await all_until_one_fails(_watch(spooling, claim), _watch(settling, claim), claim)
            await self._finish(patience)
        finally:
            for task in (spooling, settling, claim):
                task.cancel()
            self.dispatch.cancel()
            self.spooling.spool.close()

    async def _finish(self, patience: timedelta) -> None:
        """Wait for messages in flight and settle them."""
        deadline = time.monotonic() + patience.total_seconds()
        while not self.is_idle and time.monotonic() < deadline:
            if self.dispatch.in_flight:
                await self.dispatch.wait(FINISH_POLL)
            else:
                await asyncio.sleep(0.01)

    async def _claim_until(self, stop: Stop, watchdog: Watchdog) -> None:
        outage, must_recover = Outage(self.emit, Component.DATABASE), True
        while not stop:
            watchdog.beat("claim")
            try:
                if must_recover:
                    await with_beats(self._recover, lambda: watchdog.beat("claim"))
                    must_recover = False
                if not await self.dispatch.has_slot(stop):
                    continue
                self.work_came.clear()  # work that comes during the claim is claimed by the next one
                claimed = await self.claim_and_dispatch()
                outage.succeeded()
                if claimed:
                    self._rest_seconds = FIRST_REST
                else:
                    await self._rest(stop)
            except (DatabaseUnavailable, RowRefused) as error:
                unavailable = installation_faults.installation_fault(error) or error
                if isinstance(unavailable, RowRefused):
                    raise
                must_recover = True
                await stop.wait(outage.failed(unavailable.message))
        watchdog.forget("claim")

    def _recover(self) -> None:
        """Settle the spool before anything new, since the database is available."""
        self.outbox.rate_limit.open_number(self.rate)
        self.recovery.recover()

    async def _rest(self, stop: Stop) -> None:
        """Wait for new work, `stop`, or the next poll. The first polls come soon if the rate is the reason."""
        due = await asyncio.to_thread(self.outbox.next_due)
        if due is None or due > 0:
            self._rest_seconds = FIRST_REST
            seconds = IDLE_REST if due is None else min(due, IDLE_REST)
        else:
            seconds = self._rest_seconds
            self._rest_seconds = min(LONGEST_REST, self._rest_seconds * 1.5)
        await stop.wait_for_either(self.work_came, seconds=seconds)

    async def claim_and_dispatch(self) -> int:
        """Claim messages for the free slots and send them. Return their number."""
        if not await self.spooling.has_room():
            return 0
        asked_at = time.monotonic()
        claims = await asyncio.to_thread(self.outbox.claim, self.dispatch.free_slots, self.dispatch.lease)
        self.dispatch.start(claims, asked_at)
        return len(claims)


async def _watch(stage: asyncio.Task[None], claim: asyncio.Task[None]) -> None:
    """Raise the error of a stage that ends while messages are claimed."""
    await asyncio.wait({stage, claim}, return_when=asyncio.FIRST_COMPLETED)
    if stage.done():
        stage.result()
