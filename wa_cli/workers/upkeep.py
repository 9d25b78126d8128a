"""What time alone brings about: lost leases, uncertain sends that evidence decides, deadlines, verdicts of the dead.

Every worker does this beside its work, in small transactions that skip what another one has in hand.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from wa_cli.errors import DatabaseDown, RowRefused
from wa_cli.storage.outbox import Outbox
from wa_cli.storage.settlement import Settlement
from wa_cli.storage.spool import Orphan, Record, Spool
from wa_cli.telemetry import events
from wa_cli.telemetry.logs import Tell
from wa_cli.workers.backoff import full_jitter
from wa_cli.workers.lifecycle import Stop, Watchdog
from wa_cli.workers.sender import BATCH, report_settled, settle

EVERY = 5.0
SLOW_EVERY = 60.0
OUTAGE_CAP = 30.0
REFUSED_PAUSE = 60.0


@dataclass(frozen=True)
class Patience:
    """How long each kind of doubt may last.

    `wait` (W): how late a status may be. `silence`: before a number without any status events is believed to have none.
    `evidence_limit`: before a person is asked. `keep_final`: how long a finished outbox row is kept.
    """

    wait: timedelta = timedelta(seconds=120)
    silence: timedelta = timedelta(minutes=15)
    evidence_limit: timedelta = timedelta(hours=24)
    keep_final: timedelta = timedelta(days=30)


class Upkeep:
    def __init__(self, outbox: Outbox, spool: Spool, patience: Patience, tell: Tell) -> None:
        self.outbox = outbox
        self.spool = spool
        self.patience = patience
        self.tell = tell
        self._mended_to = ""
        self._slow_at = 0.0
        self._not_before: dict[Path, float] = {}
        self._beat: Callable[[], None] = lambda: None

    async def run(self, stop: Stop, watchdog: Watchdog) -> None:
        """Until `stop`, every few seconds."""
        failures = 0
        self._beat = lambda: watchdog.beat("upkeep")
        while not stop:
            try:
                await asyncio.to_thread(self.run_once)
                failures, pause = 0, EVERY
            except DatabaseDown:  # the sender tells of it
                failures += 1
                pause = full_jitter(failures, cap=OUTAGE_CAP)
            watchdog.forget("upkeep")
            await stop.wait(pause)

    def run_once(self) -> None:
        """Everything that is due, in the order in which one makes work for the next."""
        self._do(self.adopt)
        self._do(self.decide)
        self._do(lambda: self.outbox.pass_turns(self.patience.wait))
        self._do(lambda: self._tell("Messages that expired before they could be sent", self.outbox.expire()))
        self._do(self._mend)
        if time.monotonic() >= self._slow_at:
            self._slow_at = time.monotonic() + SLOW_EVERY
            self._do(lambda: self._tell("Statuses applied after the fact", self.outbox.merge_pending_statuses()))
            self._do(lambda: self.outbox.prune(self.patience.keep_final))

    def _do(self, step: Callable[[], object]) -> None:
        """One step; a row that the database refuses stops neither the others nor the worker."""
        self._beat()
        try:
            step()
        except RowRefused as error:
            self.tell(events.StoreFailed(error.message, 1))

    def _mend(self) -> None:
        self._mended_to, mended = self.outbox.mend_turns(self._mended_to)
        self._tell("Customers whose turn had been missed", mended)

    def adopt(self) -> int:
        """Settle what dead processes of this machine left in the spool; how many verdicts."""
        adopted = 0
        for path in self.spool.orphans():
            if self._not_before.get(path, 0.0) > time.monotonic():
                continue
            with self.spool.adopt(path) as orphan:
                if orphan is not None:
                    adopted += self._settle(orphan)
        if adopted:
            self.tell(events.Adopted(adopted))
        return adopted

    def _settle(self, orphan: Orphan) -> int:
        """Settle one file. Where a row is refused it stays, for later; what is not ours to settle is set aside."""
        settlements = [(record, _readable(record)) for record in orphan.records]
        strange = [record for record, settlement in settlements if settlement is None]
        known = [settlement for _, settlement in settlements if settlement is not None]
        for start in range(0, len(known), BATCH):
            self._beat()
            batch = settle(self.outbox, known[start : start + BATCH])
            report_settled(batch, self.tell)
            strange += [stranger.to_record() for stranger in batch.result.strangers]
            if batch.unstored:
                orphan.stay()
                self._not_before[orphan.path] = time.monotonic() + REFUSED_PAUSE
        if strange and not orphan.stays:
            orphan.set_aside(strange)
            self._tell("Verdicts of messages that this database does not know, set aside", len(strange))
        return 0 if orphan.stays else len(known)

    def decide(self) -> None:
        """Sends whose lease ended become uncertain; uncertain ones follow the evidence."""
        self._tell("Sends whose worker was lost", self.outbox.lose_leases())
        for reference, state, _, _, silent in self.outbox.decide_uncertain(
            wait=self.patience.wait, silence=self.patience.silence, evidence_limit=self.patience.evidence_limit
        ):
            self.tell(events.Decided(str(reference), state, possible_double=silent))

    def _tell(self, what: str, count: int) -> None:
        if count:
            self.tell(events.Swept(what, count))


def _readable(record: Record) -> Settlement | None:
    try:
        return Settlement.from_record(record)
    except (KeyError, TypeError, ValueError):
        return None
