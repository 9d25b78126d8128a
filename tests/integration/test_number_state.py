"""Refusals by status, after the API accepted the message, block or slow the number like a refusal by answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.integration.conftest import Bench
from wa_cli.clock import now
from wa_cli.messages.incoming import Notice, StatusUpdate
from wa_cli.messages.outcomes import Accepted
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Event
from wa_cli.workers import number_state

LOCKED, UNPAID, THROTTLED, UNDELIVERABLE = 131031, 131042, 130429, 131026


def failed(code: int, *, age: float = 0.0) -> StatusUpdate:
    return StatusUpdate("wamid.0", "failed", now() - timedelta(seconds=age), "42", code=code)


def went_out(reference: UUID) -> StatusUpdate:
    return StatusUpdate("wamid.1", "sent", now(), "42", reference=reference, attempt=1)


def apply_statuses(bench: Bench, *statuses: StatusUpdate) -> Sequence[Event]:
    with bench.database.transaction() as connection:
        return number_state.update_numbers(connection, statuses)


def number(bench: Bench) -> Any:
    [row] = bench.sql("SELECT * FROM wa.rate_limits")
    return row


@pytest.mark.parametrize("code", [LOCKED, UNPAID])
def test_a_blocking_status_blocks_the_number_and_is_reported_once(bench: Bench, code: int) -> None:
    assert apply_statuses(bench, failed(code)) == [events.NumberBlocked(number(bench)["blocked_why"])]
    assert apply_statuses(bench, failed(code)) == []

    bench.queue("a", "b")
    assert str(code) in number(bench)["blocked_why"]
    assert bench.claim() == []


@pytest.mark.parametrize("status", [failed(UNDELIVERABLE), failed(LOCKED, age=3600.0), failed(10**6)])
def test_a_status_about_one_customer_the_past_or_an_unknown_code_blocks_no_number(
    bench: Bench, status: StatusUpdate
) -> None:
    assert apply_statuses(bench, status) == []

    assert number(bench)["blocked_at"] is None


def test_only_a_later_sent_message_unblocks_the_number(bench: Bench) -> None:
    [before] = bench.queue("before", to="+1")
    bench.settle(bench.claim()[0], Accepted("wamid.0"))
    apply_statuses(bench, failed(UNPAID))
    [probe] = bench.queue("probe", to="+2")
    bench.sql("UPDATE wa.rate_limits SET paused_until = NULL, tokens = 1 RETURNING 1")
    bench.settle(bench.claim()[0], Accepted("wamid.1"))

    assert not bench.outbox.rate_limit.unblock()
    assert apply_statuses(bench, went_out(before)) == []
    assert apply_statuses(bench, went_out(probe)) == [events.NumberUnblocked()]
    assert number(bench)["blocked_by"] is None


def test_an_answer_unblocks_a_number_that_an_answer_blocked(bench: Bench) -> None:
    bench.outbox.rate_limit.block("190: token")

    assert bench.outbox.rate_limit.unblock()


def test_a_throttled_status_slows_the_number_down(bench: Bench) -> None:
    before = number(bench)["rate"]

    [slowed] = apply_statuses(bench, failed(THROTTLED), failed(THROTTLED))

    assert isinstance(slowed, events.SlowedDown)
    assert number(bench)["rate"] == pytest.approx(slowed.rate)
    assert slowed.rate < before


@pytest.mark.parametrize(
    "notice",
    [
        Notice("1", "1", "messages", "42", now(), {}, (LOCKED,)),
        Notice("1", "1", "messages", "42", now() - timedelta(hours=1), {}, (THROTTLED,)),
        Notice("1", "1", "messages", None, now(), {}, (THROTTLED,)),
        Notice("1", "1", "messages", "42", now(), {}, (10**6,)),
    ],
    ids=["blocking", "old", "of no number", "unknown code"],
)
def test_a_notice_that_is_not_a_recent_throttle_of_the_number_changes_nothing(bench: Bench, notice: Notice) -> None:
    before = number(bench)

    with bench.database.transaction() as connection:
        assert number_state.update_numbers(connection, [], [notice]) == []

    assert number(bench) == before
