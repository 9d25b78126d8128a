"""Refusals by webhook that concern a whole number. They block it or slow it down like the same code in an answer.

Some refusals come only after Meta accepted the message (131031 account locked, 131042 payment problem, 130429
throughput). An accepted request then does not prove that the number can send. A later sent message does. A notice
(`value.errors`) names no message and could not be taken back by one, so it slows the number down and never blocks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from wa_cli.clock import now
from wa_cli.cloud import codes
from wa_cli.messages.incoming import Notice, StatusUpdate
from wa_cli.outbox import rate_limit
from wa_cli.runtime.backoff import THROTTLE_PAUSE
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Event

# An older refusal says nothing about the present state of the number. Meta repeats webhooks for days.
FRESH = timedelta(minutes=10)


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
        told = sum(status.number == number for status in fresh)
        changed += _block(connection, number, of_number) + _slow_down(connection, number, of_number, told)
    return changed


def _refusals_of(statuses: Sequence[StatusUpdate]) -> Iterator[_Refusal]:
    for status in statuses:
        known = codes.CODES.get(status.code) if status.status == "failed" and status.code is not None else None
        if known:
            yield _Refusal(status.number, status.happened_at, known.number, known.kind)


def _throttles_of(notices: Sequence[Notice]) -> Iterator[_Refusal]:
    for notice in notices:
        happened_at = notice.happened_at or now()
        known = [codes.CODES[code] for code in notice.error_codes if code in codes.CODES]
        throttle = next((code for code in known if code.kind is codes.Class.THROTTLE_NUMBER), None)
        if notice.number and throttle and _is_fresh(happened_at):
            yield _Refusal(notice.number, happened_at, throttle.number, throttle.kind)


def _block(connection: sa.Connection, number: str, refusals: Sequence[_Refusal]) -> list[Event]:
    blocking = next((refusal for refusal in refusals if refusal.kind is codes.Class.BLOCKED), None)
    if blocking is None:
        return []
    why = f"{blocking.code}: {codes.CODES[blocking.code].meaning}"
    return [events.NumberBlocked(why)] if rate_limit.block(connection, number, why, by="status") else []


def _slow_down(connection: sa.Connection, number: str, refusals: Sequence[_Refusal], told: int) -> list[Event]:
    throttles = [refusal.happened_at for refusal in refusals if refusal.kind is codes.Class.THROTTLE_NUMBER]
    if not throttles:
        return []
    rate = rate_limit.slow_down(
        connection,
        number,
        THROTTLE_PAUSE,
        max(timedelta(), now() - max(throttles)),
        throttled=len(throttles),
        answers=max(told, len(throttles)),
    )
    return [] if rate is None else [events.SlowedDown(rate)]


def _is_fresh(moment: datetime) -> bool:
    return moment > now() - FRESH
