"""Failed statuses that concern a whole number: they block it or slow it down, as the same code in an answer does.

Some refusals come only after Meta accepted the message (131031 account locked, 131042 payment problem, 130429 throughput).
An accepted request is then no proof that the number can send: a later message that was sent is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from wa_cli.clock import now
from wa_cli.cloud import codes
from wa_cli.messages.incoming import StatusUpdate
from wa_cli.storage import outbox
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Event
from wa_cli.workers.backoff import THROTTLE_PAUSE

# A status that arrives later than this says nothing of the number's present state. Meta repeats webhooks for days.
FRESH = timedelta(minutes=10)


def update_numbers(connection: sa.Connection, statuses: Sequence[StatusUpdate]) -> list[Event]:
    """Block, slow down or free the numbers of these statuses, in the caller's transaction. Return what changed."""
    fresh = [status for status in statuses if status.happened_at > now() - FRESH]
    through = [status.reference for status in fresh if status.reference and status.status != "failed"]
    changed: list[Event] = []
    if through and outbox.unblock_by_statuses(connection, through):
        changed.append(events.NumberFreed())
    for number in sorted({status.number for status in fresh if status.status == "failed"}):
        changed += _restrict(connection, number, [status for status in fresh if status.number == number])
    return changed


def _restrict(connection: sa.Connection, number: str, statuses: Sequence[StatusUpdate]) -> list[Event]:
    changed: list[Event] = []
    blocking = next((s for s in statuses if _kind(s) is codes.Class.BLOCKED), None)
    if blocking:
        why = f"{blocking.code}: {codes.CODES[blocking.code or 0].meaning}"
        if outbox.block(connection, number, why, by="status"):
            changed.append(events.NumberBlocked(why))
    throttled = [status.happened_at for status in statuses if _kind(status) is codes.Class.THROTTLE_NUMBER]
    if throttled:
        rate = outbox.slow_down(
            connection, number, THROTTLE_PAUSE, _age(max(throttled)), throttled=len(throttled), answers=len(statuses)
        )
        if rate is not None:
            changed.append(events.SlowedDown(rate))
    return changed


def _kind(status: StatusUpdate) -> codes.Class | None:
    known = codes.CODES.get(status.code) if status.status == "failed" and status.code is not None else None
    return known.kind if known else None


def _age(moment: datetime) -> timedelta:
    return max(timedelta(), now() - moment)
