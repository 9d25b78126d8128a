"""Messages of customers as rows: one row each in any order and repetition, and one person for all phone variants."""

from __future__ import annotations

import json
import random
import re
import threading
from datetime import UTC, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.conftest import Bench
from tests.integration.test_recording import METADATA, Desk
from wa_cli.clock import now
from wa_cli.cloud import webhooks
from wa_cli.database.engine import Database
from wa_cli.messages import phone
from wa_cli.queues.base import QueueMessage
from wa_cli.reports import catalogue, runner
from wa_cli.reports.ranges import Range
from wa_cli.telemetry import events

BUSINESS = METADATA["display_phone_number"]
STAMP = str(int(now().timestamp()) - 600)
OTHER_VARIANT = (
    (re.compile(r"55([1-9][1-9])9([6-9][0-9]{7})"), r"55\1\2"),
    (re.compile(r"52([0-9]{10})"), r"521\1"),
    (re.compile(r"549([1-3][0-9]{9})"), r"54\1"),
)


@pytest.fixture
def desk(bench: Bench, tmp_path: Path) -> Desk:
    return Desk(bench, tmp_path / "spool")


def body(field: str = "messages", **value: Any) -> str:
    return json.dumps(webhooks.notify({"metadata": METADATA, **value}, field))


def incoming_message(wamid: str, words: str = "hi", **changes: Any) -> dict[str, Any]:
    plain = {"from": "15551234567", "id": wamid, "timestamp": STAMP, "type": "text", "text": {"body": words}}
    return {**plain, **changes}


def unanswered(database: Database) -> list[str]:
    [report] = [r for r in catalogue.reports() if r.name == "unanswered"]
    span = Range(now() - timedelta(days=2), now(), "UTC")
    return [row["customer"] for row in runner.run(database, report, span, timeout=timedelta(seconds=30))]


def phone_variants(key: str) -> tuple[str, ...]:
    """Return every key under which this person may have rows, beginning with the known one."""
    known = phone.person_key(key)
    return (known, *(variant.sub(other, known) for variant, other in OTHER_VARIANT if variant.fullmatch(known)))


def test_person_keys_and_phone_variants_are_the_same_in_sql_and_python(database: Database) -> None:
    numbers = [
        f"{cc}{rest}"
        for cc in ("55", "54", "52", "1", "49", "549", "521", "5511", "55119")
        for rest in range(10**8, 10**11, 7919 * 10**6)
    ]
    with database.reading() as connection:
        found = connection.execute(
            sa.text(
                "SELECT number, wa.person_key(number), wa.forms(wa.person_key(number)) FROM unnest(:numbers) AS number"
            ),
            {"numbers": numbers},
        ).all()
    assert {n: (known, tuple(others)) for n, known, others in found} == {
        n: (phone.person_key(n), phone_variants(n)) for n in numbers
    }


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("+5511987654321", "551187654321"), ("+525512345678", "5215512345678"), ("+5491112345678", "541112345678")],
)
def test_both_phone_variants_are_one_person_and_are_stored_unchanged(desk: Desk, ours: str, theirs: str) -> None:
    desk.bench.sql(
        "INSERT INTO whatsapp_messages (message_id, from_phone, to_phone, message_type, direction, status, timestamp)"
        " VALUES ('answer', 'business', :ours, 'text', 'outgoing', 'sent', now())",
        ours=ours,
    )

    desk.persist_webhooks(body(messages=[incoming_message("question", **{"from": theirs})]))

    assert unanswered(desk.bench.database) == []
    assert {row["from_phone"] for row in desk.bench.rows()} == {"business", f"+{theirs}"}


def test_a_customer_known_by_user_id_is_joined_with_their_phone_number(desk: Desk) -> None:
    hidden = {key: value for key, value in incoming_message("wamid.1", from_user_id="BR.1A2B").items() if key != "from"}
    desk.persist_webhooks(body(messages=[hidden], contacts=[{"user_id": "BR.1A2B", "profile": {"name": "Ana"}}]))
    assert unanswered(desk.bench.database) == ["BR.1A2B"]

    desk.persist_webhooks(body(messages=[incoming_message("wamid.2", from_user_id="BR.1A2B")]))

    assert unanswered(desk.bench.database) == ["+15551234567"]
    [row] = desk.bench.sql("SELECT name FROM wa.contacts WHERE customer = '15551234567'")
    assert row["name"] == "Ana"


def test_a_customer_who_changes_their_number_twice_is_still_one_person(desk: Desk) -> None:
    def moved(wamid: str, old: str, new: str) -> dict[str, Any]:
        return {
            **incoming_message(wamid),
            "from": old,
            "type": "system",
            "system": {"type": "user_changed_number", "wa_id": new},
        }

    desk.persist_webhooks(body(messages=[moved("wamid.2", "1002", "1003")]))
    desk.persist_webhooks(
        body(messages=[moved("wamid.1", "1001", "1002"), incoming_message("wamid.3", **{"from": "1001"})])
    )
    desk.persist_webhooks(body(messages=[moved("wamid.4", "1003", "1001")]))

    assert people(desk) == {"1001": None, "1002": "1001", "1003": "1001"}
    assert unanswered(desk.bench.database) == ["+1001"]


def people(desk: Desk) -> dict[str, str | None]:
    return {row["customer"]: row["same_as"] for row in desk.bench.sql("SELECT customer, same_as FROM wa.contacts")}


def test_an_abandoned_number_that_writes_under_another_user_id_is_a_new_person(desk: Desk) -> None:
    moved: dict[str, Any] = {"type": "system", "system": {"type": "user_changed_number", "wa_id": "1002"}}
    desk.persist_webhooks(body(messages=[incoming_message("wamid.1", **{"from": "1001", "from_user_id": "DE.OLD"})]))
    desk.persist_webhooks(body(messages=[incoming_message("wamid.2", **{"from": "1001"}, **moved)]))
    desk.persist_webhooks(body(messages=[incoming_message("wamid.3", **{"from": "1002", "from_user_id": "DE.OLD2"})]))
    assert people(desk) == {"1001": "1002", "DE.OLD": "1002", "1002": None, "DE.OLD2": "1002"}

    desk.persist_webhooks(
        body(messages=[incoming_message("wamid.4", **{"from": "1001", "from_user_id": "DE.STRANGER"})])
    )

    assert people(desk) == {"1001": None, "DE.STRANGER": "1001", "DE.OLD": "1002", "1002": None, "DE.OLD2": "1002"}
    assert sorted(unanswered(desk.bench.database)) == ["+1001", "+1002"]


def test_a_new_user_id_does_not_change_the_key_of_a_person_with_a_phone_number(desk: Desk) -> None:
    changed: dict[str, Any] = {"type": "system", "system": {"type": "user_changed_user_id", "user_id": "DE.NEW"}}
    hidden = {key: item for key, item in incoming_message("wamid.3", from_user_id="FR.OLD").items() if key != "from"}
    hidden_change = {
        "type": "system",
        "system": {**changed["system"], "user_id": "FR.NEW", "previous_user_id": "FR.OLD"},
    }
    desk.persist_webhooks(body(messages=[incoming_message("wamid.1", **{"from": "1001", "from_user_id": "DE.OLD"})]))

    desk.persist_webhooks(body(messages=[{**incoming_message("wamid.2"), "from": "1001", **changed}]))
    desk.persist_webhooks(body(messages=[hidden]), body(messages=[{**hidden, "id": "wamid.4", **hidden_change}]))

    assert people(desk) == {"1001": None, "DE.OLD": "1001", "DE.NEW": "1001", "FR.OLD": "FR.NEW", "FR.NEW": None}


def test_messages_of_the_same_second_keep_their_order_of_arrival(desk: Desk) -> None:
    desk.persist_webhooks(*(body(messages=[incoming_message(f"wamid.{9 - n}", f"words {n}")]) for n in range(3)))
    desk.persist_webhooks(body(messages=[incoming_message(f"wamid.{5 - n}", f"words {n + 3}") for n in range(3)]))

    found = desk.bench.sql("SELECT content FROM whatsapp_messages ORDER BY timestamp, created_at, id")

    assert [row["content"] for row in found] == [f"words {n}" for n in range(6)]


def test_two_connections_that_update_the_same_people_do_not_deadlock(desk: Desk) -> None:
    """Rows are locked in the order of their keys, so that no deadlock is reported as an outage."""
    one = [incoming_message(f"a.{n}", **{"from": str(1000 + n), "from_user_id": f"DE.{n}"}) for n in range(30)]
    other = [incoming_message(f"b.{n}", **{"from": str(1000 + n), "from_user_id": f"FR.{n}"}) for n in range(30)]

    table_after(desk, [body(messages=[item]) for item in one], [body(messages=[item]) for item in reversed(other)])

    assert len(people(desk)) == 90
    assert {type(event) for event in desk.emitted} == {events.Received}


def test_a_message_from_the_business_app_counts_as_an_answer(desk: Desk) -> None:
    echo = incoming_message("echo", **{"from": BUSINESS, "to": "15551234567", "timestamp": str(int(STAMP) + 5)})

    desk.persist_webhooks(
        body(messages=[incoming_message("question")]), body("smb_message_echoes", message_echoes=[echo])
    )

    assert unanswered(desk.bench.database) == []
    [row] = [row for row in desk.bench.rows() if row["message_id"] == "echo"]
    assert (row["direction"], row["status"], row["to_phone"]) == ("outgoing", "sent", "+15551234567")


def test_history_is_stored_and_does_not_count_as_an_answer(desk: Desk) -> None:
    before = [
        incoming_message("old.1", history_context={"status": "READ"}),
        {**incoming_message("old.2"), "from": BUSINESS},
    ]
    desk.persist_webhooks(
        body(messages=[incoming_message("question", timestamp=str(int(STAMP) - 60))]),
        body("history", history=[{"threads": [{"id": "15551234567", "messages": before}]}]),
    )

    assert unanswered(desk.bench.database) == ["+15551234567"]
    rows = {row["message_id"]: (row["direction"], row["campaign"]) for row in desk.bench.rows()}
    assert rows == {"question": ("incoming", None), "old.1": ("incoming", "history"), "old.2": ("outgoing", "history")}


def test_edits_and_revocations_are_rows_that_need_no_answer(desk: Desk) -> None:
    edit = incoming_message(
        "wamid.2",
        type="edit",
        edit={"original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": "no"}}},
    )
    answer = {**incoming_message("echo"), "from": BUSINESS, "to": "15551234567"}
    later = {"timestamp": str(int(STAMP) + 60)}

    desk.persist_webhooks(
        body(messages=[incoming_message("wamid.1", timestamp=str(int(STAMP) - 60))]),
        body("smb_message_echoes", message_echoes=[answer]),
        body(
            messages=[
                {**edit, **later},
                incoming_message("wamid.3", type="revoke", revoke={"original_message_id": "wamid.1"}, **later),
            ]
        ),
    )

    assert unanswered(desk.bench.database) == []
    rows = {row["message_id"]: (row["content"], row["context_message_id"]) for row in desk.bench.rows()}
    assert rows["wamid.2"] == ("no", "wamid.1")
    assert rows["wamid.3"] == (None, "wamid.1")


def test_a_message_replaces_its_placeholder(desk: Desk) -> None:
    image: dict[str, Any] = {"type": "image", "image": {"id": "1", "mime_type": "image/png", "caption": "look"}}
    announced = incoming_message("wamid.1", type="media_placeholder", history_context={"status": "READ"})
    desk.persist_webhooks(body("history", history=[{"threads": [{"id": "15551234567", "messages": [announced]}]}]))
    desk.persist_webhooks(body(messages=[incoming_message("wamid.2", type="unsupported", errors=[{"code": 131060}])]))

    desk.persist_webhooks(
        body("history", messages=[incoming_message("wamid.1", **image)]),
        body(messages=[incoming_message("wamid.2", "here")]),
    )
    desk.persist_webhooks(body(messages=[incoming_message("wamid.2", type="unsupported", errors=[{"code": 131060}])]))

    rows = {row["message_id"]: (row["message_type"], row["content"], row["media_type"]) for row in desk.bench.rows()}
    assert rows == {"wamid.1": ("image", "look", "image/png"), "wamid.2": ("text", "here", None)}
    assert [row["message_id"] for row in desk.bench.sql("SELECT message_id FROM wa.media")] == ["wamid.1"]


@pytest.mark.parametrize("order", [("unsupported", "text"), ("text", "unsupported")])
def test_a_message_and_its_placeholder_in_one_batch_become_the_message(desk: Desk, order: tuple[str, str]) -> None:
    both = {
        "unsupported": incoming_message("wamid.1", type="unsupported", errors=[{"code": 131060}]),
        "text": incoming_message("wamid.1", "here"),
    }

    desk.persist_webhooks(*(body(messages=[both[kind]]) for kind in order))

    assert [(row["message_type"], row["content"]) for row in desk.bench.rows()] == [("text", "here")]


def together_and_apart(*bodies: str) -> list[list[list[str]]]:
    """Return every way to deliver the bodies: in each order, in one batch and in several."""
    orders = [list(order) for order in permutations(bodies)]
    return [[order] for order in orders] + [[[one] for one in order] for order in orders]


@pytest.mark.parametrize(
    ("told", "status"), [("PLAYED", "read"), ("READ", "read"), ("ERROR", "failed"), ("SENT", "sent")]
)
def test_the_status_of_imported_history_does_not_depend_on_the_order(desk: Desk, told: str, status: str) -> None:
    def echo(wamid: str, **changes: Any) -> dict[str, Any]:
        return {**incoming_message(wamid), "from": BUSINESS, "to": "15551234567", **changes}

    for place in range(4):
        wamid = f"wamid.{place}"
        file = echo(wamid, type="video", video={"id": str(place), "mime_type": "video/mp4", "caption": "Quest"})
        shown = body("history", message_echoes=[file])
        announced = echo(wamid, type="media_placeholder", history_context={"status": told})
        thread = body("history", history=[{"threads": [{"id": "15551234567", "messages": [announced]}]}])
        for batch in together_and_apart(shown, thread)[place]:
            desk.persist_webhooks(*batch)

        [row] = desk.bench.sql("SELECT content, status FROM whatsapp_messages WHERE message_id = :w", w=wamid)
        assert row == {"content": "Quest", "status": status}


def test_a_call_has_one_row_whatever_the_order_of_its_events(desk: Desk) -> None:
    at = int(STAMP)
    for place in range(12):
        call = {"id": f"wacid.{place}", "from": "15551234567", "direction": "USER_INITIATED"}
        end = {"event": "terminate", "status": "COMPLETED", "start_time": at + 10, "duration": 290}
        events_of_call = [
            {**call, "event": "connect", "timestamp": str(at)},
            {**call, **end, "timestamp": str(at + 300)},
            {**call, "event": "call_recording_available", "timestamp": str(at + 400)},
        ]
        bodies = [body("calls", calls=[event]) for event in events_of_call]
        for batch in together_and_apart(*bodies)[place]:
            desk.persist_webhooks(*batch)

        [row] = [row for row in desk.bench.rows() if row["message_id"] == call["id"]]
        assert (row["message_type"], row["content"]) == ("call", "call, 4m 50s")
        assert row["timestamp"].replace(tzinfo=UTC).timestamp() == at
    assert len(desk.bench.sql("SELECT FROM wa.notices")) == 12


@pytest.mark.parametrize("user_id", [{}, {"from_user_id": "US.NEW"}])
def test_a_number_that_its_owner_gave_up_belongs_to_who_writes_from_it_afterwards(
    desk: Desk, user_id: dict[str, str]
) -> None:
    at = int(STAMP)
    moved: dict[str, Any] = {"type": "system", "system": {"type": "user_changed_number", "wa_id": "1790000002"}}
    desk.persist_webhooks(
        body(messages=[incoming_message("wamid.1", "old owner", **{"from": "1790000001"})]),
        body(messages=[incoming_message("wamid.2", **{"from": "1790000001", "timestamp": str(at + 10), **moved})]),
    )

    stranger = incoming_message("wamid.3", "stranger", **{"from": "1790000001", "timestamp": str(at + 60), **user_id})
    contact = {"wa_id": "1790000001", "profile": {"name": "Newcomer"}}
    desk.persist_webhooks(body(messages=[stranger], contacts=[contact]))

    people = {row["customer"]: (row["same_as"], row["name"]) for row in desk.bench.sql("SELECT * FROM wa.contacts")}
    assert people["1790000001"] == (None, "Newcomer")
    assert people["1790000002"][0] is None
    assert people["1790000002"][1] != "Newcomer"


def test_a_message_of_ours_to_the_former_number_separates_no_person(desk: Desk) -> None:
    at = int(STAMP)
    moved: dict[str, Any] = {"type": "system", "system": {"type": "user_changed_number", "wa_id": "1790000002"}}
    echo = {**incoming_message("wamid.3", timestamp=str(at + 60)), "from": BUSINESS, "to": "1790000001"}
    desk.persist_webhooks(
        body(messages=[incoming_message("wamid.2", **{"from": "1790000001", "timestamp": str(at + 10), **moved})]),
        body("smb_message_echoes", message_echoes=[echo], contacts=[{"wa_id": "1790000001"}]),
    )

    people = {row["customer"]: row["same_as"] for row in desk.bench.sql("SELECT * FROM wa.contacts")}
    assert people["1790000001"] == "1790000002"


def test_a_message_from_before_the_change_does_not_separate_its_sender(desk: Desk) -> None:
    at = int(STAMP)
    moved: dict[str, Any] = {"type": "system", "system": {"type": "user_changed_number", "wa_id": "1790000002"}}
    desk.persist_webhooks(
        body(messages=[incoming_message("wamid.2", **{"from": "1790000001", "timestamp": str(at + 10), **moved})]),
        body(messages=[incoming_message("wamid.1", "delayed", **{"from": "1790000001", "timestamp": str(at)})]),
    )

    people = {row["customer"]: row["same_as"] for row in desk.bench.sql("SELECT * FROM wa.contacts")}
    assert people["1790000001"] == "1790000002"


def test_files_of_old_history_expire_days_after_their_arrival(desk: Desk) -> None:
    long_ago = str(int(STAMP) - 10 * 86400)
    picture = incoming_message("wamid.1", type="image", image={"id": "1"}, timestamp=long_ago)

    desk.persist_webhooks(body("history", messages=[picture]))

    [row] = desk.bench.sql("SELECT gone_at > clock_timestamp() + interval '6 days' AS is_there FROM wa.media")
    assert row["is_there"]


def test_a_redelivered_notice_is_stored_once(desk: Desk) -> None:
    notice = body("user_preferences", user_preferences=[{"wa_id": "1", "value": "stop"}])

    desk.persist_webhooks(notice, notice)
    desk.persist_webhooks(notice)

    [row] = desk.bench.sql("SELECT field, number, raw FROM wa.notices")
    assert (row["field"], row["number"]) == ("user_preferences", "42")
    assert row["raw"]["user_preferences"] == [{"wa_id": "1", "value": "stop"}]


@pytest.mark.parametrize(
    "words",
    [
        "NUL \x00",
        "half \ud800 of a pair",
        "'); DROP TABLE whatsapp_messages; --",
        "\x1b[2J\x1b]0;owned\x07",
        "‮rtl‬ 👍🏽",
        "x" * 70_000,
    ],
)
def test_hostile_text_is_stored_harmlessly(desk: Desk, words: str) -> None:
    desk.persist_webhooks(body(messages=[incoming_message("wamid.1", words)]))

    [row] = desk.bench.rows()
    assert row["content"] == words.replace("\x00", "�").replace("\ud800", "�")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": "w" * 512}, "message_id has 128 characters"),
        ({"from": "9" * 300}, "it does not name a customer"),
        ({"x": 1e999}, "json"),
    ],
)
def test_a_message_that_the_table_cannot_hold_is_the_only_dead_letter(
    desk: Desk, changes: dict[str, Any], reason: str
) -> None:
    desk.persist_webhooks(
        body(
            messages=[incoming_message("wamid.1"), incoming_message("wamid.2", **changes), incoming_message("wamid.3")]
        ).replace("Infinity", "1e999")
    )

    assert {row["message_id"] for row in desk.bench.rows()} == {"wamid.1", "wamid.3"}
    [letter] = desk.incoming_queue.dead_letters(5)
    assert reason in letter.reason


def test_a_deeply_nested_body_becomes_a_dead_letter(desk: Desk) -> None:
    deep = json.dumps(webhooks.notify({})).replace("{}", '{"a":' * 900 + "1" + "}" * 900)

    desk.persist_webhooks(deep, body(messages=[incoming_message("wamid.1")]))

    assert len(desk.bench.rows()) == 1
    assert "nested" in desk.incoming_queue.dead_letters(1)[0].reason


WORDS = st.sampled_from(["sent", "delivered", "read", "failed", "played"])
UPDATES = st.lists(
    st.one_of(
        st.builds(
            lambda n: ("messages", incoming_message(f"in.{n}", f"words {n}", **{"from": str(1000 + n % 3)})),
            st.integers(0, 9),
        ),
        st.builds(
            lambda n: ("message_echoes", {**incoming_message(f"echo.{n}"), "from": BUSINESS, "to": str(1000 + n % 3)}),
            st.integers(0, 5),
        ),
        st.builds(
            lambda n, word: ("statuses", {"id": f"echo.{n}", "status": word, "timestamp": str(int(STAMP) + len(word))}),
            st.integers(0, 5),
            WORDS,
        ),
    ),
    max_size=25,
)
COMPARED = (
    "SELECT message_id, direction, from_phone, to_phone, content, status, delivered_at, read_at, timestamp"
    " FROM whatsapp_messages ORDER BY message_id"
)


def table_after(desk: Desk, *queues: list[str]) -> list[Any]:
    """Persist the queues at the same time, each on its own connection. Return the rows of the table."""
    desk.bench.sql("TRUNCATE whatsapp_messages, wa.status_events, wa.contacts, wa.notices, wa.queue_messages")
    parts = [Desk(Bench(desk.bench.database), desk.spool.folder) for _ in queues]
    for part, bodies in zip(parts, queues, strict=True):
        part.incoming_queue.name = uuid4().hex
        part.incoming_queue.put([QueueMessage(text) for text in bodies])
    threads = [
        threading.Thread(target=lambda part=part: [None for _ in iter(part.incoming.run_once, 0)]) for part in parts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    desk.emitted += [event for part in parts for event in part.emitted]
    assert not desk.bench.sql("SELECT reason FROM wa.queue_messages")
    desk.bench.outbox.sweeps.merge_pending_statuses()  # two transactions may miss each other's half of an echo and its status
    return [tuple(row.values()) for row in desk.bench.sql(COMPARED)]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(updates=UPDATES, shuffle=st.randoms(use_true_random=False), times=st.integers(1, 3))
def test_any_order_and_repetition_over_two_connections_gives_the_same_table(
    desk: Desk, updates: list[tuple[str, dict[str, Any]]], shuffle: random.Random, times: int
) -> None:
    bodies = [body("messages", **{kind: [item]}) for kind, item in updates]
    in_order = table_after(desk, bodies)

    mixed = [bodies * times, bodies * times]
    for part in mixed:
        shuffle.shuffle(part)

    assert table_after(desk, *mixed) == in_order
