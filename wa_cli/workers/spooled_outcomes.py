"""Outcomes of this machine's spool, left by dead processes and by degraded mode: from disk into the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from wa_cli.batches import batches
from wa_cli.isolation import OUTAGES, isolate, reason_of
from wa_cli.messages.outcomes import may_be_sent_again
from wa_cli.outbox.outbox import Outbox
from wa_cli.outbox.settlement import Intent, Settlement
from wa_cli.outbox.spool import Orphan, Record, Spool
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Emit, Sweep
from wa_cli.workers.settling import leave_unstored, settle_isolated
from wa_cli.workers.stage import BATCH

REFUSED_PAUSE = 60.0
STORED_LATER = "stored from the spool: the database was unavailable, or the worker ended first"


class SpooledOutcomes:
    """Settles the outcomes of the spool.

    `lease` is the time in which an outcome of degraded mode may still come. `beat` is called between batches.
    """

    def __init__(self, outbox: Outbox, spool: Spool, lease: timedelta, emit: Emit) -> None:
        self.outbox = outbox
        self.spool = spool
        self.lease = lease
        self.emit = emit
        self.beat: Callable[[], None] = lambda: None
        self._one_at_a_time = threading.Lock()
        self._not_before: dict[Path, float] = {}

    def run_once(self) -> int:
        """Settle the spool files of dead processes and of degraded mode. Return the number of outcomes.

        A second caller waits until the first one has finished.
        """
        adopted = 0
        with self._one_at_a_time:
            for path in self.spool.orphans():
                if self._not_before.get(path, 0.0) > time.monotonic():
                    continue
                try:
                    with self.spool.adopt(path) as orphan:
                        if orphan is not None:
                            adopted += self._settle_file(orphan)
                except OUTAGES:
                    raise
                except Exception as error:  # one bad file does not stop the others
                    reason = reason_of(error)
                    self.emit(events.StoreFailed(f"{path.name} cannot be settled: {reason}", 1))
                    self._not_before[path] = time.monotonic() + REFUSED_PAUSE
        if adopted:
            self.emit(events.SpoolSettled(adopted))
        return adopted

    def _settle_file(self, orphan: Orphan) -> int:
        """Settle one file. It stays if a row is refused. Records that cannot be settled are set aside."""
        self._report_set_aside(Sweep.UNREADABLE_LINES, orphan.broken, orphan)
        found = _Found.of(orphan.records)
        unusable = found.unusable
        settlements = [*found.settlements]
        for intents in batches(found.intents, BATCH):
            self.beat()
            unusable += [intent.to_record() for intent in self._recover(intents)]
            settlements += self.outbox.early_proofs([intent.reference for intent in intents])
        for batch in batches(settlements, BATCH):
            self.beat()
            settled = settle_isolated(self.outbox, batch, self.emit, STORED_LATER)
            unusable += [settlement.to_record() for settlement in settled.unknown]
            if settled.unstored:
                self._leave_for_later(orphan)
                # Proofs are in no file, and the outbox does not give them a second time.
                leave_unstored(self.spool, [one for one in settled.unstored if one not in found.settlements])
        if unusable and not orphan.is_kept:
            orphan.set_aside(unusable)
            self._report_set_aside(Sweep.UNKNOWN_OUTCOMES, len(unusable), orphan)
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

    def _report_set_aside(self, sweep: Sweep, count: int, orphan: Orphan) -> None:
        if count:
            self.emit(events.Swept(sweep, count, orphan.path.name))


@dataclass(frozen=True)
class _Found:
    """The records of a spool file."""

    intents: list[Intent]
    settlements: list[Settlement]
    unusable: list[Record]

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
            except Exception:  # whatever is wrong with a record, it is set aside and reported
                found.unusable.append(record)
        intended = {intent.token: intent for intent in found.intents}
        returned = {s.token for s in found.settlements if s.token in intended and may_be_sent_again(s.outcome)}
        return cls(
            [intent for token, intent in intended.items() if token not in returned],
            [settlement for settlement in found.settlements if settlement.token not in returned],
            found.unusable,
        )
