"""Periodic maintenance of an outgoing worker: lost leases, uncertain messages, deadlines, the spool of dead processes.

Every worker does it beside its work, in small transactions that skip rows which another one has locked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from wa_cli.batches import batches
from wa_cli.isolation import OUTAGES, reason_of
from wa_cli.outbox.outbox import NumberShare, Outbox
from wa_cli.runtime.outage import Outage
from wa_cli.runtime.stop import Stop
from wa_cli.runtime.watchdog import Progress, Watchdog
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Emit, Sweep
from wa_cli.workers.degraded_mode import DegradedMode, RateShare
from wa_cli.workers.heartbeat import Heartbeat
from wa_cli.workers.settling import leave_unstored, settle_isolated
from wa_cli.workers.spooled_outcomes import SpooledOutcomes
from wa_cli.workers.stage import BATCH

EVERY = 5.0
OPEN, PAUSED, BLOCKED = "open", "paused", "blocked"
SLOW_EVERY = 60.0


async def every_few_seconds(once: Callable[[], object], stop: Stop, rest: Callable[[], object] = lambda: None) -> None:
    """Run `once` in a thread until `stop`, more often while a dependency is unavailable. `rest` is called in between."""
    outage = Outage(None, Component.DATABASE, base=1.0)
    while not stop:
        try:
            await asyncio.to_thread(once)
            outage.succeeded()
            pause = EVERY
        except OUTAGES as error:
            pause = outage.failed(error.message)
        rest()
        await stop.wait(pause)


def run_step(step: Callable[[], object], emit: Emit) -> None:
    """Run one step of maintenance. A failure stops neither the other steps nor the worker. An outage is raised."""
    try:
        step()
    except OUTAGES:
        raise
    except Exception as error:
        emit(events.MaintenanceFailed(reason_of(error)))


@dataclass(frozen=True)
class UncertaintyLimits:
    """Time limits for uncertain messages.

    `wait` (W) is the maximum delay of a status. After `silence` a number without status events is taken as one that
    gets none. After `evidence_limit` a message is held. `keep_final` is the retention of finished outbox messages.
    """

    wait: timedelta = timedelta(seconds=120)
    silence: timedelta = timedelta(minutes=15)
    evidence_limit: timedelta = timedelta(hours=24)
    keep_final: timedelta = timedelta(days=30)


class Maintenance:
    """The maintenance of one number, and the worker's recovery after an outage. `share` gets its part of the rate."""

    def __init__(
        self,
        outbox: Outbox,
        spooled_outcomes: SpooledOutcomes,
        limits: UncertaintyLimits,
        emit: Emit,
        *,
        share: RateShare,
        degraded_mode: DegradedMode | None = None,
        progress: Progress | None = None,
        sent_per_second: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.outbox = outbox
        self.spooled_outcomes = spooled_outcomes
        self.limits = limits
        self.emit = emit
        self.share = share
        self.degraded_mode = degraded_mode
        self.heartbeat = Heartbeat(outbox, "outgoing", progress or Progress(), sent_per_second)
        self.number_state = OPEN
        self._has_beaten = False
        self._mended_to = ""
        self._waits_ended_to = ""
        self._slow_at = 0.0
        self._beat: Callable[[], None] = lambda: None

    async def run(self, stop: Stop, watchdog: Watchdog) -> None:
        """Run every few seconds until `stop`."""
        self._beat = self.spooled_outcomes.beat = lambda: watchdog.beat("maintenance")
        await every_few_seconds(self.run_once, stop, lambda: watchdog.forget("maintenance"))
        await asyncio.to_thread(self.heartbeat.end)

    def run_once(self) -> None:
        """Run every step that is due. A step comes before those that it makes work for."""
        self._do(self.prove_writable)
        self._do(self.spooled_outcomes.run_once)
        self._do(self.decide)
        self._do(lambda: self.outbox.sweeps.pass_heads_on(self.limits.wait))
        self._do(self._expire)
        self._do(self._mend)
        self._do(self._end_window_waits)
        if time.monotonic() >= self._slow_at:
            self._slow_at = time.monotonic() + SLOW_EVERY
            self._do(lambda: self._swept(Sweep.LATE_STATUSES, self.outbox.sweeps.merge_pending_statuses()))
            self._do(lambda: self.outbox.sweeps.prune(self.limits.keep_final))

    def _do(self, step: Callable[[], object]) -> None:
        self._beat()
        run_step(step, self.emit)

    def prove_writable(self) -> None:
        """Write the heartbeat, and note the worker's share of the rate for degraded mode.

        It is a write, which a standby and a full disk refuse: a database that only reads counts as unavailable.
        """
        number = self.heartbeat.beat()
        if number is not None:
            self.share.rate = number.rate
            self._note_state(number)

    def _note_state(self, number: NumberShare) -> None:
        """Report that a person paused or resumed the number, and a block from before this worker."""
        before, self.number_state = self.number_state, number.state
        is_new = before != number.state
        if is_new and number.state == PAUSED:
            self.emit(events.NumberPaused(number.reason or "by hand"))
        elif is_new and number.state == BLOCKED and not self._has_beaten:
            self.emit(events.NumberBlocked(number.reason or "by Meta"))
        elif is_new and before == PAUSED and number.state == OPEN:
            self.emit(events.NumberUnblocked())
        self._has_beaten = True

    def recover(self) -> None:
        """End degraded mode, and settle what it and dead processes left in the spool."""
        if self.degraded_mode:
            self.degraded_mode.end()
        self.spooled_outcomes.run_once()

    def _expire(self) -> None:
        expired = self.outbox.sweeps.expire()
        for reason in expired.refused:
            self.emit(events.StoreFailed(reason, 1))
        leave_unstored(self.spooled_outcomes.spool, expired.unstored)
        self._swept(Sweep.EXPIRED, expired.count)

    def _end_window_waits(self) -> None:
        self._waits_ended_to = self.outbox.sweeps.end_window_waits(self._waits_ended_to)

    def _mend(self) -> None:
        self._mended_to, mended = self.outbox.sweeps.repair_heads(self._mended_to)
        self._swept(Sweep.HEADS, mended)

    def decide(self) -> None:
        """Make messages with lost leases uncertain, and decide uncertain ones by the evidence."""
        self._swept(Sweep.LOST_LEASES, self.outbox.sweeps.lose_leases())
        # A status may have missed its message, since two transactions may miss each other. Apply it before it counts as absent.
        for proofs in batches(self.outbox.early_proofs(), BATCH):
            settled = settle_isolated(self.outbox, proofs, self.emit)
            leave_unstored(self.spooled_outcomes.spool, settled.unstored)
        for reference, state, _, _, silent in self.outbox.sweeps.decide_uncertain(
            wait=self.limits.wait, silence=self.limits.silence, evidence_limit=self.limits.evidence_limit
        ):
            self.emit(events.Decided(str(reference), state, possible_duplicate=silent))

    def _swept(self, sweep: Sweep, count: int) -> None:
        if count:
            self.emit(events.Swept(sweep, count))
