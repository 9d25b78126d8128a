"""Inputs that a release handled wrongly, each with the right result. The files are in tests/data."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Bench
from tests.integration.test_recording import METADATA, Desk
from tests.support import cases
from wa_cli.cloud import webhooks
from wa_cli.database import sqlfiles
from wa_cli.reports import catalogue, ranges, runner
from wa_cli.reports.catalogue import Report
from wa_cli.reports.ranges import Range
from wa_cli.reports.runner import Narrowed
from wa_cli.store.conversations import Conversations

SEEDS = """
INSERT INTO whatsapp_messages (message_id, direction, from_phone, to_phone, message_type, content, status, timestamp)
SELECT 'wamid.SEED' || n, 'outgoing', '+15550100000', '+1555122' || n, 'text', 'seed', 'sent',
       now() AT TIME ZONE 'UTC' - interval '5 minutes'
  FROM generate_series(100, 106) AS n
"""


@pytest.fixture
def desk(bench: Bench, tmp_path: Path) -> Desk:
    bench.sql(SEEDS)
    return Desk(bench, tmp_path / "spool")


def post(desk: Desk, *names: str) -> None:
    for name in names:
        for body in cases.notifications(name):
            desk.persist_webhooks(body)
    assert desk.incoming_queue.dead_count() == 0


def run_report(bench: Bench, name: str, since: str | None = None, **asked: Any) -> list[dict[str, Any]]:
    [report] = [report for report in catalogue.reports() if report.name == name]
    zone = asked.pop("zone", "UTC")
    span = ranges.range_of(report, since=since, until=asked.pop("until", None), zone=zone)
    narrowed = Narrowed(by=asked.pop("by", None))
    found = runner.run(bench.database, report, span, narrowed, timeout=timedelta(seconds=30), **asked)
    return [dict(row) for row in found]


def waiting(desk: Desk) -> list[tuple[str, str | None, str]]:
    return [(row["customer"], row["name"], row["content"]) for row in run_report(desk.bench, "unanswered")]


def get_conversation(desk: Desk, customer: str) -> list[tuple[str, str | None]]:
    conversations = Conversations(desk.bench.database, timedelta(seconds=30))
    found = conversations.both_sides(customer, datetime(2020, 1, 1, tzinfo=UTC), 200)
    return [("[deleted]" if row["revoked_at"] else row["content"], row["quoted"]) for row in found]


def stored(desk: Desk, wamid: str) -> dict[str, Any]:
    [row] = desk.bench.sql("SELECT * FROM whatsapp_messages WHERE message_id = :wamid", wamid=wamid)
    return dict(row)


def persons(desk: Desk) -> dict[str, str]:
    found = desk.bench.sql("SELECT customer, coalesce(same_as, customer) AS person FROM wa.contacts")
    return {row["customer"]: row["person"] for row in found}


def test_a_customer_without_a_phone_number_is_one_person_with_a_username(desk: Desk) -> None:
    post(desk, "bsuid_only")

    assert persons(desk) == {"BR.1A2B3C4D5E": "BR.1A2B3C4D5E"}
    name = Conversations(desk.bench.database, timedelta(seconds=30)).name("BR.1A2B3C4D5E")
    assert name == "Bea @bea.x"
    assert waiting(desk) == []  # the Business app has answered


def test_a_missed_call_is_unanswered_and_opens_the_window(desk: Desk) -> None:
    post(desk, "call_from_customer")

    assert waiting(desk) == [("+15551110004", "Ida", "missed call")]
    assert [row["customer"] for row in run_report(desk.bench, "windows")] == ["+15551110004"]


def test_a_redelivered_old_number_change_changes_nothing(desk: Desk) -> None:
    post(desk, "changed_number_twice")
    before = persons(desk)

    post(desk, "changed_number_redelivered", "changed_number_twice")

    assert persons(desk) == before == dict.fromkeys(("15551110201", "15551110202", "15551110203"), "15551110203")
    assert waiting(desk) == [("+15551110203", "Zoe", "still me")]


def test_an_error_code_too_large_for_its_column_fails_only_its_message(desk: Desk) -> None:
    post(desk, "code_too_large")

    assert stored(desk, "wamid.SEED105")["status"] == "delivered"
    failed = stored(desk, "wamid.SEED106")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "99999999999: A new large code")


def test_an_answered_contact_request_links_the_user_id_to_the_phone_number(desk: Desk) -> None:
    post(desk, "contact_request")

    assert persons(desk) == dict.fromkeys(("15551110107", "US.NIA1"), "15551110107")
    assert waiting(desk) == []


def test_an_edited_message_shows_its_new_text_and_a_revoked_one_shows_as_deleted(desk: Desk) -> None:
    post(desk, "edit_revoke_reaction")

    assert get_conversation(desk, "15551110001") == [
        ("I want 3 pizzas", None),
        ("[deleted]", None),
        ("thanks", "I want 3 pizzas"),
        ("👍", "I want 3 pizzas"),
        ("reaction removed", "I want 3 pizzas"),
    ]
    assert stored(desk, "wamid.E1")["content"] == "I want 2 pizzas"  # the original stays in the data
    assert [row["message_id"] for row in search(desk, "pizzas")] == ["wamid.E3"]
    assert search(desk, "card") == []


def search(desk: Desk, words: str) -> list[dict[str, Any]]:
    conversations = Conversations(desk.bench.database, timedelta(seconds=30))
    since, until = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    found = conversations.search(words, since, until, language="simple", customer=None, ranked=False, limit=10)
    return [dict(row) for row in found]


def test_edits_and_revocations_of_our_own_messages_are_applied(desk: Desk) -> None:
    post(desk, "echo_edit_revoke")

    assert get_conversation(desk, "15551110109") == [("[deleted]", None)]


def test_an_edit_that_arrives_before_its_message_is_applied(desk: Desk) -> None:
    post(desk, "edit_arrives_first")

    assert get_conversation(desk, "15551110309") == [("second", None)]
    assert waiting(desk) == [("+15551110309", "Fir", "second")]


def test_a_group_message_is_not_read_when_only_one_participant_read_it(desk: Desk) -> None:
    post(desk, "group_statuses")

    row = stored(desk, "wamid.SEED102")
    assert (row["status"], row["read_at"]) == ("delivered", None)


def test_history_placeholders_get_their_content_and_need_no_answer(desk: Desk) -> None:
    post(desk, "history_placeholder")

    assert (stored(desk, "wamid.HP1")["message_type"], stored(desk, "wamid.HP1")["content"]) == ("image", "my cat")
    assert stored(desk, "wamid.HP2")["content"] == "offer.pdf"
    assert not waiting(desk)
    assert not run_report(desk.bench, "windows")


def test_a_status_links_a_user_id_to_its_phone_number(desk: Desk) -> None:
    post(desk, "identity_from_status")

    assert waiting(desk) == [("+15551110100", "Kim", "yes please")]


@pytest.mark.parametrize(
    ("name", "wamid", "column"),
    [("long_context", "wamid.LX1", "context_message_id"), ("long_url", "wamid.LU1", "media_url")],
)
def test_a_secondary_value_too_long_for_its_column_is_stored_as_null(
    desk: Desk, name: str, wamid: str, column: str
) -> None:
    post(desk, name)

    row = stored(desk, wamid)
    assert row[column] is None
    assert row["webhook_raw_data"]["id"] == wamid


def test_a_revocation_opens_no_window(desk: Desk) -> None:
    post(desk, "old_revoke_opens_window")

    assert run_report(desk.bench, "windows") == []


def test_payment_statuses_do_not_change_message_statuses(desk: Desk) -> None:
    post(desk, "payment_after_delivery", "payment_captured_of_another_id")

    assert stored(desk, "wamid.SEED104")["status"] == "delivered"
    events = desk.bench.sql("SELECT wamid, status FROM wa.status_events")
    assert [dict(event) for event in events] == [{"wamid": "wamid.SEED104", "status": "delivered"}]


def test_the_content_of_special_message_types_is_readable_text(desk: Desk) -> None:
    post(desk, "readable_content")

    found = [stored(desk, f"wamid.C{number}")["content"] for number in range(1, 14)]
    assert found == [
        "2 x SKU-1, 1 x SKU-2, total 24.00 USD: please hurry",
        "Max Muster, +1 555 111 0199",
        "Home, Street 1 (52.5, 13.4)",
        "first name: Lea, day: 2026-12-01",
        "message not available: poll creation is not supported",
        "video not available: file is too large",
        "saw your ad",
        "is this in stock?",
        "chain letter",
        "payment method: offsite_card_pay, payment timestamp: 2026-11-28 01:40 UTC, reference id: order-7,"
        " last four digits: 1111",
        "Stop promotions",
        None,
        "User Lea changed from 15551110105 to 15551110106",
    ]


@pytest.mark.parametrize("name", ["revoked_only", "revoked_only_then_answer"])
def test_a_customer_who_revoked_their_only_message_is_not_unanswered(desk: Desk, name: str) -> None:
    post(desk, name)

    assert waiting(desk) == []
    assert open_turns(desk.bench) == []


def test_a_message_replaces_its_unsupported_placeholder(desk: Desk) -> None:
    post(desk, "unsupported_then_real")

    assert waiting(desk) == [("+15551110110", "Uma", "the real one")]


def test_a_new_user_id_is_read_from_the_text_of_a_system_message(desk: Desk) -> None:
    post(desk, "user_id_changed_in_a_system_message")

    assert persons(desk) == dict.fromkeys(("US.OLD1", "US.NEW1"), "US.NEW1")
    assert waiting(desk) == [("US.NEW1", "Ivo", "second")]


@pytest.mark.parametrize("name", ["account_banned", "errors_twice", "preferences"])
def test_a_webhook_without_a_message_is_stored_once_as_a_notice(desk: Desk, name: str) -> None:
    post(desk, name, name)

    [row] = desk.bench.sql("SELECT count(*) AS n FROM wa.notices")
    assert row["n"] == 1


# Reports on the rows of a file.


def fill(bench: Bench, name: str) -> None:
    statements = cases.rows(name)
    with bench.database.transaction() as connection:
        connection.exec_driver_sql(statements.replace("%", "%%"))


def open_turns(bench: Bench) -> list[tuple[str, str | None, int]]:
    """Return the open turns that `--fail-above` checks, as customer, business number and hours."""
    at = datetime.now(UTC)
    report = Report(sqlfiles.root() / "lookups" / "open_turns.sql")
    span = Range(at - timedelta(hours=48), at + timedelta(seconds=1), "UTC")
    found = runner.run(bench.database, report, span, timeout=timedelta(seconds=30))
    return [(row["customer"], row["number"], round((at - row["since"]).total_seconds() / 3600)) for row in found]


def test_an_alarm_includes_an_open_turn_that_is_older_than_the_range(bench: Bench) -> None:
    fill(bench, "alarm_green")

    assert open_turns(bench) == [("+4917000001", None, 64)]


@pytest.mark.parametrize(("name", "count"), [("threshold", 20), ("threshold2", 20)])
def test_an_alarm_includes_open_turns_among_answered_ones(bench: Bench, name: str, count: int) -> None:
    fill(bench, name)

    assert [hours for *_, hours in open_turns(bench)] == [120] * count
    [found] = run_report(bench, "response-times")
    assert found["waiting"] == count
    assert found["longest_wait"] == pytest.approx(5 * 86400, abs=60)


def test_a_broadcast_template_does_not_count_as_an_answer(bench: Bench) -> None:
    fill(bench, "broadcast")

    assert [row["customer"] for row in run_report(bench, "unanswered")] == ["+491", "+492"]


def test_campaign_messages_are_not_counted_as_work_of_the_employee_who_started_it(bench: Bench) -> None:
    fill(bench, "campaign_workload")

    by_employee = {row["employee"]: row for row in run_report(bench, "employees", by="employee")}
    assert list(by_employee) == ["Ben", "Ana"]
    assert (by_employee["Ana"]["messages"], by_employee["Ana"]["customers"]) == (1, 1)
    assert (by_employee["Ana"]["campaign"], by_employee["Ben"]["messages"]) == (5000, 40)


def test_rows_beyond_the_limit_of_a_report_are_counted(bench: Bench) -> None:
    fill(bench, "cut")
    [report] = [report for report in catalogue.reports() if report.name == "unanswered"]
    span = ranges.range_of(report, since=None, until=None, zone="UTC")

    assert len(run_report(bench, "unanswered")) == 50
    assert runner.count(bench.database, report, span, Narrowed(), timeout=timedelta(seconds=30)) == 301


def test_history_opens_no_window(bench: Bench) -> None:
    fill(bench, "history_window")

    assert run_report(bench, "windows") == []


def test_hours_follow_the_local_clock_across_a_half_hour_clock_change(bench: Bench) -> None:
    fill(bench, "lord_howe")

    def hours(since: str, until: str) -> dict[str, int]:
        found = run_report(bench, "volume", since, until=until, zone="Australia/Lord_Howe")
        return {f"{row['at'].astimezone(UTC):%H:%M}": row["incoming"] for row in found}

    assert hours("2026-10-03T14:30Z", "2026-10-03T17:00Z") == {"14:30": 1, "15:30": 1, "16:00": 0}
    assert hours("2026-04-04T14:00Z", "2026-04-04T16:30Z") == {"14:00": 2, "15:30": 0}


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2026-09-26", {"13:15": 2, "14:00": 1, "14:15": 1}),
        ("2026-04-04", {"13:15": 2, "14:00": 1, "14:15": 1}),
    ],
)
def test_volume_has_the_hours_of_a_clock_of_three_quarters(bench: Bench, day: str, hours: dict[str, int]) -> None:
    for time in ("13:22", "13:52", "14:07", "14:20"):
        bench.sql(
            "INSERT INTO whatsapp_messages (id, message_id, from_phone, to_phone, message_type, direction, timestamp)"
            " VALUES (gen_random_uuid(), :id, '+491', '+49', 'text', 'incoming', CAST(:at AS timestamp))",
            id=time,
            at=f"{day} {time}",
        )

    found = run_report(bench, "volume", f"{day}T13:15Z", until=f"{day}T15:15Z", zone="Pacific/Chatham")

    assert {f"{row['at'].astimezone(UTC):%H:%M}": row["incoming"] for row in found} == hours


@pytest.mark.parametrize(
    ("zone", "moment", "start"),
    [
        ("Pacific/Chatham", "2026-09-26T13:52:00", "2026-09-26T13:15:00"),
        ("Pacific/Chatham", "2026-09-26T14:07:00", "2026-09-26T14:00:00"),
        ("Pacific/Chatham", "2026-09-26T14:20:00", "2026-09-26T14:15:00"),
        ("Pacific/Chatham", "2026-04-04T13:52:00", "2026-04-04T13:15:00"),
        ("Pacific/Chatham", "2026-04-04T14:07:00", "2026-04-04T14:00:00"),
        ("Pacific/Chatham", "2026-04-04T14:20:00", "2026-04-04T14:15:00"),
        ("Australia/Lord_Howe", "2026-04-04T15:10:00", "2026-04-04T14:00:00"),
        ("Europe/Berlin", "2026-10-25T00:30:00", "2026-10-25T00:00:00"),
        ("Europe/Berlin", "2026-10-25T01:30:00", "2026-10-25T01:00:00"),
        ("Asia/Kathmandu", "2026-10-25T01:14:00", "2026-10-25T00:15:00"),
    ],
)
def test_an_hour_of_the_clock_begins_at_a_full_hour_or_where_the_clock_was_set(
    bench: Bench, zone: str, moment: str, start: str
) -> None:
    asked = "SELECT wa.hour_start(CAST(:moment AS timestamptz), :zone) AS start"
    [row] = bench.sql(asked, moment=f"{moment}Z", zone=zone)
    assert row["start"] == datetime.fromisoformat(f"{start}+00:00")


@pytest.mark.parametrize("year", ["0044-03-15 BC", "0001-01-01 BC", "29999-01-01", "12026-01-01", "infinity"])
def test_a_row_with_a_time_outside_the_calendar_ends_no_report(desk: Desk, year: str) -> None:
    bench = desk.bench
    bench.sql(
        "INSERT INTO whatsapp_messages (id, message_id, from_phone, to_phone, message_type, content, direction, timestamp)"
        " VALUES (gen_random_uuid(), 'odd', '+491', '+49', 'text', 'x', 'incoming', CAST(:at AS timestamp))",
        at=year,
    )

    for report in catalogue.reports():
        run_report(bench, report.name)
    open_turns(bench)
    get_conversation(desk, "491")


def test_a_delivery_before_the_answer_of_the_api_takes_no_time(bench: Bench) -> None:
    for number in range(3):
        bench.sql(
            "INSERT INTO whatsapp_messages (id, message_id, from_phone, to_phone, message_type, content, direction, status,"
            " timestamp, delivered_at) SELECT gen_random_uuid(), :id, '+49', '+491', 'text', 'x', 'outgoing', 'delivered',"
            " sent, sent + :took * interval '1 second' FROM (SELECT now() AT TIME ZONE 'UTC' - interval '1 day' AS sent) AS at",
            id=f"m{number}",
            took=3600 if number == 2 else -1.2,
        )

    assert run_report(bench, "delivery")[0]["delivery_time"] == 0


def test_an_answer_on_its_way_belongs_to_its_business_number(bench: Bench) -> None:
    for number in ("111", "222"):
        bench.sql(
            "INSERT INTO whatsapp_messages (id, message_id, from_phone, to_phone, message_type, content, direction, timestamp)"
            " VALUES (gen_random_uuid(), :id, '+491', :to, 'text', 'x', 'incoming',"
            " now() AT TIME ZONE 'UTC' - interval '1 hour')",
            id=number,
            to=f"+49{number}",
        )
    bench.queue("soon", to="+491", business_phone="+49222")

    assert {row["number"]: row["queued"] for row in run_report(bench, "unanswered")} == {"+49111": 0, "+49222": 1}


def test_an_edit_that_removes_the_caption_hides_it(desk: Desk) -> None:
    at = int(datetime.now(UTC).timestamp()) - 60
    image = {"from": "15551234567", "id": "wamid.1", "timestamp": str(at), "type": "image"}
    without = {"type": "image", "image": {"id": "1"}}
    edit = {**image, "id": "wamid.2", "type": "edit", "edit": {"original_message_id": "wamid.1", "message": without}}
    for item in ({**image, "image": {"id": "1", "caption": "secret"}}, edit):
        desk.persist_webhooks(json.dumps(webhooks.notify({"metadata": METADATA, "messages": [item]})))

    assert get_conversation(desk, "15551234567")[0][0] is None
    assert waiting(desk)[0][2] == "[image]"


def test_partial_periods_are_marked(bench: Bench) -> None:
    fill(bench, "partial")

    weeks = run_report(bench, "weekly")
    assert {row["incoming"] for row in weeks if not row["partial"]} == {168}
    assert [row["partial"] for row in weeks[:1] + weeks[-1:]] == ["yes", "yes"]
    heatmap = run_report(bench, "heatmap")
    assert {row["incoming"] / row["days"] for row in heatmap if row["days"]} <= {0.75, 0.8, 1.0}
    assert run_report(bench, "volume")[0]["partial"] == "yes"


def test_the_unanswered_report_shows_a_queued_answer(bench: Bench) -> None:
    fill(bench, "queued")

    [row] = run_report(bench, "unanswered")
    assert (row["customer"], row["queued"]) == ("+491", 1)


def test_a_delivery_within_the_same_second_takes_zero_seconds(bench: Bench) -> None:
    fill(bench, "takes")

    [found] = run_report(bench, "delivery")
    assert found["delivery_time"] == 0


def test_each_business_number_is_answered_separately(bench: Bench) -> None:
    fill(bench, "two_numbers")

    [row] = run_report(bench, "unanswered")
    assert (row["customer"], row["number"], float(row["hours_waiting"])) == ("+491", "+490111", 30.0)
    [found] = run_report(bench, "response-times")
    assert (found["answered"], found["mean"], found["waiting"]) == (1, 3600, 1)


def test_each_business_number_has_its_own_window(bench: Bench) -> None:
    fill(bench, "two_windows")

    assert [(row["number"], row["window_closes_in"] is None) for row in run_report(bench, "unanswered")] == [
        ("+490111", True),
        ("+490222", False),
    ]
    assert [row["number"] for row in run_report(bench, "windows")] == ["+490222"]


def test_the_employee_who_answers_first_is_credited(bench: Bench) -> None:
    fill(bench, "final_message")

    found = {row["what"]: row["answered"] for row in run_report(bench, "response-times", by="employee")}
    assert found == {"Ana": 1, "unknown": 1}


def test_a_proven_duplicate_counts_as_two_sent_messages(bench: Bench) -> None:
    fill(bench, "double")

    assert run_report(bench, "delivery")[0]["sent"] == 2


def test_volume_shows_the_stored_share_and_errors_are_counted_by_reason(bench: Bench) -> None:
    fill(bench, "stored_errors")
    span = {"since": "2026-11-20T10:00", "until": "2026-11-20T12:00"}

    assert [row["stored"] for row in run_report(bench, "volume", **span)] == [0.75, None]
    failed = {row["reason"]: row["failed"] for row in run_report(bench, "errors", "2026-11-20", until="2026-11-21")}
    assert failed["Message undeliverable (#131026)"] == 2
