"""The 24-hour window: judged when a message is queued, and again when it is claimed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.integration.conftest import Bench
from tests.support.event_loop import in_event_loop
from tests.support.memory_queue import MemoryQueue
from wa_cli.database.engine import Database
from wa_cli.errors import BadInput, DatabaseUnavailable, ReferenceTaken, WindowClosed
from wa_cli.messages.content.template import template
from wa_cli.messages.content.text import text
from wa_cli.messages.incoming import Alias
from wa_cli.messages.outcomes import Outcome, Rejected
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.messages.states import WindowRule
from wa_cli.outbox import window_rules
from wa_cli.store import contacts, messages
from wa_cli.store.windows import find_closed
from wa_cli.submit import Submitter
from wa_cli.workers.dispatch import send_claim

BUSINESS = "+15550100000"
HELLO = template("hello_world", "en_US")


def wrote(bench: Bench, ago: timedelta, customer: str = "+123", **changes: Any) -> None:
    """Store a message of the customer."""
    row = {
        "message_id": f"wamid.{customer}.{ago}.{changes}"[:120],
        "from_phone": customer,
        "to_phone": BUSINESS,
        "message_type": "text",
        "content": "hello",
        "status": "received",
        "direction": "incoming",
        "timestamp": messages.utc(datetime.now(UTC) - ago),
        **changes,
    }
    with bench.database.transaction() as connection:
        messages.insert(connection, [row])


def is_closed(bench: Bench, customer: str = "123", number: str = BUSINESS) -> bool:
    with bench.database.reading() as connection:
        return customer in find_closed(connection, [customer], number)


DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("stored", "closed"),
    [
        ([], False),  # an unknown customer is not refused
        ([(DAY - MINUTE, {})], False),
        ([(DAY + MINUTE, {})], True),
        ([(DAY + MINUTE, {}), (HOUR, {})], False),
        ([(DAY + MINUTE, {}), (HOUR, {"message_type": "reaction"})], True),
        ([(DAY + MINUTE, {}), (HOUR, {"message_type": "call"})], False),
        ([(DAY + MINUTE, {}), (HOUR, {"campaign": "history"})], True),
        ([(DAY + MINUTE, {}), (HOUR, {"to_phone": "+15550109999"})], True),  # the window of another number
        ([(DAY + MINUTE, {"direction": "outgoing", "from_phone": BUSINESS, "to_phone": "+123"})], False),
        ([(DAY + MINUTE, {"from_phone": "123"})], True),  # as an older program wrote it
    ],
)
def test_a_window_is_known_from_stored_messages(
    bench: Bench, stored: list[tuple[timedelta, dict[str, Any]]], closed: bool
) -> None:
    for ago, changes in stored:
        wrote(bench, ago, **changes)

    assert is_closed(bench) is closed


def test_a_person_with_two_ids_has_one_window(bench: Bench) -> None:
    wrote(bench, 2 * DAY)
    with bench.database.transaction() as connection:
        contacts.update_people(connection, (), [Alias("123", "BR.1", datetime.now(UTC))])
    wrote(bench, HOUR, "+1", from_phone="", customer_user_id="BR.1")

    assert not is_closed(bench)
    assert not is_closed(bench, "BR.1")


def test_without_a_number_of_ours_a_message_to_any_number_opens_the_window(bench: Bench) -> None:
    wrote(bench, 2 * DAY)
    wrote(bench, HOUR, to_phone="+15550109999")

    assert not is_closed(bench, number="business")
    assert is_closed(bench)


def submitter(bench: Bench, queue: MemoryQueue) -> Submitter:
    def closed(asked: Any) -> Any:
        with bench.database.reading() as connection:
            return find_closed(connection, (message.customer for message in asked), BUSINESS)

    return Submitter(queue, number="42", rate=80, waiting=lambda: 0, find_closed=closed)


def outgoing(**changes: Any) -> OutgoingMessage:
    return OutgoingMessage(text("hi"), phone="+123", **{"window": WindowRule.REFUSE, **changes})


def test_a_message_into_a_closed_window_is_refused_with_the_closing_time(bench: Bench) -> None:
    wrote(bench, 2 * DAY)
    closed_at = datetime.now(UTC) - DAY
    queue = MemoryQueue()
    submits = submitter(bench, queue)

    with pytest.raises(WindowClosed, match=rf"window of \+123 closed at {closed_at:%Y-%m-%d %H:%M} UTC") as refused:
        submits.submit([outgoing()])
    assert refused.value.command == "wa send template +123 hello_world"
    assert queue.depth().is_empty
    [refusal, receipt] = submits.submit_each([(outgoing(), False), (outgoing(window=None), False)])
    assert isinstance(refusal, WindowClosed)
    assert isinstance(receipt, dict)
    submits.submit([outgoing(window=WindowRule.HOLD)])
    submits.submit([OutgoingMessage(HELLO, phone="+123", window=WindowRule.REFUSE)])
    submits.submit([OutgoingMessage(text("hi"), phone="+999", window=WindowRule.REFUSE)])
    [receipt] = submits.submit([outgoing(or_template=HELLO)])
    assert receipt["message_type"] == "template"
    assert queue.depth().waiting == 5


def test_one_bad_message_of_a_group_fails_alone(bench: Bench) -> None:
    queue = MemoryQueue()
    bad: list[dict[str, Any]] = [
        {},
        {"type": "text"},
        {"type": "location", "location": {}},
    ]
    group = [(OutgoingMessage(content, phone="+1"), False) for content in bad] + [(outgoing(), False)]

    *refused, receipt = submitter(bench, queue).submit_each(group)

    assert all(isinstance(error, BadInput) for error in refused), refused
    assert isinstance(receipt, dict)
    assert queue.depth().waiting == 1


def test_a_repeated_request_gets_the_answer_of_the_first_one(bench: Bench) -> None:
    wrote(bench, 2 * DAY)
    first = outgoing(window=None, phone_number_id="42")
    bench.record([first])
    submits = Submitter(
        MemoryQueue(),
        number="42",
        rate=80,
        waiting=lambda: 0,
        find_closed=lambda _: {"123": datetime.now(UTC)},
        find_known=bench.outbox.find_known,
        find_taken=bench.outbox.find_taken,
    )

    again = replace(first, window=WindowRule.REFUSE)
    [receipt] = submits.submit([again], has_key=True)
    assert receipt["message_id"] == str(first.reference)
    [result] = submits.submit_each([(again, True)])
    assert isinstance(result, dict)
    as_template = OutgoingMessage(HELLO, phone="+123", phone_number_id="42")
    bench.record([as_template])
    with_template = replace(as_template, content=text("hi"), window=WindowRule.REFUSE, or_template=HELLO)
    submits.submit([with_template], has_key=True)
    with pytest.raises(ReferenceTaken):
        submits.submit([replace(with_template, or_template=None, window=None)], has_key=True)


def test_without_the_database_nothing_is_refused_and_it_is_asked_rarely() -> None:
    asked = []

    def closed(messages: Any) -> Any:
        asked.append(messages)
        raise DatabaseUnavailable("connection refused")

    submits = Submitter(MemoryQueue(), number="42", rate=80, waiting=lambda: 0, find_closed=closed)
    submits.submit([outgoing()])
    submits.submit([outgoing()])

    assert len(asked) == 1


class NoApi:
    async def send(self, *_: Any, **__: Any) -> Outcome:
        raise AssertionError("a message outside the window is not sent")


@in_event_loop
async def test_a_message_that_outlived_its_window_is_refused_when_it_is_claimed(bench: Bench) -> None:
    bench.outbox.business_phone = BUSINESS
    wrote(bench, 2 * DAY)
    [reference] = bench.queue("late", window=WindowRule.REFUSE)
    [claim] = bench.claim()
    assert claim.closed_at

    settlement = await send_claim(NoApi(), claim, lambda _: None)
    bench.outbox.settle([settlement])

    assert isinstance(settlement.outcome, Rejected)
    assert bench.state(reference) == "failed"
    [row] = [row for row in bench.rows() if row["direction"] == "outgoing"]
    assert (row["status"], row["message_type"]) == ("failed", "text")
    assert "the 24-hour window closed at" in row["failure_reason"]


def test_a_message_with_a_template_becomes_the_template(bench: Bench) -> None:
    wrote(bench, 2 * DAY)
    bench.queue("late", window=WindowRule.REFUSE, or_template=HELLO)

    [claim] = bench.claim()

    assert (claim.content, claim.closed_at) == (HELLO, None)
    assert bench.sql("SELECT message_type, message ->> 'type' AS type FROM wa.outbox") == [
        {"message_type": "template", "type": "template"}
    ]


def test_held_messages_wait_until_the_customer_writes_in_their_order(bench: Bench) -> None:
    wrote(bench, 2 * DAY)
    bench.queue("first", window=WindowRule.HOLD)
    bench.queue("second", window=WindowRule.HOLD)
    bench.queue("another", to="+123")

    assert [bench.claim_words() for _ in range(3)] == [[], [], ["another"]]
    assert bench.sql("SELECT DISTINCT state, attempt, scheduled FROM wa.outbox WHERE window_rule = 'hold'") == [
        {"state": "queued", "attempt": 0, "scheduled": True}
    ]
    assert bench.outbox.work_left().due == 0
    assert bench.outbox.next_due() is None or bench.outbox.next_due() > 1e9  # type: ignore[operator]
    assert bench.outbox.sweeps.end_window_waits() == ""
    assert bench.claim_words() == []
    wrote(bench, MINUTE)
    bench.outbox.sweeps.end_window_waits()
    assert bench.claim_words() == []  # the other message is still being sent
    bench.sql("UPDATE wa.outbox SET state = 'sent', turn = FALSE, final_at = now() WHERE state = 'sending'")
    bench.outbox.sweeps.repair_heads()
    assert bench.claim_words() == ["first"]
    assert bench.claim_words() == []


def test_a_template_does_not_replace_what_an_uncertain_attempt_may_have_sent(bench: Bench) -> None:
    wrote(bench, 2 * DAY)
    bench.queue("text", window=WindowRule.REFUSE, or_template=HELLO)
    bench.sql("UPDATE wa.outbox SET uncertain_count = 1")

    [claim] = bench.claim()

    assert claim.content["type"] == "text"
    assert claim.closed_at


def test_a_locked_table_of_messages_stops_no_claim(
    bench: Bench, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window_rules, "READ_LIMIT", timedelta(milliseconds=100))
    wrote(bench, 2 * DAY)
    bench.queue("unjudged", window=WindowRule.REFUSE)
    bench.queue("again", to="+124", window=WindowRule.REFUSE)
    with Database(database_url).transaction() as connection:
        connection.execute(sa.text("LOCK TABLE whatsapp_messages IN ACCESS EXCLUSIVE MODE"))

        assert bench.claim_words(limit=1) == ["unjudged"]
        assert bench.claim_words() == ["again"]  # not tried again at once


def test_an_open_or_unknown_window_changes_nothing(bench: Bench) -> None:
    wrote(bench, HOUR, "+1")
    wrote(bench, 2 * DAY, "+3")
    bench.queue("open", to="+1", window=WindowRule.REFUSE)
    bench.queue("unknown", to="+2", window=WindowRule.REFUSE)
    bench.queue("forced", to="+3")

    assert sorted(bench.claim_words()) == ["forced", "open", "unknown"]


def test_the_rules_travel_with_the_queue_body() -> None:
    sent = outgoing(window=WindowRule.HOLD, or_template=HELLO)

    read = OutgoingMessage.from_body(sent.to_body(), queue_id="1")

    assert (read.window, read.or_template) == (WindowRule.HOLD, HELLO)
    assert OutgoingMessage.from_body(outgoing(window=None).to_body(), queue_id="1").window is None
