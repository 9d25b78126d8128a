"""Settle outcomes as far as the database accepts them: a batch, its halves, one message, the outbox without the row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wa_cli.isolation import OUTAGES, isolate, reason_of
from wa_cli.outbox.outbox import Outbox
from wa_cli.outbox.settlement import Settled, Settlement
from wa_cli.store.fitting import SECONDARY, log_left_out
from wa_cli.store.messages import is_failed_id
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Emit

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
    def strangers(self) -> list[Settlement]:
        return [stranger for settled in self.done for stranger in settled.strangers]


def settle(outbox: Outbox, settlements: Sequence[Settlement]) -> SettledBatch:
    """Settle all outcomes. One that fails is found by halving, and the rest is settled.

    A message whose row is refused is settled without it, so that it is not sent again. Raises DatabaseUnavailable.
    """
    batch = SettledBatch()
    isolate(
        settlements,
        lambda part: batch.done.append(outbox.settle(part)),
        lambda settlement, reason: _settle_alone(outbox, settlement, reason, batch),
    )
    return batch


def report_settled(batch: SettledBatch, emit: Emit) -> None:
    for settled in batch.done:
        for _, wamid in settled.stored:
            if not is_failed_id(wamid):
                emit(events.Stored(wamid))
        for reference in settled.duplicates:
            emit(events.Duplicated(str(reference)))
    for reason in batch.refused:
        emit(events.StoreFailed(reason, 1))


def _settle_alone(outbox: Outbox, settlement: Settlement, reason: str, batch: SettledBatch) -> None:
    if reason not in batch.refused and _settle_without_secondary(outbox, settlement, reason, batch):
        return
    batch.unstored.append(settlement)
    try:
        outbox.settle([settlement], rows_too=False)
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
