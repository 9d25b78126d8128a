"""What time alone brings about: lost leases, uncertain sends that evidence decides, deadlines, verdicts of the dead.

Every worker does this beside its work, in small transactions that skip what another one has in hand.
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
from wa_cli.telemetry.log_throttle import LogThrottle
from wa_cli.telemetry.logs import Emit
from wa_cli.workers.heartbeat import Heartbeat
from wa_cli.workers.sender import BATCH
from wa_cli.workers.settling import report_settled, settle

EVERY = 5.0
SLOW_EVERY = 60.0
REFUSED_PAUSE = 60.0

T = TypeVar("T")


async def every_few_seconds(once: Callable[[], object], stop: Stop, rest: Callable[[], object] = lambda: None) -> None:
    """Do it until `stop`, in a thread; sooner again while something is away, of which others tell. `rest` is called between."""
    outage = Outage(None, "Maintenance", base=1.0)
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
    """How long each kind of doubt may last.

    `wait` (W): how late a status may be. `silence`: before a number without any status events is believed to have none.
    `evidence_limit`: before a person is asked. `keep_final`: how long a finished outbox row is kept.
    """

    wait: timedelta = timedelta(seconds=120)
    silence: timedelta = timedelta(minutes=15)
    evidence_limit: timedelta = timedelta(hours=24)
    keep_final: timedelta = timedelta(days=30)


class Maintenance:
    """`lease`: how long a verdict may still come for what was sent without the database."""

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
        self._log_throttle = LogThrottle(emit)
        self._beat: Callable[[], None] = lambda: None

    async def run(self, stop: Stop, watchdog: Watchdog) -> None:
        """Until `stop`, every few seconds."""
        self._beat = lambda: watchdog.beat("maintenance")
        await every_few_seconds(self.run_once, stop, lambda: watchdog.forget("maintenance"))
        await asyncio.to_thread(self.heartbeat.end)

    def run_once(self) -> None:
        """Everything that is due, in the order in which one makes work for the next."""
        self._do(self.live)
        self._do(self.adopt)
        self._do(self.decide)
        self._do(lambda: self.outbox.pass_turns(self.patience.wait))
        self._do(lambda: self._emit("Messages that expired before they could be sent", self.outbox.expire()))
        self._do(self._mend)
        if time.monotonic() >= self._slow_at:
            self._slow_at = time.monotonic() + SLOW_EVERY
            self._do(lambda: self._emit("Statuses applied after the fact", self.outbox.merge_pending_statuses()))
            self._do(lambda: self.outbox.prune(self.patience.keep_final))

    def _do(self, step: Callable[[], object]) -> None:
        """One step; whatever fails in it stops neither the others nor the worker."""
        self._beat()
        try:
            step()
        except OUTAGES:
            raise
        except Exception as error:
            reason = reason_of(error)
            self._log_throttle.emit(reason, lambda _: events.MaintenanceFailed(reason))

    def live(self) -> None:
        """Say that this worker lives, and learn its share of the rate, for when the database is away.

        A write, which a standby and a full disk refuse: a database that only answers is not back.
        """
        self.share = self.heartbeat.beat()

    def _mend(self) -> None:
        self._mended_to, mended = self.outbox.mend_turns(self._mended_to)
        self._emit("Customers whose turn had been missed", mended)

    def adopt(self) -> int:
        """Settle what dead processes of this machine left in the spool, and what this one sent without the database;
        how many verdicts.

        One at a time: whoever asks while it is done waits until it is done.
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
                except Exception as error:  # this file's trouble is not the next one's
                    reason = reason_of(error)
                    self.emit(events.StoreFailed(f"{path.name} cannot be adopted: {reason}", 1))
                    self._not_before[path] = time.monotonic() + REFUSED_PAUSE
        if adopted:
            self.emit(events.SpoolSettled(adopted))
        return adopted

    def _settle(self, orphan: Orphan) -> int:
        """Settle one file. Where a row is refused it stays, for later; what is not ours to settle is set aside."""
        self._emit(f"Lines of {orphan.path.name} that cannot be read, set aside", orphan.broken)
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
            self._emit("Verdicts of messages that this database does not know, set aside", len(strange))
        return 0 if orphan.is_kept else len(settlements)

    def _recover(self, intents: Sequence[Intent]) -> list[Intent]:
        """Those that the database refuses."""
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
        """Sends whose lease ended become uncertain; uncertain ones follow the evidence."""
        self._emit("Sends whose worker was lost", self.outbox.lose_leases())
        # Statuses that missed their message, as two transactions may miss each other: before their absence counts.
        for proofs in _batches(self.outbox.early_proofs()):
            report_settled(settle(self.outbox, proofs), self.emit)
        for reference, state, _, _, silent in self.outbox.decide_uncertain(
            wait=self.patience.wait, silence=self.patience.silence, evidence_limit=self.patience.evidence_limit
        ):
            self.emit(events.Decided(str(reference), state, possible_double=silent))

    def _emit(self, what: str, count: int) -> None:
        if count:
            self.emit(events.Swept(what, count))


@dataclass(frozen=True)
class _Found:
    """What a file of the spool holds."""

    intents: list[Intent]
    settlements: list[Settlement]
    strange: list[Record]

    @classmethod
    def of(cls, records: Sequence[Record]) -> _Found:
        """An intent whose message did not leave after all went back to its queue: as if it had never been."""
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
