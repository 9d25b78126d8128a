"""Tables with other column types than ours are read with the same texts and times."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest

from tests.integration.conftest import Bench
from tests.support import checks, found_tables
from tests.support.postgres_versions import sql
from wa_cli.clock import now
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database, run
from wa_cli.messages.incoming import StatusUpdate
from wa_cli.messages.outcomes import Accepted
from wa_cli.migrations import trial_rows
from wa_cli.migrations.runner import Migrator
from wa_cli.reports import ranges, runner
from wa_cli.reports.catalogue import reports
from wa_cli.store import messages
from wa_cli.store.conversations import Conversations

CUSTOMER = "123"
RECEIVED_AT = (now() - timedelta(hours=1)).replace(microsecond=0)
READ_AT = RECEIVED_AT + timedelta(minutes=2)
TIME_LIMIT = timedelta(seconds=30)
KINDS = ("text", "image", "sticker", "reaction")


def store_conversation(database: Database) -> None:
    """Store four messages of a customer and our answer with the status read."""
    bench = Bench(database)
    with database.transaction() as connection:
        messages.insert_incoming(
            connection, [trial_rows.incoming(kind, phone="+123", sent_at=RECEIVED_AT, content=kind) for kind in KINDS]
        )
    bench.queue("our answer")
    [claim] = bench.claim()
    bench.settle(claim, Accepted("wamid.1"))
    with database.transaction() as connection:
        bench.outbox.record_statuses(connection, [StatusUpdate("wamid.1", "read", READ_AT, "42", raw={})])


@pytest.fixture(params=found_tables.TAKEN)
def place(server: EmbeddedServer, empty: Database, request: pytest.FixtureRequest) -> Database:
    found_tables.load(server.programs, empty, request.param)
    Migrator(empty).apply()
    store_conversation(empty)
    return empty


def both_sides(database: Database) -> list[dict[str, Any]]:
    return Conversations(database, TIME_LIMIT).both_sides(CUSTOMER, RECEIVED_AT - timedelta(days=1), 50)


def test_a_conversation_has_the_times_and_statuses_of_both_sides(place: Database) -> None:
    from_customer = [row for row in both_sides(place) if row["direction"] == "incoming"]
    [ours] = [row for row in both_sides(place) if row["direction"] == "outgoing"]

    assert {(row["at"], row["status"]) for row in from_customer} == {(RECEIVED_AT, "received")}
    assert {row["message_type"] for row in from_customer} == set(KINDS)
    assert (ours["status"], ours["read_at"].replace(tzinfo=UTC)) == ("read", READ_AT)


def test_search_export_and_people_return_the_right_times(place: Database) -> None:
    conversations = Conversations(place, TIME_LIMIT)
    since, until = RECEIVED_AT - timedelta(days=1), now() + timedelta(hours=1)

    [found] = conversations.search(
        '"our answer"', since, until, language="simple", customer=None, ranked=True, limit=10
    )
    exported = list(conversations.export(since, until, [CUSTOMER], lambda _: None))
    [person] = conversations.people(CUSTOMER, 10)

    assert abs(found["at"] - now()) < timedelta(minutes=10)
    assert {row["at"] for row in exported if row["direction"] == "incoming"} == {RECEIVED_AT}
    assert abs(person["last_at"] - now()) < timedelta(minutes=10)


def test_every_report_runs(place: Database) -> None:
    for report in reports():
        span = ranges.range_of(report, since=None, until=None, zone="Asia/Kolkata")
        runner.run(place, report, span, timeout=TIME_LIMIT)


def test_a_turn_starts_at_the_time_of_its_first_message(place: Database) -> None:
    [details] = [report.details for report in reports() if report.name == "response-times"]
    assert details is not None
    span = ranges.range_of(details, since="2d", until=None, zone="UTC")

    turns = runner.run(place, details, span, timeout=TIME_LIMIT)
    [turn] = [row for row in turns if row["customer"] == f"+{CUSTOMER}"]

    assert turn["started_at"] == RECEIVED_AT


def test_no_storage_check_fails(place: Database) -> None:
    found = checks.storage_findings(place)

    assert [(check.name, f.message) for check, f in found if f.level == "failed"] == []


def test_missed_media_files_are_registered_with_the_time_of_their_deletion_at_meta(place: Database) -> None:
    sql(
        place,
        'UPDATE whatsapp_messages SET webhook_raw_data = \'{"image": {"id": "9"}}\' WHERE message_type = \'image\'',
    )
    with place.transaction() as connection:
        run(connection, "media/missed", kept=timedelta(days=7))

    [file] = sql(place, "SELECT gone_at FROM wa.media WHERE media_id = '9'")
    assert file["gone_at"] == RECEIVED_AT + timedelta(days=7)
