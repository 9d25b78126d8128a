"""Adoption of an existing table: older than wa, partly changed by hand, in conflict with wa or incompatible."""

from __future__ import annotations

import subprocess
from datetime import datetime

import pytest

from tests.support.postgres_versions import AS_FOUND, dump, sql, url_of
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.errors import ConfigError, DatabaseUnavailable, PartlyDone
from wa_cli.migrations import catalogue, progress, psql, runner
from wa_cli.migrations.backfill import Backfill
from wa_cli.migrations.runner import Migrator


def create_table_with_direction(database: Database, kind: str = "VARCHAR(20)") -> None:
    sql(database, AS_FOUND)
    sql(database, f"ALTER TABLE whatsapp_messages ADD COLUMN direction {kind}")


def write(database: Database, message_id: str, from_phone: str = "1555", **more: object) -> None:
    values = {"message_id": message_id, "from_phone": from_phone, "message_type": "text", **more}
    names = ", ".join(values)
    sql(database, f"INSERT INTO whatsapp_messages ({names}) VALUES (:{', :'.join(values)})", **values)


def constraint(database: Database) -> list[dict[str, object]]:
    return sql(database, "SELECT convalidated FROM pg_constraint WHERE conname = 'check_direction'")


def test_other_direction_values_are_reported_and_can_still_be_written(empty: Database) -> None:
    create_table_with_direction(empty)
    for number, word in enumerate(("INBOUND", "INBOUND", "out", "incoming")):
        write(empty, f"m{number}", direction=word)

    [reason] = Migrator(empty).apply()

    assert "2 rows say 'INBOUND', 1 rows say 'out'" in reason
    assert constraint(empty) == []
    write(empty, "another", direction="INBOUND")
    runner.check(empty)

    sql(empty, "UPDATE whatsapp_messages SET direction = 'incoming' WHERE direction <> 'incoming'")
    assert Migrator(empty).apply() == []
    assert constraint(empty) == [{"convalidated": True}]


def test_a_different_constraint_with_the_same_name_is_reported(empty: Database) -> None:
    create_table_with_direction(empty)
    sql(empty, "ALTER TABLE whatsapp_messages ADD CONSTRAINT check_direction CHECK (direction IN ('in', 'out'))")

    [reason] = Migrator(empty).apply()

    assert "check_direction is there and allows in, out" in reason


def test_a_constraint_that_is_not_valid_is_validated(empty: Database) -> None:
    create_table_with_direction(empty, "TEXT")
    sql(
        empty,
        "ALTER TABLE whatsapp_messages ADD CONSTRAINT check_direction"
        " CHECK (direction IN ('outgoing', 'incoming')) NOT VALID",
    )

    assert Migrator(empty).apply() == []
    assert constraint(empty) == [{"convalidated": True}]


def test_a_writer_that_does_not_set_direction_still_works(empty: Database) -> None:
    create_table_with_direction(empty)
    write(empty, "before")

    Migrator(empty).apply()

    write(empty, "after")
    assert sql(empty, "SELECT DISTINCT direction FROM whatsapp_messages") == [{"direction": "incoming"}]


def test_locked_rows_are_skipped_without_waiting_and_filled_by_the_next_run(empty: Database) -> None:
    create_table_with_direction(empty)
    for number in range(3):
        write(empty, f"m{number}")
    holder = Database(url_of(empty))
    with holder.transaction() as connection:
        connection.exec_driver_sql("SELECT FROM whatsapp_messages WHERE message_id = 'm1' FOR UPDATE")
        assert Migrator(empty).apply(catalogue.find("1")) == []
        step = catalogue.find("2").up.steps[3]
        with empty.autocommit() as autocommit:
            autocommit.exec_driver_sql(
                step.statements[0].replace("pg_sleep(CASE", "pg_sleep(0 * CASE").replace("%", "%%")
            )
    holder.close()

    found = sql(empty, "SELECT message_id, direction FROM whatsapp_messages ORDER BY 1")
    assert [row["direction"] for row in found] == ["incoming", None, "incoming"]
    assert Migrator(empty).apply() == []
    assert sql(empty, "SELECT count(*) AS n FROM whatsapp_messages WHERE direction IS NULL") == [{"n": 0}]


def test_the_backfill_marks_rows_sent_by_the_business_as_outgoing(empty: Database) -> None:
    sql(empty, AS_FOUND)
    write(empty, "theirs", "+15557654321")
    write(empty, "ours", "15550100000", to_phone="15557654321", timestamp=datetime(2026, 3, 1))
    write(empty, "ours, with +", "+15550100000", to_phone="15557654321", status="delivered")
    write(empty, "ours, no recipient", "+15550100000", timestamp=datetime(2026, 2, 1))
    backfill = Backfill(empty, "+15550100000")
    before = backfill.count()
    Migrator(empty).apply()
    sql(empty, "UPDATE whatsapp_messages SET direction = NULL WHERE message_id = 'theirs'")

    found = backfill.count()
    assert (before.ours, found.ours, found.without_direction, found.without_recipient) == (3, 3, 1, 1)
    assert found.oldest == datetime(2026, 2, 1)
    advanced: list[int] = []
    assert backfill.fill(advanced.append) == 4
    assert sum(advanced) == 4

    rows = sql(empty, "SELECT message_id, direction, status FROM whatsapp_messages ORDER BY message_id")
    assert [(row["message_id"], row["direction"], row["status"]) for row in rows] == [
        ("ours", "outgoing", "sent"),
        ("ours, no recipient", "outgoing", "sent"),
        ("ours, with +", "outgoing", "delivered"),
        ("theirs", "incoming", "received"),
    ]
    assert backfill.count().rows == backfill.fill() == 0


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ("CREATE VIEW whatsapp_messages AS SELECT 1 AS message_id", "is a view"),
        ("CREATE SCHEMA wa CREATE TABLE outbox (x int)", "The schema wa belongs to another program"),
        ("CREATE TABLE whatsapp_messages (id INT) PARTITION BY RANGE (id)", "is a partitioned table"),
        ("CREATE TABLE whatsapp_messages (id UUID PRIMARY KEY, body TEXT)", "lacks message_id, from_phone, to_phone"),
        (
            AS_FOUND.replace("to_phone", "direction BOOLEAN, to_phone", 1),
            "direction of whatsapp_messages has the type",
        ),
        (
            AS_FOUND.replace("timestamp TIMESTAMP", "timestamp DATE"),
            "timestamp of whatsapp_messages has the type date",
        ),
        (AS_FOUND.replace("content TEXT", "content JSON"), "content has the type json instead of text"),
        (
            AS_FOUND.replace("to_phone", "reference VARCHAR(50), to_phone", 1),
            "reference has the type character varying instead of uuid",
        ),
        (
            AS_FOUND.replace("UNIQUE NOT NULL", "NOT NULL UNIQUE DEFERRABLE"),
            "message_id of whatsapp_messages is not unique",
        ),
        (AS_FOUND.replace("UNIQUE NOT NULL", "NOT NULL"), "message_id of whatsapp_messages is not unique"),
    ],
)
def test_an_incompatible_relation_is_reported_and_left_unchanged(
    server: EmbeddedServer, empty: Database, found: str, reason: str
) -> None:
    sql(empty, found)
    before = dump(server.programs, empty)

    with pytest.raises(ConfigError, match=reason):
        Migrator(empty).apply()

    assert dump(server.programs, empty) == before


@pytest.mark.parametrize("done_before", [None, "5"])
def test_psql_runs_the_dry_run_script_to_the_same_schema(
    server: EmbeddedServer, empty: Database, database: Database, done_before: str | None
) -> None:
    create_table_with_direction(empty)
    write(empty, "m1")
    if done_before:
        Migrator(empty).apply(catalogue.find(done_before))
    script = "\n".join(psql.script(Migrator(empty).plan()))

    command = [str(server.programs / "psql"), "-q", url_of(empty)]
    subprocess.run(command, input=script, text=True, check=True, capture_output=True)

    assert Migrator(empty).pending() == []
    assert Migrator(empty).apply() == []
    adopted = dump(server.programs, empty)
    assert sorted(adopted) == sorted(dump(server.programs, database))


@pytest.mark.parametrize("broken", range(3, 30, 4))
def test_a_script_that_failed_in_the_middle_can_be_run_again(
    server: EmbeddedServer, empty: Database, database: Database, broken: int
) -> None:
    create_table_with_direction(empty)
    write(empty, "m1")
    pieces = list(psql.script(Migrator(empty).plan()))
    begins = [place for place, piece in enumerate(pieces) if "\\if :to_do" in piece]
    inside = begins[min(broken, len(begins) - 1)] + 2
    command = [str(server.programs / "psql"), "-q", url_of(empty)]

    stopped = "\n".join([*pieces[:inside], "SELECT 1/0;", *pieces[inside:]])
    assert subprocess.run(command, input=stopped, text=True, capture_output=True, check=False).returncode == 3
    subprocess.run(command, input="\n".join(pieces), text=True, check=True, capture_output=True)

    assert Migrator(empty).apply() == []
    assert sorted(dump(server.programs, empty)) == sorted(dump(server.programs, database))


def test_a_script_recreates_a_dropped_index(server: EmbeddedServer, empty: Database) -> None:
    Migrator(empty).apply()
    expected = dump(server.programs, empty)
    sql(empty, "DROP INDEX idx_messages_read")

    script = "\n".join(psql.script(Migrator(empty).plan()))
    command = [str(server.programs / "psql"), "-q", url_of(empty)]
    subprocess.run(command, input=script, text=True, check=True, capture_output=True)

    assert dump(server.programs, empty) == expected


@pytest.mark.parametrize("count", [3, 5, 99])
def test_migration_files_that_psql_has_run_are_adopted(
    server: EmbeddedServer, empty: Database, database: Database, count: int
) -> None:
    command = [str(server.programs / "psql"), "-q", "-v", "ON_ERROR_STOP=1", url_of(empty)]
    for migration in catalogue.migrations()[:count]:
        subprocess.run([*command, "-f", str(migration.up.path)], check=True, capture_output=True)
    sql(empty, "INSERT INTO wa.contacts (customer) VALUES ('123')")

    assert Migrator(empty).apply() == []

    assert sorted(dump(server.programs, empty)) == sorted(dump(server.programs, database))
    assert sql(empty, "SELECT customer FROM wa.contacts") == [{"customer": "123"}]


def test_a_migration_file_that_psql_has_run_in_part_is_completed(
    server: EmbeddedServer, empty: Database, database: Database
) -> None:
    statements = catalogue.find("3").up.statements
    script = ";\n".join(statement.rstrip(";") for statement in statements[: len(statements) // 2])
    command = [str(server.programs / "psql"), "-q", "-v", "ON_ERROR_STOP=1", url_of(empty)]
    subprocess.run(command, input=script + ";", text=True, check=True, capture_output=True)

    assert Migrator(empty).apply() == []

    assert sorted(dump(server.programs, empty)) == sorted(dump(server.programs, database))


def test_an_index_of_the_same_name_on_another_table_is_reported_and_never_dropped(empty: Database) -> None:
    sql(empty, AS_FOUND)
    sql(empty, "CREATE TABLE messages (timestamp TIMESTAMP)")
    sql(empty, "CREATE INDEX idx_messages_timestamp ON messages (timestamp)")

    [reason] = Migrator(empty).apply()

    assert "an index idx_messages_timestamp on another table, messages" in reason
    Migrator(empty).rollback(99)
    assert sql(empty, "SELECT to_regclass('idx_messages_timestamp') IS NOT NULL AS there") == [{"there": True}]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("VARCHAR(3) DEFAULT 'in'", "direction is of the type character varying(3)"),
        ("VARCHAR(20) DEFAULT 'in'", "direction has the default 'in'"),
    ],
)
def test_a_direction_column_with_another_type_or_default_is_reported_and_unchanged(
    empty: Database, kind: str, reason: str
) -> None:
    create_table_with_direction(empty, kind)

    [line] = Migrator(empty).apply()

    assert reason in line
    write(empty, "as ever")
    assert constraint(empty) == []


def test_a_column_used_by_an_expression_index_is_not_widened_until_the_index_is_dropped(empty: Database) -> None:
    sql(empty, AS_FOUND)
    sql(empty, "CREATE INDEX theirs ON whatsapp_messages (lower(from_phone))")

    [reason] = Migrator(empty).apply()

    assert "let from_phone be 150 characters long: theirs would be built or checked" in reason
    [again] = Migrator(empty).apply()
    assert "theirs would be built or checked" in again
    sql(empty, "DROP INDEX theirs")
    assert Migrator(empty).apply() == []


def test_columns_are_widened_after_the_view_that_uses_them_is_dropped(
    server: EmbeddedServer, empty: Database, database: Database
) -> None:
    sql(empty, AS_FOUND)
    columns = "message_id, context_message_id, from_phone, to_phone, media_type, media_url"
    sql(empty, f"CREATE VIEW theirs AS SELECT {columns} FROM whatsapp_messages")
    assert len(Migrator(empty).apply()) == 6
    index = sql(empty, "SELECT 'idx_messages_conversation_key'::regclass::oid AS oid")
    assert len(Migrator(empty).apply()) == 6
    assert sql(empty, "SELECT 'idx_messages_conversation_key'::regclass::oid AS oid") == index  # not rebuilt

    sql(empty, "DROP VIEW theirs")

    assert Migrator(empty).apply() == []
    assert sorted(dump(server.programs, empty)) == sorted(dump(server.programs, database))


def test_a_dropped_constraint_is_recreated_only_when_every_row_satisfies_it(empty: Database) -> None:
    Migrator(empty).apply()
    sql(empty, "ALTER TABLE whatsapp_messages DROP CONSTRAINT check_direction")
    write(empty, "other", direction="INBOUND")

    [reason] = Migrator(empty).apply()

    assert "1 rows say 'INBOUND'" in reason
    assert constraint(empty) == []
    sql(empty, "DELETE FROM whatsapp_messages")
    assert Migrator(empty).apply() == []
    assert constraint(empty) == [{"convalidated": True}]


def test_a_table_outside_the_search_path_is_refused_instead_of_created_twice(empty: Database) -> None:
    sql(empty, "CREATE SCHEMA app")
    sql(empty, AS_FOUND.replace("whatsapp_messages", "app.whatsapp_messages"))

    with pytest.raises(ConfigError, match=r"The table app\.whatsapp_messages"):
        Migrator(empty).apply()


def test_a_lost_connection_raises_database_unavailable(empty: Database) -> None:
    sql(empty, AS_FOUND)
    migrator = Migrator(empty)

    def cut(event: progress.Event) -> None:
        if isinstance(event, progress.Begun) and event.step.version == "0007_report_indexes":
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            sql(Database(url_of(empty)), f"{others} AND pid <> pg_backend_pid()")

    migrator.report = cut
    with pytest.raises(DatabaseUnavailable):
        migrator.apply()

    assert Migrator(empty).apply() == []


def test_the_direction_column_is_not_dropped_while_a_view_uses_it(empty: Database) -> None:
    Migrator(empty).apply()
    sql(empty, "CREATE VIEW theirs AS SELECT direction FROM whatsapp_messages")

    assert Migrator(empty).uses_of_direction() == ["theirs"]
    Migrator(empty).rollback(len(Migrator(empty).applied()) - 1)
    with pytest.raises(PartlyDone, match="theirs"):
        Migrator(empty).drop_direction()


def test_session_timeouts_of_the_database_do_not_end_the_migration_lock(empty: Database) -> None:
    sql(empty, AS_FOUND)
    for name in ("idle_session_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"):
        with empty.autocommit() as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {empty.engine.url.database} SET {name} = '300ms'")
    empty.close()

    def sleep_briefly(event: progress.Event) -> None:
        if isinstance(event, progress.Begun) and event.step.version in ("0002_direction", "0005_widths"):
            sql(Database(url_of(empty)), "SELECT pg_sleep(0.2)")

    assert Migrator(empty, sleep_briefly).apply() == []


def test_a_migrator_that_lost_its_lock_stops_with_database_unavailable(empty: Database) -> None:
    sql(empty, AS_FOUND)

    def cut(event: progress.Event) -> None:
        if isinstance(event, progress.Begun) and event.step.version == "0003_wa":
            sql(
                Database(url_of(empty)),
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            )

    with pytest.raises(DatabaseUnavailable):
        Migrator(empty, cut).apply()

    assert [m.name for m in Migrator(empty).applied()] == ["0003_wa", "0002_direction", "0001_messages"]
    assert Migrator(empty).apply() == []
