"""What time alone brings about: lost leases, uncertain sends that evidence decides, deadlines, verdicts of the dead.

Every worker does this beside its work, in small transactions that skip what another one has in hand.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

from wa_cli.errors import DatabaseDown
from wa_cli.storage.outbox import Outbox, Settlement
from wa_cli.storage.spool import Record, Spool
from wa_cli.telemetry import events
from wa_cli.telemetry.logs import Tell
from wa_cli.workers.backoff import full_jitter
from wa_cli.workers.lifecycle import Stop, Watchdog
from wa_cli.workers.sender import BATCH, report_settled, settle

EVERY = 5.0
SLOW_EVERY = 60.0
OUTAGE_CAP = 30.0


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

    async def run(self, stop: Stop, watchdog: Watchdog) -> None:
        """Until `stop`, every few seconds."""
        failures = 0
        while not stop:
            watchdog.beat("upkeep")
            try:
                await asyncio.to_thread(self.run_once)
                failures, pause = 0, EVERY
            except DatabaseDown:  # the sender tells of it
                failures += 1
                pause = full_jitter(failures, cap=OUTAGE_CAP)
            await stop.wait(pause)
        watchdog.forget("upkeep")

    def run_once(self) -> None:
        """Everything that is due, in the order in which one makes work for the next."""
        self.adopt()
        self.decide()
        self.outbox.pass_turns(self.patience.wait)
        self._tell("Messages that expired before they could be sent", self.outbox.expire())
        self._mended_to, mended = self.outbox.mend_turns(self._mended_to)
        self._tell("Customers whose turn had been missed", mended)
        if time.monotonic() >= self._slow_at:
            self._slow_at = time.monotonic() + SLOW_EVERY
            self._tell("Statuses applied after the fact", self.outbox.merge_pending_statuses())
            self.outbox.prune(self.patience.keep_final)

    def adopt(self) -> int:
        """Settle what dead processes of this machine left in the spool; how many verdicts."""
        with self.spool.adopt() as records:
            settlements = [settlement for record in records if (settlement := _readable(record))]
            for start in range(0, len(settlements), BATCH):
                batch = settle(self.outbox, settlements[start : start + BATCH])
                report_settled(batch.result, self.tell)
                if batch.unstored:
                    self.spool.keep([settlement.to_record() for settlement in batch.unstored])
                for reason in batch.refused:
                    self.tell(events.StoreFailed(reason, 1))
        if settlements:
            self.tell(events.Adopted(len(settlements)))
        return len(settlements)

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
