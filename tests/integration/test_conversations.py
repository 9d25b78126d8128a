"""Quotes, full-text search, export of whole conversations, and the use of indexes by reports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.test_reports import CUSTOMERS, HOURS, PRESENT, ChatMessage, store
from tests.support.postgres_versions import sql
from wa_cli.checks import plans
from wa_cli.database import sqlfiles
from wa_cli.database.engine import Database, rows
from wa_cli.messages.incoming import Alias
from wa_cli.migrations.runner import Migrator
from wa_cli.reports import catalogue, ranges, runner
from wa_cli.store import contacts, messages
from wa_cli.store.conversations import Conversations
from wa_cli.store.search_query import alternatives

LONG_AGO, SOON = PRESENT - timedelta(days=30), PRESENT + timedelta(days=1)


@pytest.fixture
def conversations(database: Database) -> Conversations:
    return Conversations(database, timedelta(seconds=30))


def write(database: Database, message_id: str, content: str | None, customer: str = "+111", **more: Any) -> None:
    row = {
        "message_id": message_id,
        "from_phone": customer,
        "to_phone": "business",
        "message_type": "text",
        "content": content,
        "status": "received",
        "direction": "incoming",
        "timestamp": messages.utc(PRESENT),
        **more,
    }
    with database.transaction() as connection:
        messages.insert(connection, [row])


def found(conversations: Conversations, words: str, **more: Any) -> list[str]:
    asked = {"language": "simple", "customer": None, "ranked": False, "limit": 10, **more}
    return [row["message_id"] for row in conversations.search(words, LONG_AGO, SOON, **asked)]


def test_search_finds_words_phrases_prefixes_alternatives_and_exclusions(
    database: Database, conversations: Conversations
) -> None:
    write(database, "a", "Where is my order? The status page says nothing")
    write(database, "b", "Order status: shipped", timestamp=messages.utc(PRESENT - timedelta(hours=1)))
    write(database, "c", "status of my ordering system", timestamp=messages.utc(PRESENT - timedelta(hours=2)))
    write(database, "d", "Bestellung \N{PACKAGE} größer", "+222", timestamp=messages.utc(PRESENT - timedelta(hours=3)))
    write(database, "e", None)

    assert found(conversations, "order status") == ["a", "b"]
    assert found(conversations, '"order status"') == ["b"]
    assert found(conversations, "status -order") == ["c"]
    assert found(conversations, "shipped or größer") == found(conversations, "shipped | größer") == ["b", "d"]
    assert found(conversations, "ship* | größer") == ["b", "d"]
    assert found(conversations, "ord* status") == ["a", "b", "c"]
    assert found(conversations, "ord*") == ["a", "b", "c"]
    assert found(conversations, "GRÖ*") == ["d"]
    assert found(conversations, "status", customer="222") == []
    assert found(conversations, "größer", customer="222") == ["d"]
    assert found(conversations, "order status", ranked=True)[0] == "b"
    assert found(conversations, "orders", language="english") == ["a", "b", "c"]
    assert found(conversations, "ship* or größer") == ["b", "d"]
    assert found(conversations, 'größer OR "order status" ship* or nowhere') == ["b", "d"]
    assert found(conversations, "status -ord*") == []
    assert found(conversations, "status -ship*") == ["a", "c"]
    for nothing in ("", "*", "'", "the & | !", "a\\", "or", "* or *", 'a* or "'):
        found(conversations, nothing)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["a*", "-b*", "or", "word", '"x y"', '"', "-x", "*", "&", "!", ":*", "'", "\\"]), max_size=8
    )
)
def test_any_typed_search_is_a_valid_query(conversations: Conversations, tokens: list[str]) -> None:
    assert found(conversations, " ".join(tokens)) == []


def test_a_search_has_the_language_of_the_index(database: Database, conversations: Conversations) -> None:
    write(database, "a", "your orders")
    assert found(conversations, "order", language=None) == []

    Migrator(database).set_search_language("english")

    assert found(conversations, "order", language=None) == ["a"]
    assert found(conversations, "order", language="simple") == []


def test_search_marks_the_found_words(database: Database, conversations: Conversations) -> None:
    write(database, "a", "where is my order")

    [row] = conversations.search("order", LONG_AGO, SOON, language="simple", customer=None, ranked=True, limit=1)

    assert row["marked"] == "where is my \x02order\x03"


def test_an_answer_shows_the_message_that_it_quotes(database: Database, conversations: Conversations) -> None:
    write(database, "question", "is it blue?")
    answer = {"direction": "outgoing", "from_phone": "business", "to_phone": "+111", "status": "sent"}
    write(database, "answer", "it is", context_message_id="question", **answer)
    write(database, "other", "and this", context_message_id="never seen", **answer)

    rows = {row["message_id"]: row for row in conversations.both_sides("111", LONG_AGO, 10)}

    assert rows["answer"]["quoted"] == "is it blue?"
    assert rows["other"]["quoted"] is rows["question"]["quoted"] is None


def test_conversations_are_exported_one_after_the_other(database: Database, conversations: Conversations) -> None:
    store(database, [ChatMessage(n, CUSTOMERS[n % 3], n % 2 > 0, order=n) for n in range(12)], {"+111": "+1119"})

    write(database, "nobody", "?", "")
    middle = PRESENT - timedelta(hours=HOURS) + timedelta(minutes=6)

    every = exported_rows(conversations, conversations.speakers(LONG_AGO, SOON))
    one = exported_rows(conversations, conversations.known_as(["1119", "111"]))

    assert [row["customer"] for row in every] == ["111"] * 4 + ["222"] * 4 + ["333"] * 4 + [None]
    assert [row["at"] for row in one] == sorted(row["at"] for row in one)
    assert one == every[:4]
    assert (
        len(exported_rows(conversations, conversations.speakers(LONG_AGO, middle), middle)) == 6
    )  # the end is excluded


def exported_rows(
    conversations: Conversations, people: Sequence[str | None], until: datetime = SOON
) -> list[dict[str, Any]]:
    done: list[int] = []
    rows = [dict(row) for row in conversations.export(LONG_AGO, until, people, done.append)]
    assert sum(done) == len(people)
    return rows


def test_more_customers_than_a_portion_are_exported_in_order(
    database: Database, conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wa_cli.store.conversations.PORTION", 2)
    store(database, [ChatMessage(n, CUSTOMERS[n % 3], False, order=n) for n in range(6)])
    write(database, "nobody", "?", "")

    every = exported_rows(conversations, conversations.speakers(LONG_AGO, SOON))

    assert [row["customer"] for row in every] == ["111", "111", "222", "222", "333", "333", None]


def test_customers_are_found_by_the_beginning_of_their_phone_number(
    database: Database, conversations: Conversations
) -> None:
    for key, name in (("15551", "Ana"), ("15552", "Ben"), ("4915", "Carla")):
        sql(database, "INSERT INTO wa.contacts (customer, name) VALUES (:key, :name)", key=key, name=name)
    write(database, "a", "hello", "+15552")

    assert [(row["customer"], row["content"]) for row in conversations.people("1555", 10)] == [
        ("15552", "hello"),
        ("15551", None),
    ]
    assert conversations.name("4915") == "Carla"
    for number in ("+77702", "+77701", "+7771"):
        write(database, f"of {number}", "who is this?", number)
    assert [row["customer"] for row in conversations.people("77701", 10)] == ["77701"]
    assert {row["customer"] for row in conversations.people("7770", 10)} == {"77701", "77702"}
    assert conversations.people("999", 10) == conversations.people("7772", 10) == []
    write(database, "nines", "at the end", "+9995")
    assert [row["customer"] for row in conversations.people("999", 10)] == ["9995"]


def test_a_customer_with_two_phone_numbers_is_found_once(database: Database, conversations: Conversations) -> None:
    write(database, "old", "it was me", "+491444")
    write(database, "new", "it is me", "+491333", timestamp=messages.utc(PRESENT + timedelta(minutes=1)))
    with database.transaction() as connection:
        contacts.update_people(connection, (), [Alias("491444", "491333", PRESENT, is_change=True)])

    for number in ("491444", "49144", "491333", "4913"):
        assert [(row["customer"], row["content"]) for row in conversations.people(number, 10)] == [
            ("491333", "it is me")
        ]


@pytest.fixture(scope="module")
def crowded(server: Any) -> Any:
    """Yield a database with a year of messages, so that a plan that reads all of them is the more expensive one."""
    server.copy("template_wa", "crowded")
    database = Database(server.url("crowded"))
    sql(
        database,
        "INSERT INTO whatsapp_messages (message_id, from_phone, to_phone, message_type, content, direction, timestamp)"
        " SELECT n::text, CASE WHEN n % 2 = 0 THEN 'business' ELSE (n % 3000)::text END,"
        "        CASE WHEN n % 2 = 0 THEN (n % 3000 + 1)::text ELSE 'business' END, 'text', 'word' || n % 500,"
        "        CASE WHEN n % 2 = 0 THEN 'outgoing' ELSE 'incoming' END, now() - n * interval '10 minutes'"
        "   FROM generate_series(0, 52000) AS n",
    )
    sql(database, "ANALYZE")
    yield database
    database.close()
    server.drop("crowded")


@pytest.mark.parametrize("report", catalogue.reports(), ids=lambda report: report.name)
def test_no_report_reads_the_whole_table(crowded: Database, report: catalogue.Report) -> None:
    now = datetime.now(UTC)
    span = ranges.Range(now - timedelta(days=3), now, "Europe/Berlin")

    with crowded.reading() as connection:
        query = f"EXPLAIN {runner.runnable_sql(crowded, report, span)}".replace("%", "%%")
        plan = "\n".join(line for (line,) in connection.exec_driver_sql(query))

    assert "Seq Scan on whatsapp_messages" not in plan, plan


@pytest.mark.parametrize(
    "report", [r for r in catalogue.reports() if "customer" in r.header.filters], ids=lambda r: r.name
)
def test_a_report_on_one_customer_does_not_read_the_whole_table(crowded: Database, report: catalogue.Report) -> None:
    now = datetime.now(UTC)
    span = ranges.Range(now - timedelta(days=365), now, "Europe/Berlin")
    narrowed = runner.narrow(crowded, report, customer="7")

    with crowded.reading() as connection:
        query = f"EXPLAIN {runner.runnable_sql(crowded, report, span, narrowed)}".replace("%", "%%")
        plan = "\n".join(line for (line,) in connection.exec_driver_sql(query))

    assert "Seq Scan on whatsapp_messages" not in plan, plan


@pytest.mark.parametrize("report", catalogue.reports(), ids=lambda report: report.name)
def test_reports_call_no_sql_function_for_each_row(crowded: Database, report: catalogue.Report) -> None:
    """An SQL function that is not inlined into the statement costs 20 microseconds a row."""
    now = datetime.now(UTC)
    span = ranges.Range(now - timedelta(days=3), now, "Europe/Berlin")

    with crowded.reading() as connection:
        query = f"EXPLAIN (VERBOSE) {runner.runnable_sql(crowded, report, span)}".replace("%", "%%")
        plan = "\n".join(line for (line,) in connection.exec_driver_sql(query))

    assert not re.search(r"\bwa\.(?!hour_start)\w+\(", plan), plan


def test_turns_are_found_without_reading_the_range_for_each_turn(crowded: Database) -> None:
    """Detect a quadratic join of turns and messages, which the planner estimates as cheap."""
    [report] = [report for report in catalogue.reports() if report.name == "response-times"]
    now = datetime.now(UTC)
    span = ranges.Range(now - timedelta(days=365), now, "UTC")

    with crowded.reading() as connection:
        query = f"EXPLAIN (ANALYZE, FORMAT JSON) {runner.runnable_sql(crowded, report, span)}".replace("%", "%%")
        [plan] = connection.exec_driver_sql(query).scalar_one()

    rounds = [node["Actual Loops"] for node in plans.nodes(plan) if node["Node Type"] == "CTE Scan"]
    assert max(rounds) <= 3


def test_finding_customers_uses_the_conversation_index(crowded: Database) -> None:
    values = {"key": "1", "beyond": "2", "limit": 5}

    found = sql(crowded, f"EXPLAIN {sqlfiles.read('conversation/people')}", **values)

    plan = "\n".join(row["QUERY PLAN"] for row in found)
    assert "Seq Scan on whatsapp_messages" not in plan, plan
    assert plan.count("idx_messages_conversation") == 3, plan


@pytest.mark.parametrize(
    ("language", "index"), [("simple", "idx_messages_content_search"), ("english", "idx_messages_search_english")]
)
def test_a_search_uses_the_full_text_index(crowded: Database, language: str, index: str) -> None:
    Migrator(crowded).set_search_language(language)
    values = {"alternatives": rows(alternatives("word17")), "language": language, "since": LONG_AGO, "until": SOON}
    values |= {"keys": None, "ranked": True, "limit": 5}

    found = sql(crowded, f"EXPLAIN {sqlfiles.read('conversation/search')}", **values)

    assert index in "\n".join(row["QUERY PLAN"] for row in found)
