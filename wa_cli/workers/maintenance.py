"""Periodic maintenance of an outgoing worker: lost leases, uncertain messages, deadlines, the spool of dead processes.

Every worker does it beside its work, in small transactions that skip rows which another one has locked.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from wa_cli.isolation import OUTAGES, isolate, reason_of
from wa_cli.messages.outcomes import may_be_sent_again
from wa_cli.outbox.outbox import Outbox
from wa_cli.outbox.settlement import Intent, Settlement
from wa_cli.outbox.spool import Orphan, Record, Spool
from wa_cli.runtime.outage import Outage
from wa_cli.runtime.stop import Stop
from wa_cli.runtime.watchdog import Progress, Watchdog
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Emit, Sweep
from wa_cli.workers.heartbeat import Heartbeat
from wa_cli.workers.sender import BATCH
from wa_cli.workers.settling import report_settled, settle

EVERY = 5.0
SLOW_EVERY = 60.0
REFUSED_PAUSE = 60.0

T = TypeVar("T")


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
    """`lease` is the time in which an outcome of degraded mode may still come."""

    def __init__(
        self,
        outbox: Outbox,
        spool: Spool,
        patience: UncertaintyLimits,
        lease: timedelta,
        emit: Emit,
        *,
        progress: Progress | None = None,
    ) -> None:
        self.outbox = outbox
        self.spool = spool
        self.patience = patience
        self.lease = lease
        self.emit = emit
        self.share: float | None = None
        self.heartbeat = Heartbeat(outbox, "outgoing", progress or Progress())
        self._adopting = threading.Lock()
        self._mended_to = ""
        self._slow_at = 0.0
        self._not_before: dict[Path, float] = {}
        self._beat: Callable[[], None] = lambda: None

    async def run(self, stop: Stop, watchdog: Watchdog) -> None:
        """Run every few seconds until `stop`."""
        self._beat = lambda: watchdog.beat("maintenance")
        await every_few_seconds(self.run_once, stop, lambda: watchdog.forget("maintenance"))
        await asyncio.to_thread(self.heartbeat.end)

    def run_once(self) -> None:
        """Run every step that is due. A step comes before those that it makes work for."""
        self._do(self.live)
        self._do(self.adopt)
        self._do(self.decide)
        self._do(lambda: self.outbox.sweeps.pass_heads_on(self.patience.wait))
        self._do(lambda: self._swept(Sweep.EXPIRED, self.outbox.sweeps.expire()))
        self._do(self._mend)
        if time.monotonic() >= self._slow_at:
            self._slow_at = time.monotonic() + SLOW_EVERY
            self._do(lambda: self._swept(Sweep.LATE_STATUSES, self.outbox.sweeps.merge_pending_statuses()))
            self._do(lambda: self.outbox.sweeps.prune(self.patience.keep_final))

    def _do(self, step: Callable[[], object]) -> None:
        """Run one step. A failure stops neither the other steps nor the worker."""
        self._beat()
        try:
            step()
        except OUTAGES:
            raise
        except Exception as error:
            self.emit(events.MaintenanceFailed(reason_of(error)))

    def live(self) -> None:
        """Write the heartbeat, and keep the worker's share of the rate for degraded mode.

        It is a write, which a standby and a full disk refuse: a database that only reads counts as unavailable.
        """
        self.share = self.heartbeat.beat()

    def _mend(self) -> None:
        self._mended_to, mended = self.outbox.sweeps.repair_heads(self._mended_to)
        self._swept(Sweep.HEADS, mended)

    def adopt(self) -> int:
        """Settle the spool files of dead processes and of degraded mode. Return the number of outcomes.

        A second caller waits until the first one has finished.
        """
        adopted = 0
        with self._adopting:
            for path in self.spool.orphans():
                if self._not_before.get(path, 0.0) > time.monotonic():
                    continue
                try:
                    with self.spool.adopt(path) as orphan:
                        if orphan is not None:
                            adopted += self._settle(orphan)
                except OUTAGES:
                    raise
                except Exception as error:  # one bad file does not stop the others
                    reason = reason_of(error)
                    self.emit(events.StoreFailed(f"{path.name} cannot be settled: {reason}", 1))
                    self._not_before[path] = time.monotonic() + REFUSED_PAUSE
        if adopted:
            self.emit(events.SpoolSettled(adopted))
        return adopted

    def _settle(self, orphan: Orphan) -> int:
        """Settle one file. It stays if a row is refused. Records that cannot be settled are set aside."""
        self._swept(Sweep.UNREADABLE_LINES, orphan.broken, orphan.path.name)
        found = _Found.of(orphan.records)
        strange = found.strange
        settlements = [*found.settlements]
        for intents in _batches(found.intents):
            self._beat()
            strange += [intent.to_record() for intent in self._recover(intents)]
            settlements += self.outbox.early_proofs([intent.reference for intent in intents])
        for batch in _batches(settlements):
            self._beat()
            settled = settle(self.outbox, batch)
            report_settled(settled, self.emit)
            strange += [stranger.to_record() for stranger in settled.strangers]
            if settled.unstored:
                self._leave_for_later(orphan)
        if strange and not orphan.is_kept:
            orphan.set_aside(strange)
            self._swept(Sweep.UNKNOWN_OUTCOMES, len(strange), orphan.path.name)
        return 0 if orphan.is_kept else len(settlements)

    def _recover(self, intents: Sequence[Intent]) -> list[Intent]:
        """Insert messages of degraded mode. Return those that the database refuses."""
        refused: list[Intent] = []

        def refuse(intent: Intent, reason: str) -> None:
            refused.append(intent)
            self.emit(events.StoreFailed(reason, 1))

        isolate(intents, lambda part: self.outbox.recover(part, self.lease), refuse)
        return refused

    def _leave_for_later(self, orphan: Orphan) -> None:
        orphan.keep_file()
        self._not_before[orphan.path] = time.monotonic() + REFUSED_PAUSE

    def decide(self) -> None:
        """Make messages with lost leases uncertain, and decide uncertain ones by the evidence."""
        self._swept(Sweep.LOST_LEASES, self.outbox.sweeps.lose_leases())
        # A status may have missed its message, since two transactions may miss each other. Apply it before it counts as absent.
        for proofs in _batches(self.outbox.early_proofs()):
            report_settled(settle(self.outbox, proofs), self.emit)
        for reference, state, _, _, silent in self.outbox.sweeps.decide_uncertain(
            wait=self.patience.wait, silence=self.patience.silence, evidence_limit=self.patience.evidence_limit
        ):
            self.emit(events.Decided(str(reference), state, possible_duplicate=silent))

    def _swept(self, sweep: Sweep, count: int, file: str | None = None) -> None:
        if count:
            self.emit(events.Swept(sweep, count, file))


@dataclass(frozen=True)
class _Found:
    """The records of a spool file."""

    intents: list[Intent]
    settlements: list[Settlement]
    strange: list[Record]

    @classmethod
    def of(cls, records: Sequence[Record]) -> _Found:
        """Return the records by kind. An intent whose message was not sent went back to its queue, and is ignored."""
        found = cls([], [], [])
        for record in records:
            try:
                if "intent" in record:
                    found.intents.append(Intent.from_record(record))
                if "verdict" in record or "intent" not in record:
                    found.settlements.append(Settlement.from_record(record))
            except Exception:
                found.strange.append(record)
        intended = {intent.token: intent for intent in found.intents}
        returned = {s.token for s in found.settlements if s.token in intended and may_be_sent_again(s.outcome)}
        return cls(
            [intent for token, intent in intended.items() if token not in returned],
            [settlement for settlement in found.settlements if settlement.token not in returned],
            found.strange,
        )


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
