"""Answers → database, as far as it accepts them: a batch, its halves, one message, the outbox without the row."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar

from wa_cli.errors import DatabaseUnavailable, RowRefused
from wa_cli.isolation import OUTAGES, isolate, reason_of
from wa_cli.outbox.outbox import Outbox
from wa_cli.outbox.settlement import Settled, Settlement
from wa_cli.outbox.spool import Spool, SpoolUnwritable
from wa_cli.runtime.outage import Outage
from wa_cli.runtime.watchdog import Progress
from wa_cli.store.fitting import SECONDARY, log_left_out
from wa_cli.store.messages import is_failed_id
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Emit
from wa_cli.workers.answer import Answer
from wa_cli.workers.number_state import NumberState
from wa_cli.workers.stage import Stage

# A foreign key that does not know the employee is the usual reason. The next try leaves out all secondary values.
LEFT_OUT = (frozenset({"employee_id"}), SECONDARY)


@dataclass
class SettledBatch:
    """The result of settling. `unstored` are outcomes whose rows were refused, for the reasons in `refused`. They stay in
    the spool.
    """

    done: list[Settled] = field(default_factory=list)
    unstored: list[Settlement] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def unknown(self) -> list[Settlement]:
        return [settlement for settled in self.done for settlement in settled.unknown]


class Settling(Stage[Answer]):
    """A stage that settles answers of the spool.

    It sets `work_came`, since the next message of a customer may now be the head of its line.
    """

    name: ClassVar[str] = "settling"

    def __init__(
        self,
        outbox: Outbox,
        spool: Spool,
        number_state: NumberState,
        work_came: asyncio.Event,
        emit: Emit,
        progress: Progress,
    ) -> None:
        super().__init__()
        self.outbox = outbox
        self.spool = spool
        self.number_state = number_state
        self.work_came = work_came
        self.emit = emit
        self.progress = progress

    async def handle(self, items: list[Answer]) -> None:
        batch = await self._settle([answer.settlement for answer in items])
        # What the database refused is in a file of its own before its entry goes, or keeps its entry.
        is_left = await asyncio.to_thread(leave_unstored, self.spool, batch.unstored)
        done = [
            answer.entry for answer in items if answer.entry and (is_left or answer.settlement not in batch.unstored)
        ]
        await asyncio.to_thread(self.spool.remove, done)
        with suppress(DatabaseUnavailable, RowRefused):  # the next outcome of that kind repeats it
            await asyncio.to_thread(self.number_state.update, items)
        self.progress.note()
        self.work_came.set()

    async def _settle(self, settlements: Sequence[Settlement]) -> SettledBatch:
        """Settle the answers, again and again as long as the database is unavailable."""
        outage = Outage(None, Component.DATABASE)
        failure: str | None = None
        while True:
            self.beat()
            try:
                return await asyncio.to_thread(settle_isolated, self.outbox, settlements, self.emit, failure)
            except DatabaseUnavailable as error:
                if failure is None:
                    self.emit(events.StoreFailed(error.message, len(settlements)))
                    failure = error.message
                await asyncio.sleep(outage.failed(error.message))


def leave_unstored(spool: Spool, unstored: Sequence[Settlement]) -> bool:
    """Leave outcomes whose rows were refused in the spool, for a table that accepts them later. Return False if it
    cannot be written.
    """
    try:
        if unstored:
            spool.append_for_others([settlement.to_record() for settlement in unstored])
    except SpoolUnwritable:
        return False
    return True


def settle_isolated(
    outbox: Outbox, settlements: Sequence[Settlement], emit: Emit, failure: str | None = None
) -> SettledBatch:
    """Settle all outcomes. One that fails is found by halving, and the rest is settled.

    A message whose row is refused is settled without it, so that it is not sent again. Its outcome is in `unstored`, and
    the caller leaves it in the spool. `failure` is the reason why they were not settled at once. Raises
    DatabaseUnavailable.
    """
    batch = SettledBatch()
    isolate(
        settlements,
        lambda part: batch.done.append(outbox.settle(part, failure=failure)),
        lambda settlement, reason: _settle_alone(outbox, settlement, reason, batch),
    )
    _report(batch, emit)
    return batch


def _report(batch: SettledBatch, emit: Emit) -> None:
    for settled in batch.done:
        for message_type, wamid in settled.stored:
            if not is_failed_id(wamid):
                emit(events.Stored(wamid, message_type))
        for reference in settled.duplicates:
            emit(events.Duplicated(str(reference)))
    for reason in batch.refused:
        emit(events.StoreFailed(reason, 1))


def _settle_alone(outbox: Outbox, settlement: Settlement, reason: str, batch: SettledBatch) -> None:
    if reason not in batch.refused and _settle_without_secondary(outbox, settlement, reason, batch):
        return
    batch.unstored.append(settlement)
    try:
        outbox.settle([settlement], rows_too=False, failure=reason)
    except OUTAGES:
        raise
    except Exception as error:
        reason = f"{reason}; the outbox refuses it too: {reason_of(error)}"
    batch.refused.append(reason)


def _settle_without_secondary(outbox: Outbox, settlement: Settlement, reason: str, batch: SettledBatch) -> bool:
    for columns in LEFT_OUT:
        try:
            batch.done.append(outbox.settle([settlement], left_out=columns))
        except OUTAGES:
            raise
        except Exception:  # noqa: S112 — the first reason is the one to report
            continue
        log_left_out(columns, reason)
        return True
    return False
