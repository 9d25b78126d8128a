"""WhatsApp's later word: any order, number and repetition gives the same row."""

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


def learn(bench: Bench, *words: str) -> None:
    with bench.database.transaction() as connection:
        bench.outbox.record_statuses(connection, [event(word) for word in words])


def sent(bench: Bench) -> None:
    bench.queue("hi")
    bench.settle(bench.claim()[0], Accepted("wamid.1"))


def final(bench: Bench) -> dict[str, Any]:
    [row] = bench.rows()
    return {key: row[key] for key in ("status", "delivered_at", "read_at", "failure_reason")}


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "delivered", "read"])))
def test_statuses_only_rise_whatever_their_order(bench: Bench, order: tuple[str, ...]) -> None:
    sent(bench)

    for word in order:
        learn(bench, word)

    row = final(bench)
    assert (row["status"], row["delivered_at"].second, row["read_at"].second) == ("read", 2, 3)


def test_several_events_of_one_message_in_a_batch(bench: Bench) -> None:
    sent(bench)

    learn(bench, "read", "sent", "delivered", "sent")

    assert final(bench)["status"] == "read"


def test_read_alone_fills_delivered(bench: Bench) -> None:
    sent(bench)

    learn(bench, "read")

    assert final(bench)["delivered_at"] == final(bench)["read_at"]


def test_failed_gives_way_to_delivered_and_its_reason_stays(bench: Bench) -> None:
    sent(bench)
    learn(bench, "failed")
    assert final(bench)["status"] == "failed"

    learn(bench, "delivered")

    assert final(bench)["status"] == "delivered"
    assert final(bench)["failure_reason"] == "131026: undeliverable"


def test_played_counts_as_read_and_an_unknown_word_is_kept_without_effect(bench: Bench) -> None:
    sent(bench)

    learn(bench, "warning")
    assert final(bench)["status"] == "sent"
    learn(bench, "played")

    assert final(bench)["status"] == "read"
    assert len(bench.sql("SELECT * FROM wa.status_events")) == 2


def test_a_status_before_its_row_waits_and_is_applied_by_the_settle(bench: Bench) -> None:
    learn(bench, "delivered")
    assert bench.rows() == []

    sent(bench)

    assert final(bench)["status"] == "delivered"
    assert bench.sql("SELECT * FROM wa.status_events WHERE applied_at IS NULL") == []


def test_a_status_whose_row_came_by_another_way_is_merged_by_the_sweep(bench: Bench) -> None:
    learn(bench, "delivered")
    bench.sql(
        "INSERT INTO whatsapp_messages (message_id, from_phone, message_type, direction, status)"
        " VALUES ('wamid.1', 'business', 'text', 'outgoing', 'sent')"
    )

    assert bench.outbox.sweeps.merge_pending_statuses() == 1
    assert bench.outbox.sweeps.merge_pending_statuses() == 0

    assert final(bench)["status"] == "delivered"


def test_an_incoming_row_has_no_status_of_ours(bench: Bench) -> None:
    bench.sql("INSERT INTO whatsapp_messages (message_id, from_phone, message_type) VALUES ('wamid.1', '+123', 'text')")

    learn(bench, "read")

    assert final(bench)["status"] == "received"


words = st.sampled_from(["sent", "delivered", "read", "failed", "played"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(words, min_size=1, max_size=4), min_size=1, max_size=4))
def test_any_batching_and_repetition_ends_like_the_sorted_order(bench: Bench, batches: list[list[str]]) -> None:
    bench.sql("TRUNCATE wa.outbox, wa.status_events, wa.send_attempts, whatsapp_messages")
    sent(bench)
    for batch in batches:
        learn(bench, *batch)
    shuffled = final(bench)

    bench.sql("TRUNCATE wa.outbox, wa.status_events, wa.send_attempts, whatsapp_messages")
    sent(bench)
    learn(bench, *sorted({word for batch in batches for word in batch}))

    assert shuffled == final(bench)


def test_applying_locks_nothing_that_is_not_there(bench: Bench) -> None:
    with bench.database.transaction() as connection:
        assert messages.apply_statuses(connection, ["wamid.nowhere"]) == 0
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


def test_an_event_without_a_time_is_stored_once_however_often_it_comes(bench: Bench) -> None:
    sent(bench)

    def learn_untimed(seconds: int, *words: str) -> None:
        events = [
            replace(event(word), happened_at=NOON + timedelta(seconds=seconds + place), has_time=False)
            for place, word in enumerate(words)
        ]
        with bench.database.transaction() as connection:
            bench.outbox.record_statuses(connection, events)

    learn_untimed(0, "delivered", "delivered", "failed")
    learn_untimed(60, "delivered", "read")

    stored = bench.sql("SELECT status FROM wa.status_events WHERE wamid = 'wamid.1' ORDER BY status")
    assert [row["status"] for row in stored] == ["delivered", "failed", "read"]
    assert final(bench)["status"] == "read"
