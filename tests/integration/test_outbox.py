"""The state machine of the outbox: claims, outcomes, the rate limit and the sweeps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.integration.conftest import LEASE, Bench
from wa_cli.errors import RowRefused
from wa_cli.messages.content.template import template
from wa_cli.messages.content.text import text
from wa_cli.messages.incoming import StatusUpdate
from wa_cli.messages.outcomes import Accepted, Blocked, NotTransmitted, Rejected, Retryable, Unknown
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.outbox.settlement import MOST_RETRIES, Settlement
from wa_cli.workers.settling import settle_isolated

HOUR = timedelta(hours=1)

NOW = timedelta(0)


def test_recording_a_message_twice_inserts_it_once(bench: Bench) -> None:
    message = OutgoingMessage(text("hi"), phone="+123")

    assert bench.record([message, message]) == 1
    assert bench.record([message]) == 0

    assert bench.states() == {"queued": 1}


def test_messages_of_one_customer_are_claimed_one_after_the_other(bench: Bench) -> None:
    bench.queue("first", "second", "third")
    bench.queue("other", to="+999")

    claimed = bench.claim()
    assert [c.content["text"]["body"] for c in claimed] == ["first", "other"]
    assert bench.claim() == []

    bench.settle(claimed[0], Accepted("wamid.1"))
    assert bench.claim_words() == ["second"]


def test_a_later_batch_waits_for_an_earlier_one_of_its_customer(bench: Bench) -> None:
    bench.queue("first")
    [first] = bench.claim()
    bench.queue("second")

    assert bench.claim() == []
    bench.settle(first, Rejected(131026, "no"))
    assert bench.claim_words() == ["second"]


def test_a_message_waiting_for_its_retry_delays_later_ones_of_its_customer(bench: Bench) -> None:
    bench.queue("first", "second")
    [first] = bench.claim()

    bench.settle(first, Retryable(131000, "try later"), pause=60)

    assert bench.claim() == []
    bench.age("due_at", HOUR)
    assert bench.claim_words() == ["first"]


def test_a_scheduled_message_delays_no_other_message_and_is_claimed_when_it_is_due(bench: Bench) -> None:
    bench.queue("tomorrow", due_at=datetime.now(UTC) + HOUR)
    bench.queue("now")

    assert bench.claim_words() == ["now"]
    bench.age("due_at", 2 * HOUR, "scheduled")
    assert bench.claim_words() == ["tomorrow"]


def test_an_accepted_message_is_stored_as_a_row(bench: Bench) -> None:
    employee = uuid4()
    [reference] = bench.queue("hello", employee_id=employee, business_phone="+1555", campaign="spring")
    [claim] = bench.claim()

    settled = bench.settle(claim, Accepted("wamid.1"))

    assert settled.stored == (("text", "wamid.1"),)
    [row] = bench.rows()
    expected = {
        "message_id": "wamid.1",
        "direction": "outgoing",
        "status": "sent",
        "from_phone": "+1555",
        "to_phone": "+123",
        "message_type": "text",
        "content": "hello",
        "reference": reference,
        "employee_id": employee,
        "campaign": "spring",
        "retry_count": 0,
    }
    assert {key: row[key] for key in expected} == expected
    assert bench.state(reference) == "sent"
    [attempt] = bench.sql("SELECT * FROM wa.send_attempts")
    assert (attempt["attempt"], attempt["verdict"], attempt["wamid"]) == (1, "accepted", "wamid.1")


def test_a_template_keeps_its_name_and_parameters(bench: Bench) -> None:
    bench.record([OutgoingMessage(template("shipped", "en_US", ["Ana", "42"]), phone="+123")])
    [claim] = bench.claim()

    bench.settle(claim, Accepted("wamid.1"))

    [row] = bench.rows()
    assert (row["template_name"], row["template_params"], row["content"]) == ("shipped", ["Ana", "42"], "Ana, 42")


def test_settling_twice_changes_nothing(bench: Bench) -> None:
    bench.queue("hi")
    [claim] = bench.claim()

    bench.settle(claim, Accepted("wamid.1"))
    again = bench.settle(claim, Accepted("wamid.1"))

    assert again.stored == ()
    assert len(bench.rows()) == 1


def test_a_rejected_message_is_a_failed_row_with_its_reason(bench: Bench) -> None:
    [reference] = bench.queue("hi")
    [claim] = bench.claim()

    bench.settle(claim, Rejected(131026, "Message undeliverable (#131026)"))

    [row] = bench.rows()
    assert (row["message_id"], row["status"]) == (f"ref:{reference}", "failed")
    assert row["failure_reason"] == "Message undeliverable (#131026)"
    assert bench.state(reference) == "failed"


def test_proof_of_sending_replaces_a_failed_row(bench: Bench) -> None:
    [reference] = bench.queue("hi")
    [claim] = bench.claim()
    bench.settle(claim, Rejected(131026, "no"))

    bench.settle(claim, Accepted("wamid.1"))

    [row] = bench.rows()
    assert (row["message_id"], row["status"], row["failure_reason"]) == ("wamid.1", "sent", None)
    assert bench.state(reference) == "sent"


def test_retries_are_limited_and_throttled_attempts_do_not_count(bench: Bench) -> None:
    [reference] = bench.queue("hi")
    for _ in range(20):
        [claim] = bench.claim()
        bench.settle(claim, Retryable(131056, "pair rate", scope="pair", counts=False))
    for _ in range(MOST_RETRIES):
        [claim] = bench.claim()
        bench.settle(claim, Retryable(131000, "unknown error"))
    assert bench.state(reference) == "queued"

    [claim] = bench.claim()
    bench.settle(claim, Retryable(131000, "unknown error"))

    [row] = bench.rows()
    assert (bench.state(reference), row["retry_count"]) == ("failed", MOST_RETRIES)
    assert row["last_retry_at"] is not None


@pytest.mark.parametrize("outcome", [NotTransmitted("no route"), Blocked(190, "token")])
def test_not_transmitted_and_blocked_outcomes_do_not_count_as_retries(
    bench: Bench, outcome: NotTransmitted | Blocked
) -> None:
    [reference] = bench.queue("hi")
    [claim] = bench.claim()

    bench.settle(claim, outcome)

    [row] = bench.sql("SELECT state, retry_count, attempt FROM wa.outbox")
    assert row == {"state": "queued", "retry_count": 0, "attempt": 1}
    assert bench.state(reference) == "queued"


def test_an_uncertain_message_is_not_claimed_again(bench: Bench) -> None:
    [reference] = bench.queue("hi")
    [claim] = bench.claim()

    bench.settle(claim, Unknown("connection cut"))

    assert bench.state(reference) == "uncertain"
    assert bench.claim() == []


def test_a_rejection_after_an_uncertain_attempt_says_that_it_may_have_been_delivered(bench: Bench) -> None:
    [reference] = bench.queue("hi")
    [claim] = bench.claim()
    bench.settle(claim, Unknown("connection cut"))
    bench.sql("UPDATE wa.outbox SET state = 'queued'")
    [second] = bench.claim()

    bench.settle(second, Rejected(131026, "no"))

    [row] = bench.rows()
    assert row["failure_reason"] == "failed, may have been delivered: no"
    assert bench.state(reference) == "failed"


def test_an_outcome_of_a_lost_claim_is_ignored_unless_it_is_accepted(bench: Bench) -> None:
    [reference] = bench.queue("hi")
    [zombie] = bench.claim()
    bench.sql("UPDATE wa.outbox SET state = 'queued'")
    [holder] = bench.claim()

    bench.settle(zombie, Rejected(131026, "no"))
    assert bench.state(reference) == "sending"

    bench.settle(zombie, Accepted("wamid.zombie"))
    assert bench.state(reference) == "sent"
    double = bench.settle(holder, Accepted("wamid.holder"))

    assert double.duplicates == (reference,)
    assert {row["message_id"] for row in bench.rows()} == {"wamid.zombie", "wamid.holder"}
    assert {row["reference"] for row in bench.rows()} == {reference}
    [row] = bench.sql("SELECT wamid, possible_double FROM wa.outbox")
    assert row == {"wamid": "wamid.zombie", "possible_double": True}


def test_an_alias_from_whatsapp_is_stored_as_a_contact(bench: Bench) -> None:
    bench.queue("oi", to="+15551234567")
    [claim] = bench.claim()

    bench.settle(claim, Accepted("wamid.1", alias="15557654321"))

    contacts = bench.sql("SELECT customer, same_as FROM wa.contacts ORDER BY customer")
    assert [(c["customer"], c["same_as"]) for c in contacts] == [("15551234567", "15557654321"), ("15557654321", None)]


def test_a_released_message_keeps_its_place(bench: Bench) -> None:
    bench.queue("first", "second")
    [claim] = bench.claim()

    bench.outbox.release([claim])

    assert bench.claim_words() == ["first"]


def test_an_overdue_message_expires_and_the_next_one_can_be_claimed(bench: Bench) -> None:
    [late] = bench.queue("late", expires_at=datetime.now(UTC) + HOUR)
    bench.queue("next")
    bench.age("expires_at", 2 * HOUR)

    assert bench.claim() == []
    assert bench.outbox.sweeps.expire().count == 1

    assert bench.state(late) == "expired"
    assert [row["status"] for row in bench.rows()] == ["failed"]
    assert bench.claim_words() == ["next"]


def test_a_row_that_the_database_refuses_does_not_affect_its_batch(bench: Bench) -> None:
    bench.sql("ALTER TABLE whatsapp_messages ADD CONSTRAINT no_poison CHECK (content <> 'poison')")
    for place, word in enumerate(("good", "poison", "fine")):
        bench.queue(word, to=f"+10{place}")
    settlements = [
        Settlement(c.reference, c.attempt, c.token, Accepted(f"wamid.{c.content['text']['body']}"))
        for c in bench.claim()
    ]
    with pytest.raises(RowRefused):
        bench.outbox.settle(settlements)
    assert bench.rows() == []

    batch = settle_isolated(bench.outbox, settlements, lambda _: None)

    assert {row["message_id"] for row in bench.rows()} == {"wamid.good", "wamid.fine"}
    assert [s.outcome for s in batch.unstored] == [Accepted("wamid.poison")]
    assert bench.states() == {"sent": 3}
    bench.sql("ALTER TABLE whatsapp_messages DROP CONSTRAINT no_poison")
    settle_isolated(bench.outbox, batch.unstored, lambda _: None)
    assert len(bench.rows()) == 3


def test_no_more_messages_are_claimed_than_the_rate_allows(bench: Bench) -> None:
    bench.outbox.rate_limit.open_number(8)
    for place in range(20):
        bench.queue("hi", to=f"+10{place}")
    bench.sql("UPDATE wa.rate_limits SET tokens = 0, rate = 8, refilled_at = clock_timestamp() - interval '10 s'")

    assert len(bench.outbox.claim(100, LEASE)) == 2
    assert bench.outbox.claim(100, LEASE) == []


def test_unused_tokens_stay_in_the_bucket(bench: Bench) -> None:
    bench.queue("hi")
    bench.sql("UPDATE wa.rate_limits SET tokens = 100, rate = 400, ceiling = 400, refilled_at = clock_timestamp()")

    assert len(bench.outbox.claim(100, LEASE)) == 1

    [row] = bench.sql("SELECT tokens FROM wa.rate_limits")
    assert row["tokens"] >= 99


def test_several_throttled_answers_at_once_slow_the_number_down_once(bench: Bench) -> None:
    bench.outbox.rate_limit.open_number(100)
    bench.sql("UPDATE wa.rate_limits SET rate = 100")

    assert bench.outbox.rate_limit.slow_down(timedelta(seconds=1), NOW) == pytest.approx(70)
    assert bench.outbox.rate_limit.slow_down(timedelta(seconds=1), NOW) is None

    bench.queue("hi")
    assert bench.claim() == []


def test_throttled_answers_to_claims_before_the_last_slowdown_are_ignored(bench: Bench) -> None:
    assert bench.outbox.rate_limit.slow_down(timedelta(0), NOW) is not None

    assert bench.outbox.rate_limit.slow_down(timedelta(0), timedelta(seconds=5), throttled=50, answers=50) is None
    assert bench.outbox.rate_limit.slow_down(timedelta(0), NOW, throttled=50, answers=50) is not None


def rate_under(bench: Bench, share: Callable[[float], float], seconds: int) -> float:
    """Return the rate after so many seconds with an API that throttles `share(rate)` of the answers."""
    bench.outbox.rate_limit.open_number(80)
    bench.sql("UPDATE wa.rate_limits SET rate = 80")
    left, rate = 0.0, 80.0
    for _ in range(seconds):
        left += rate * share(rate)
        throttled, left = int(left), left - int(left)
        if throttled:
            bench.outbox.rate_limit.slow_down(timedelta(seconds=1), NOW, throttled=throttled, answers=round(rate))
        bench.sql("UPDATE wa.rate_limits SET paused_until = paused_until - interval '1 second'")
        rate = rate_after(bench, timedelta(seconds=1))
    return rate


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.2])
def test_a_constant_share_of_throttled_answers_does_not_hold_the_rate_down(bench: Bench, share: float) -> None:
    assert rate_under(bench, lambda _: share, 120) > 70


@pytest.mark.parametrize("limit", [10, 20, 40, 60])
def test_a_rate_above_the_limit_comes_down_to_it(bench: Bench, limit: int) -> None:
    rate = rate_under(bench, lambda rate: max(0.0, 1 - limit / rate), 120)

    assert 0.6 * limit <= rate <= 1.15 * limit


def test_a_number_that_was_idle_for_a_month_can_send_again(bench: Bench) -> None:
    bench.queue("hi")
    bench.sql("UPDATE wa.rate_limits SET refilled_at = clock_timestamp() - interval '30 days'")

    assert len(bench.outbox.claim(1, LEASE)) == 1


def rate_after(bench: Bench, span: timedelta) -> float:
    """Return the rate when this time has passed since the last claim and the last throttled answer."""
    bench.sql(
        "UPDATE wa.rate_limits SET paused_until = NULL, slowed_at = slowed_at - CAST(:span AS interval),"
        " refilled_at = clock_timestamp() - CAST(:span AS interval)",
        span=span,
    )
    bench.outbox.claim(1, LEASE)
    [row] = bench.sql("SELECT rate FROM wa.rate_limits")
    return float(row["rate"])


def test_the_rate_never_falls_below_its_minimum(bench: Bench) -> None:
    bench.outbox.rate_limit.open_number(100)
    bench.sql("UPDATE wa.rate_limits SET rate = 6")

    assert bench.outbox.rate_limit.slow_down(timedelta(0), NOW) == 5


def test_a_throttled_rate_recovers_fast_at_first_and_then_more_slowly(bench: Bench) -> None:
    bench.outbox.rate_limit.open_number(100)
    bench.sql("UPDATE wa.rate_limits SET rate = 20")
    assert bench.outbox.rate_limit.slow_down(timedelta(0), NOW) == 14

    assert rate_after(bench, timedelta(seconds=1)) == pytest.approx(17.5, rel=0.01)
    assert rate_after(bench, timedelta(seconds=1)) == pytest.approx(19, rel=0.01)
    assert rate_after(bench, timedelta(seconds=10)) == pytest.approx(19.4, rel=0.01)
    assert rate_after(bench, timedelta(seconds=60)) == pytest.approx(21.9, rel=0.01)
    assert rate_after(bench, timedelta(seconds=10)) == pytest.approx(24.2, rel=0.01)
    assert rate_after(bench, timedelta(hours=1)) == 100


def test_a_blocked_number_sends_one_probe_a_minute(bench: Bench) -> None:
    for place in range(5):
        bench.queue("hi", to=f"+10{place}")
    assert bench.outbox.rate_limit.block("the token is expired")
    assert not bench.outbox.rate_limit.block("the token is expired")
    assert bench.claim() == []

    bench.sql("UPDATE wa.rate_limits SET paused_until = clock_timestamp()")
    [probe] = bench.claim()
    assert probe.is_probe
    assert bench.claim() == []

    assert bench.outbox.rate_limit.unblock()
    assert not bench.outbox.rate_limit.unblock()
    assert len(bench.claim()) == 4


def test_concurrent_workers_never_claim_the_same_message_or_exceed_the_rate(bench: Bench) -> None:
    bench.record([OutgoingMessage(text("hi"), phone=f"+1000{place}") for place in range(400)])
    # The bucket holds a quarter of a second's worth at most: 150 of 600 a second.
    bench.sql("UPDATE wa.rate_limits SET tokens = 150, rate = 600, ceiling = 600, refilled_at = clock_timestamp()")
    found: list[object] = []
    ready = threading.Barrier(6)

    def work() -> None:
        ready.wait()
        for _ in range(5):
            found.extend(claim.reference for claim in bench.outbox.claim(40, LEASE))

    began = datetime.now(UTC)
    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = (datetime.now(UTC) - began).total_seconds()

    assert len(found) == len(set(found))
    assert len(found) <= 150 + 600 * seconds + 1
    [row] = bench.sql("SELECT tokens FROM wa.rate_limits")
    assert row["tokens"] >= -1


def test_a_customer_without_a_head_of_line_is_repaired(bench: Bench) -> None:
    bench.queue("first", "second")
    bench.sql("UPDATE wa.outbox SET turn = FALSE")
    assert bench.claim() == []

    assert bench.outbox.sweeps.repair_heads() == ("", 1)

    assert bench.claim_words() == ["first"]
    assert bench.outbox.sweeps.repair_heads() == ("", 0)


def test_heads_of_line_are_repaired_in_steps(bench: Bench) -> None:
    for place in range(5):
        bench.queue("a", "b", to=f"+10{place}")
    bench.sql("UPDATE wa.outbox SET turn = FALSE")

    after, mended = bench.outbox.sweeps.repair_heads(limit=2)
    assert (after, mended) == ("101", 2)
    after, mended = bench.outbox.sweeps.repair_heads(after, limit=2)
    assert (after, mended) == ("103", 2)
    assert bench.outbox.sweeps.repair_heads(after, limit=2) == ("", 1)


def test_outbox_messages_that_ended_long_ago_are_pruned_and_their_rows_are_kept(bench: Bench) -> None:
    bench.queue("old")
    bench.settle(bench.claim()[0], Accepted("wamid.1"))
    bench.queue("new")

    bench.age("final_at", timedelta(days=31))

    assert bench.outbox.sweeps.prune(timedelta(days=30)) == 1
    assert bench.states() == {"queued": 1}
    assert len(bench.rows()) == 1
    assert bench.sql("SELECT * FROM wa.send_attempts") == []


def test_work_left_is_counted_by_kind(bench: Bench) -> None:
    bench.queue("due", "behind")
    bench.queue("later", to="+2", due_at=datetime.now(UTC) + HOUR)

    left = bench.outbox.work_left()

    assert (left.due, left.waiting, left.scheduled, left.sending, left.paused) == (1, 1, 1, 0, 0)
    bench.outbox.rate_limit.block("token")
    bench.sql("UPDATE wa.rate_limits SET paused_until = clock_timestamp() + interval '5 min'")
    assert bench.outbox.work_left().paused == 3


def test_depth_counts_waiting_in_flight_and_delayed_messages(bench: Bench) -> None:
    bench.queue("a", "b")
    bench.claim()
    bench.queue("c", to="+9", due_at=datetime.now(UTC) + HOUR)

    depth = bench.outbox.depth()

    assert (depth.waiting, depth.in_flight, depth.delayed) == (1, 1, 1)


def test_a_blocked_number_is_paused_only_until_its_next_probe(bench: Bench) -> None:
    """A draining worker must not exit before the probe that unblocks the number."""
    bench.queue("hi")
    bench.outbox.rate_limit.block("190: the token is expired")
    assert (bench.outbox.work_left().due, bench.outbox.work_left().paused) == (0, 1)

    bench.sql("UPDATE wa.rate_limits SET paused_until = clock_timestamp()")

    assert (bench.outbox.work_left().due, bench.outbox.work_left().paused) == (1, 0)


def test_a_refused_row_of_an_expired_message_keeps_no_other_row_from_being_stored(bench: Bench) -> None:
    late = datetime.now(UTC) + timedelta(minutes=1)
    references = bench.queue("one", expires_at=late) + bench.queue("poison", to="+124", expires_at=late)
    references += bench.queue("three", to="+125", expires_at=late)
    bench.age("expires_at", timedelta(minutes=5))
    bench.sql("ALTER TABLE whatsapp_messages ADD CONSTRAINT refusal CHECK (content <> 'poison')")

    expired = bench.outbox.sweeps.expire()

    assert (expired.count, len(expired.refused)) == (3, 1)
    assert [bench.state(reference) for reference in references] == ["expired"] * 3
    assert sorted(row["content"] for row in bench.rows()) == ["one", "three"]
    bench.sql("ALTER TABLE whatsapp_messages DROP CONSTRAINT refusal")
    settle_isolated(bench.outbox, expired.unstored, lambda _: None)
    assert sorted(row["content"] for row in bench.rows()) == ["one", "poison", "three"]


def test_a_message_is_reported_as_stored_once_however_many_statuses_prove_it(bench: Bench) -> None:
    [reference] = bench.queue("hi")
    [claim] = bench.claim()
    bench.settle(claim, Unknown("cut"))
    statuses = [
        StatusUpdate("wamid.1", status, datetime.now(UTC), "42", reference=reference, attempt=claim.attempt, raw={})
        for status in ("sent", "delivered", "read")
    ]

    with bench.database.transaction() as connection:
        settled, _ = bench.outbox.record_statuses(connection, statuses)

    assert settled.stored == (("text", "wamid.1"),)


def test_an_expired_message_that_the_outbox_refuses_to_end_stops_no_other(bench: Bench) -> None:
    late = datetime.now(UTC) + timedelta(minutes=1)
    [bad] = bench.queue("bad", expires_at=late)
    [good] = bench.queue("good", to="+124", expires_at=late)
    bench.age("expires_at", timedelta(minutes=5))
    bench.sql(f"ALTER TABLE wa.outbox ADD CONSTRAINT refusal CHECK (reference <> '{bad}' OR state = 'queued')")

    expired = bench.outbox.sweeps.expire()

    assert (bench.state(bad), bench.state(good)) == ("queued", "expired")
    assert expired.count == 1
    [reason] = expired.refused
    assert "the outbox refuses it too" in reason
