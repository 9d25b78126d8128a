"""WhatsApp's statuses give the same row in any order, number and repetition."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.conftest import Bench
from wa_cli.messages.incoming import StatusUpdate
from wa_cli.messages.outcomes import Accepted
from wa_cli.store import messages

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
AT = {"sent": 1, "delivered": 2, "read": 3, "failed": 2, "played": 4}


def event(word: str, wamid: str = "wamid.1", number: str = "42") -> StatusUpdate:
    at = NOON + timedelta(seconds=AT.get(word, 0))
    reason = "131026: undeliverable" if word == "failed" else None
    return StatusUpdate(wamid, word, at, number, reason=reason, raw={"status": word})


def persist_statuses(bench: Bench, *words: str) -> None:
    with bench.database.transaction() as connection:
        bench.outbox.record_statuses(connection, [event(word) for word in words])


def sent(bench: Bench) -> None:
    bench.queue("hi")
    bench.settle(bench.claim()[0], Accepted("wamid.1"))


def final(bench: Bench) -> dict[str, Any]:
    [row] = bench.rows()
    return {key: row[key] for key in ("status", "delivered_at", "read_at", "failure_reason")}


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "delivered", "read"])))
def test_statuses_only_advance_in_any_order(bench: Bench, order: tuple[str, ...]) -> None:
    sent(bench)

    for word in order:
        persist_statuses(bench, word)

    row = final(bench)
    assert (row["status"], row["delivered_at"].second, row["read_at"].second) == ("read", 2, 3)


def test_several_statuses_of_one_message_in_a_batch_give_the_highest_one(bench: Bench) -> None:
    sent(bench)

    persist_statuses(bench, "read", "sent", "delivered", "sent")

    assert final(bench)["status"] == "read"


def test_read_without_delivered_also_sets_the_delivery_time(bench: Bench) -> None:
    sent(bench)

    persist_statuses(bench, "read")

    assert final(bench)["delivered_at"] == final(bench)["read_at"]


def test_delivered_replaces_failed_and_keeps_the_failure_reason(bench: Bench) -> None:
    sent(bench)
    persist_statuses(bench, "failed")
    assert final(bench)["status"] == "failed"

    persist_statuses(bench, "delivered")

    assert final(bench)["status"] == "delivered"
    assert final(bench)["failure_reason"] == "131026: undeliverable"


def test_played_counts_as_read_and_an_unknown_status_is_stored_without_effect(bench: Bench) -> None:
    sent(bench)

    persist_statuses(bench, "warning")
    assert final(bench)["status"] == "sent"
    persist_statuses(bench, "played")

    assert final(bench)["status"] == "read"
    assert len(bench.sql("SELECT * FROM wa.status_events")) == 2


def test_a_status_before_its_row_waits_and_is_applied_by_the_settle(bench: Bench) -> None:
    persist_statuses(bench, "delivered")
    assert bench.rows() == []

    sent(bench)

    assert final(bench)["status"] == "delivered"
    assert bench.sql("SELECT * FROM wa.status_events WHERE applied_at IS NULL") == []


def test_a_pending_status_of_a_row_from_another_source_is_merged_by_the_sweep(bench: Bench) -> None:
    persist_statuses(bench, "delivered")
    bench.sql(
        "INSERT INTO whatsapp_messages (message_id, from_phone, message_type, direction, status)"
        " VALUES ('wamid.1', 'business', 'text', 'outgoing', 'sent')"
    )

    assert bench.outbox.sweeps.merge_pending_statuses() == 1
    assert bench.outbox.sweeps.merge_pending_statuses() == 0

    assert final(bench)["status"] == "delivered"


def test_a_status_does_not_change_an_incoming_row(bench: Bench) -> None:
    bench.sql("INSERT INTO whatsapp_messages (message_id, from_phone, message_type) VALUES ('wamid.1', '+123', 'text')")

    persist_statuses(bench, "read")

    assert final(bench)["status"] == "received"


words = st.sampled_from(["sent", "delivered", "read", "failed", "played"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(words, min_size=1, max_size=4), min_size=1, max_size=4))
def test_any_batching_and_repetition_gives_the_same_row_as_the_sorted_order(
    bench: Bench, batches: list[list[str]]
) -> None:
    bench.sql("TRUNCATE wa.outbox, wa.status_events, wa.send_attempts, whatsapp_messages")
    sent(bench)
    for batch in batches:
        persist_statuses(bench, *batch)
    shuffled = final(bench)

    bench.sql("TRUNCATE wa.outbox, wa.status_events, wa.send_attempts, whatsapp_messages")
    sent(bench)
    persist_statuses(bench, *sorted({word for batch in batches for word in batch}))

    assert shuffled == final(bench)


def test_statuses_of_an_unknown_message_update_no_row(bench: Bench) -> None:
    with bench.database.transaction() as connection:
        assert messages.apply_statuses(connection, ["wamid.nowhere"]) == 0
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


def test_a_repeated_status_without_a_time_is_stored_once(bench: Bench) -> None:
    sent(bench)

    def persist_untimed_statuses(seconds: int, *words: str) -> None:
        events = [
            replace(event(word), happened_at=NOON + timedelta(seconds=seconds + place), has_time=False)
            for place, word in enumerate(words)
        ]
        with bench.database.transaction() as connection:
            bench.outbox.record_statuses(connection, events)

    persist_untimed_statuses(0, "delivered", "delivered", "failed")
    persist_untimed_statuses(60, "delivered", "read")

    stored = bench.sql("SELECT status FROM wa.status_events WHERE wamid = 'wamid.1' ORDER BY status")
    assert [row["status"] for row in stored] == ["delivered", "failed", "read"]
    assert final(bench)["status"] == "read"
