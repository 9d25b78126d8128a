"""Refusals that concern a whole number. They block it or slow it down, in an answer and by webhook alike.

Some refusals come only after Meta accepted the message (131031 account locked, 131042 payment problem, 130429
throughput). An accepted request then does not prove that the number can send. A later sent message does. A notice
(`value.errors`) names no message, so no later status could lift a block. It slows the number down and never blocks it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeGuard

import sqlalchemy as sa

from wa_cli.clock import now
from wa_cli.cloud import codes
from wa_cli.messages.incoming import Notice, StatusUpdate
from wa_cli.messages.outcomes import Accepted, Blocked, Outcome, Rejected, Retryable
from wa_cli.outbox import rate_limit
from wa_cli.outbox.rate_limit import RateLimit
from wa_cli.runtime.backoff import THROTTLE_PAUSE
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Emit, Event
from wa_cli.workers.answer import Answer

# An older refusal says nothing about the present state of the number. Meta repeats webhooks for days.
FRESH = timedelta(minutes=10)


class NumberState:
    """The state of a worker's own number, by the answers to its requests."""

    def __init__(self, rate_limit: RateLimit, emit: Emit) -> None:
        self.rate_limit = rate_limit
        self.emit = emit
        self._answers_since_throttle = 0

    def update(self, answers: Sequence[Answer]) -> None:
        """Slow the number down after a throttle. Block it after a refusal, until a probe is accepted.

        Raises DatabaseUnavailable or RowRefused, and may be repeated with the next answers.
        """
        self._answers_since_throttle += len(answers)
        self._slow_down(answers)
        blocked = next((o for answer in answers if isinstance(o := answer.settlement.outcome, Blocked)), None)
        if blocked and self.rate_limit.block(blocked.why):
            self.emit(events.NumberBlocked(blocked.why))
        if any(map(_is_probe_let_through, answers)) and self.rate_limit.unblock():
            self.emit(events.NumberUnblocked())

    def _slow_down(self, answers: Sequence[Answer]) -> None:
        throttles = [(answer, o) for answer in answers if _is_throttle(o := answer.settlement.outcome)]
        if not throttles:
            return
        pause = max([THROTTLE_PAUSE.total_seconds(), *(outcome.after or 0.0 for _, outcome in throttles)])
        age = time.monotonic() - max(answer.claimed_at for answer, _ in throttles)
        answered, self._answers_since_throttle = self._answers_since_throttle, 0
        rate = self.rate_limit.slow_down(
            timedelta(seconds=pause), timedelta(seconds=age), throttled=len(throttles), answers=answered
        )
        if rate is not None:
            self.emit(events.SlowedDown(rate))


def _is_throttle(outcome: Outcome) -> TypeGuard[Retryable]:
    return isinstance(outcome, Retryable) and outcome.scope == "number"


def _is_probe_let_through(answer: Answer) -> bool:
    """Return True for a probe of a blocked number that Meta accepted, or rejected for a reason of its own."""
    return answer.is_probe and isinstance(answer.settlement.outcome, (Accepted, Rejected))


@dataclass(frozen=True)
class _Refusal:
    number: str
    happened_at: datetime
    code: int
    kind: codes.Class


def update_numbers(
    connection: sa.Connection, statuses: Sequence[StatusUpdate], notices: Sequence[Notice] = ()
) -> list[Event]:
    """Block, slow down or unblock the numbers of these statuses and notices, in the caller's transaction.

    Return the events of the changes.
    """
    fresh = [status for status in statuses if _is_fresh(status.happened_at)]
    through = [status.reference for status in fresh if status.reference and status.status != "failed"]
    changed: list[Event] = []
    if through and rate_limit.unblock_by_statuses(connection, through):
        changed.append(events.NumberUnblocked())
    refusals = [*_refusals_of(fresh), *_throttles_of(notices)]
    for number in sorted({refusal.number for refusal in refusals}):
        of_number = [refusal for refusal in refusals if refusal.number == number]
        answers = sum(status.phone_number_id == number for status in fresh)
        changed += _block(connection, number, of_number) + _slow_down(connection, number, of_number, answers)
    return changed


def _refusals_of(statuses: Sequence[StatusUpdate]) -> Iterator[_Refusal]:
    for status in statuses:
        known = codes.CODES.get(status.code) if status.status == "failed" and status.code is not None else None
        if known:
            yield _Refusal(status.phone_number_id, status.happened_at, known.number, known.kind)


def _throttles_of(notices: Sequence[Notice]) -> Iterator[_Refusal]:
    for notice in notices:
        happened_at = notice.happened_at or now()
        known = [codes.CODES[code] for code in notice.error_codes if code in codes.CODES]
        throttle = next((code for code in known if code.kind is codes.Class.THROTTLE_NUMBER), None)
        if notice.phone_number_id and throttle and _is_fresh(happened_at):
            yield _Refusal(notice.phone_number_id, happened_at, throttle.number, throttle.kind)


def _block(connection: sa.Connection, number: str, refusals: Sequence[_Refusal]) -> list[Event]:
    blocking = next((refusal for refusal in refusals if refusal.kind is codes.Class.BLOCKED), None)
    if blocking is None:
        return []
    why = f"{blocking.code}: {codes.CODES[blocking.code].meaning}"
    return [events.NumberBlocked(why)] if rate_limit.block(connection, number, why, by="status") else []


def _slow_down(connection: sa.Connection, number: str, refusals: Sequence[_Refusal], answers: int) -> list[Event]:
    throttles = [refusal.happened_at for refusal in refusals if refusal.kind is codes.Class.THROTTLE_NUMBER]
    if not throttles:
        return []
    rate = rate_limit.slow_down(
        connection,
        number,
        THROTTLE_PAUSE,
        max(timedelta(), now() - max(throttles)),
        throttled=len(throttles),
        answers=max(answers, len(throttles)),
    )
    return [] if rate is None else [events.SlowedDown(rate)]


def _is_fresh(moment: datetime) -> bool:
    return moment > now() - FRESH
