"""Uncertain messages: only evidence may decide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.integration.conftest import Bench
from tests.support import checks
from wa_cli.errors import BadInput
from wa_cli.messages.incoming import StatusUpdate
from wa_cli.messages.outcomes import Accepted, Rejected, Unknown
from wa_cli.messages.states import OutboxState
from wa_cli.outbox.operator_actions import Decided
from wa_cli.outbox.outbox import Outbox
from wa_cli.queues.base import QueueMessage
from wa_cli.queues.postgres import PostgresQueue

WAIT = timedelta(seconds=120)
SILENCE = timedelta(minutes=15)
LIMIT = timedelta(hours=24)
LONG = timedelta(seconds=180)


def status(wamid: str, word: str = "sent", *, reference: UUID | None = None, number: str = "42") -> StatusUpdate:
    return StatusUpdate(
        wamid,
        word,
        datetime.now(UTC),
        number,
        recipient="123",
        reference=reference,
        attempt=1 if reference else None,
        raw={},
    )


def persist_statuses(bench: Bench, *statuses: StatusUpdate) -> None:
    with bench.database.transaction() as connection:
        bench.outbox.record_statuses(connection, statuses)


def decide(bench: Bench) -> list[tuple[str, bool]]:
    found = bench.outbox.sweeps.decide_uncertain(wait=WAIT, silence=SILENCE, evidence_limit=LIMIT)
    return [(state, silent) for _, state, _, _, silent in found]


def make_uncertain(bench: Bench, word: str = "unsure", to: str = "+123") -> UUID:
    [reference] = bench.queue(word, to=to)
    [claim] = bench.claim()
    bench.settle(claim, Unknown("connection cut"))
    return reference


def accept_other(bench: Bench, wamid: str = "wamid.other", to: str = "+777") -> None:
    bench.queue("other", to=to)
    [claim] = bench.claim()
    bench.settle(claim, Accepted(wamid))


def age_attempts(bench: Bench, span: timedelta = LONG) -> None:
    for column in ("last_attempt_at", "uncertain_since", "accepted_at"):
        bench.age(column, span)


def test_a_lost_lease_makes_a_message_uncertain(bench: Bench) -> None:
    [reference] = bench.queue("hi")
    [claim] = bench.claim()

    assert bench.outbox.sweeps.lose_leases() == 0
    bench.age("lease_until", timedelta(minutes=5))
    assert bench.outbox.sweeps.lose_leases() == 1

    assert bench.state(reference) == "uncertain"
    bench.settle(claim, Accepted("wamid.late"))
    assert bench.state(reference) == "sent"


def test_a_late_rejection_by_the_lease_holder_is_settled(bench: Bench) -> None:
    [reference] = bench.queue("hi")
    [claim] = bench.claim()
    bench.age("lease_until", timedelta(minutes=5))
    bench.outbox.sweeps.lose_leases()

    bench.settle(claim, Rejected(131026, "no"))

    assert bench.state(reference) == "failed"


@pytest.mark.parametrize("word", ["sent", "delivered", "read", "failed"])
def test_any_status_with_our_reference_proves_that_it_was_sent(bench: Bench, word: str) -> None:
    reference = make_uncertain(bench)

    persist_statuses(bench, status("wamid.1", word, reference=reference))

    assert bench.state(reference) == "sent"
    [row] = bench.rows()
    assert (row["message_id"], row["status"], row["direction"]) == ("wamid.1", word, "outgoing")


def test_a_status_that_arrives_before_the_answer_is_not_a_duplicate(bench: Bench) -> None:
    [reference] = bench.queue("hi")
    [claim] = bench.claim()

    persist_statuses(bench, status("wamid.1", "delivered", reference=reference))
    settled = bench.settle(claim, Accepted("wamid.1"))

    assert settled.duplicates == ()
    [row] = bench.rows()
    assert row["status"] == "delivered"


def test_a_reference_in_a_status_of_another_business_number_is_ignored(bench: Bench) -> None:
    reference = make_uncertain(bench)

    persist_statuses(bench, status("wamid.forged", reference=reference, number="666"))

    assert bench.state(reference) == "uncertain"
    assert bench.rows() == []


def test_a_missing_status_is_not_evidence_until_a_recent_message_has_its_status(bench: Bench) -> None:
    make_uncertain(bench)
    persist_statuses(bench, status("wamid.of.yesterday"))
    accept_other(bench)
    age_attempts(bench)

    assert decide(bench) == []


def test_a_missing_status_is_not_evidence_while_old_webhooks_wait_on_the_queue(bench: Bench) -> None:
    """The status may be in one of them, since a queue keeps no order among webhooks."""
    make_uncertain(bench)
    accept_other(bench)
    age_attempts(bench)
    persist_statuses(bench, status("wamid.other"))
    incoming = PostgresQueue("incoming", bench.database)
    incoming.put([QueueMessage("a webhook")])

    with bench.database.transaction() as connection:
        connection.execute(text("UPDATE wa.queue_messages SET created_at = created_at - interval '3 minutes'"))
    assert decide(bench) == []

    incoming.ack(incoming.receive(1, timedelta(minutes=1), timedelta(0)))
    assert decide(bench) == [("queued", False)]


def test_a_missing_status_is_evidence_when_other_messages_have_their_statuses(bench: Bench) -> None:
    reference = make_uncertain(bench)
    accept_other(bench)
    age_attempts(bench)

    persist_statuses(bench, status("wamid.other"))

    assert decide(bench) == [("queued", False)]
    [row] = bench.sql("SELECT state, possible_double, uncertain_count FROM wa.outbox WHERE reference = :r", r=reference)
    assert row == {"state": "queued", "possible_double": False, "uncertain_count": 1}
    assert bench.claim_words() == ["unsure"]


def test_a_missing_status_is_not_evidence_while_another_message_lacks_its_status(bench: Bench) -> None:
    make_uncertain(bench)
    accept_other(bench)
    accept_other(bench, "wamid.still.without", to="+778")
    age_attempts(bench)

    persist_statuses(bench, status("wamid.other"))

    assert decide(bench) == []


def test_the_status_of_a_message_that_was_accepted_long_before_is_no_evidence(bench: Bench) -> None:
    accept_other(bench)
    age_attempts(bench)
    make_uncertain(bench)
    persist_statuses(bench, status("wamid.other"))
    age_attempts(bench)

    assert decide(bench) == []


def test_a_status_that_came_before_the_attempt_is_no_evidence(bench: Bench) -> None:
    accept_other(bench)
    persist_statuses(bench, status("wamid.other"))
    make_uncertain(bench)
    age_attempts(bench)
    bench.age("status_at", LONG)

    assert decide(bench) == []


def test_a_message_of_long_ago_without_its_status_does_not_prevent_a_decision(bench: Bench) -> None:
    accept_other(bench, "wamid.lost", to="+778")
    age_attempts(bench)
    make_uncertain(bench)
    accept_other(bench)
    age_attempts(bench)

    persist_statuses(bench, status("wamid.other"))

    assert decide(bench) == [("queued", False)]


def test_a_paced_template_without_its_status_does_not_prevent_a_decision(bench: Bench) -> None:
    make_uncertain(bench)
    accept_other(bench)
    bench.queue("paced", to="+778")
    [claim] = bench.claim()
    bench.settle(claim, Accepted("wamid.paced", paced=True))
    age_attempts(bench)

    persist_statuses(bench, status("wamid.other"))

    assert decide(bench) == [("queued", False)]


def test_nothing_is_decided_before_the_wait_for_a_status_has_passed(bench: Bench) -> None:
    make_uncertain(bench)
    accept_other(bench)
    persist_statuses(bench, status("wamid.other"))

    assert decide(bench) == []


def test_each_attempt_needs_its_own_evidence_and_the_tenth_is_held(bench: Bench) -> None:
    reference = make_uncertain(bench)
    for attempt in range(1, 10):
        assert decide(bench) == []  # evidence of an earlier attempt does not apply to this one
        wamid = f"wamid.other{attempt}"
        accept_other(bench, wamid)
        age_attempts(bench)
        persist_statuses(bench, status(wamid))
        assert decide(bench) == [("queued", False)]
        [claim] = bench.claim()
        bench.settle(claim, Unknown("cut again"))
    accept_other(bench, "wamid.last")
    age_attempts(bench)
    persist_statuses(bench, status("wamid.last"))

    assert decide(bench) == [("held", False)]
    [row] = bench.sql("SELECT state, failure_reason FROM wa.outbox WHERE reference = :r", r=reference)
    assert row == {"state": "held", "failure_reason": "it was uncertain 10 times, and never arrived"}


def test_a_second_uncertain_attempt_without_evidence_is_held(bench: Bench) -> None:
    reference = make_uncertain(bench)
    age_attempts(bench, timedelta(minutes=16))
    assert decide(bench) == [("queued", True)]
    [claim] = bench.claim()
    bench.settle(claim, Unknown("cut again"))
    age_attempts(bench, timedelta(minutes=16))

    assert decide(bench) == [("held", False)] or bench.state(reference) == "held"


def test_without_any_statuses_a_message_is_sent_again_as_a_possible_duplicate(bench: Bench) -> None:
    reference = make_uncertain(bench)
    assert decide(bench) == []

    age_attempts(bench, timedelta(minutes=16))

    assert decide(bench) == [("queued", True)]
    [row] = bench.sql("SELECT state, possible_double FROM wa.outbox WHERE reference = :r", r=reference)
    assert row == {"state": "queued", "possible_double": True}


def test_an_uncertain_message_is_held_after_a_day_without_evidence(bench: Bench) -> None:
    reference = make_uncertain(bench)
    accept_other(bench)
    persist_statuses(bench, status("wamid.of.another"))
    age_attempts(bench, timedelta(hours=25))
    bench.sql("UPDATE wa.status_events SET received_at = clock_timestamp()")

    assert decide(bench) == [("held", False)]
    assert bench.state(reference) == "held"


def test_an_uncertain_message_is_held_at_once_with_on_uncertain_hold(bench: Bench) -> None:
    bench.outbox = Outbox(bench.database, "42", on_uncertain="hold")
    reference = make_uncertain(bench)

    assert decide(bench) == [("held", False)]
    assert bench.state(reference) == "held"


def make_held(bench: Bench) -> UUID:
    bench.outbox = Outbox(bench.database, "42", on_uncertain="hold")
    reference = make_uncertain(bench)
    decide(bench)
    assert [row.reference for row in bench.outbox.operator.held(10)] == [reference]
    return reference


def test_a_released_message_is_sent_again_as_a_possible_duplicate(bench: Bench) -> None:
    reference = make_held(bench)
    bench.queue("next")

    assert bench.outbox.operator.release_held([reference, UUID(int=0)]) == Decided(1, {UUID(int=0): None})
    assert bench.outbox.operator.release_held([reference]).changed == 0

    # The message queued in the meantime is head of line, and the released one is next.
    [claim] = bench.claim()
    assert claim.content["text"]["body"] == "next"
    bench.settle(claim, Accepted("wamid.next"))
    assert bench.claim_words() == ["unsure"]
    [row] = bench.sql("SELECT possible_double FROM wa.outbox WHERE reference = :r", r=reference)
    assert row["possible_double"]


def test_a_message_is_not_confirmed_with_the_id_of_another_one(bench: Bench) -> None:
    reference = make_held(bench)
    accept_other(bench, "wamid.used")

    with pytest.raises(BadInput, match=r"wamid.used is the id of the message"):
        bench.outbox.operator.confirm([reference], "wamid.used")
    with pytest.raises(BadInput, match="has 300 characters"):
        bench.outbox.operator.confirm([reference], "w" * 300)

    assert bench.state(reference) == "held"
    assert bench.outbox.operator.confirm([reference], "wamid.free") == Decided(1, {})
    assert {row["message_id"] for row in bench.rows()} == {"wamid.used", "wamid.free"}


def test_a_confirmed_held_message_is_stored_as_sent(bench: Bench) -> None:
    reference = make_held(bench)

    assert bench.outbox.operator.confirm([reference]) == Decided(1, {})

    [row] = bench.rows()
    assert (row["message_id"], row["status"]) == (f"ref:{reference}", "sent")
    persist_statuses(bench, status("wamid.1", "delivered", reference=reference))
    [row] = bench.rows()
    assert (row["message_id"], row["status"]) == ("wamid.1", "delivered")


def test_held_and_queued_messages_can_be_cancelled_and_a_message_being_sent_cannot(bench: Bench) -> None:
    held = make_held(bench)
    [sending] = bench.queue("sending", to="+777")
    bench.claim()
    [queued, behind] = bench.queue("queued", "behind", to="+778")

    assert bench.outbox.operator.cancel([held, sending, queued]) == Decided(2, {sending: OutboxState.SENDING})

    assert [bench.state(r) for r in (held, sending, queued)] == ["cancelled", "sending", "cancelled"]
    assert bench.claim_words() == ["behind"]
    assert bench.state(behind) == "sending"
    persist_statuses(bench, status("wamid.1", reference=held))
    assert bench.state(held) == "sent"


def test_a_paused_number_sends_nothing_until_it_is_resumed(bench: Bench) -> None:
    bench.queue("hi")
    assert bench.outbox.rate_limit.pause("lunch")
    assert bench.claim() == []
    assert bench.outbox.work_left().paused == 1

    assert bench.outbox.rate_limit.resume()

    assert bench.claim_words() == ["hi"]


def test_uncertain_messages_and_duplicates_are_counted(bench: Bench) -> None:
    reference = make_uncertain(bench)
    persist_statuses(bench, status("wamid.1", reference=reference), status("wamid.2", reference=reference))
    make_uncertain(bench, to="+555")

    finding = checks.finding(bench.database, "uncertain")

    assert finding.facts == {"uncertain": 1, "held": 0, "resent": 0, "possible_duplicates": 0, "duplicates": 1}
    assert finding.level == "warning"
    assert "1 message sent twice since" in finding.message


def test_a_late_status_changes_a_held_message_to_sent(bench: Bench) -> None:
    bench.outbox = Outbox(bench.database, "42", on_uncertain="hold")
    reference = make_uncertain(bench)
    decide(bench)

    persist_statuses(bench, status("wamid.1", reference=reference))

    assert bench.state(reference) == "sent"


def test_an_uncertain_message_blocks_its_customer_only_during_the_wait_for_a_status(bench: Bench) -> None:
    make_uncertain(bench)
    bench.queue("next")
    assert bench.outbox.sweeps.pass_heads_on(WAIT) == 0
    assert bench.claim() == []

    age_attempts(bench)
    bench.outbox.sweeps.pass_heads_on(WAIT)

    assert bench.claim_words() == ["next"]


def test_a_status_with_another_wamid_proves_a_duplicate(bench: Bench) -> None:
    [reference] = bench.queue("hi")
    [claim] = bench.claim()
    bench.settle(claim, Accepted("wamid.1"))

    persist_statuses(bench, status("wamid.2", reference=reference))

    assert {row["message_id"] for row in bench.rows()} == {"wamid.1", "wamid.2"}
    [row] = bench.sql("SELECT possible_double, wamid FROM wa.outbox")
    assert row == {"possible_double": True, "wamid": "wamid.1"}
