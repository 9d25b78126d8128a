"""Migrations: upgrades and rollbacks, unfinished runs, and the adoption of an existing table."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.support.postgres_versions import AS_FOUND, dump, sql
from wa_cli.checks import plans
from wa_cli.database import sqlfiles, tables
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.errors import ConfigError, RowRefused, SchemaTooOld, StillPending
from wa_cli.migrations import catalogue, progress, runner
from wa_cli.migrations.runner import Migrator
from wa_cli.outbox.outbox import RECOVERY

LEASE = timedelta(seconds=60)
NAMES = [migration.name for migration in catalogue.migrations()]


def test_upgrade_rollback_and_upgrade_give_the_same_schema(server: EmbeddedServer, empty: Database) -> None:
    migrator = Migrator(empty)
    assert migrator.apply() == []
    assert migrator.plan() == []
    first = dump(server.programs, empty)

    taken = []
    while names := migrator.rollback():
        taken += names
    assert taken == NAMES[::-1]
    assert migrator.apply() == []

    assert dump(server.programs, empty) == first


@pytest.mark.parametrize("default", ["gen_random_uuid()", "uuid_generate_v4()"])
def test_an_existing_table_is_adopted_with_its_rows(empty: Database, default: str) -> None:
    sql(empty, "CREATE FUNCTION uuid_generate_v4() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'")
    sql(empty, AS_FOUND.replace("gen_random_uuid()", default))
    sql(empty, "INSERT INTO whatsapp_messages (message_id, from_phone, message_type) VALUES ('old', '123', 'text')")

    assert Migrator(empty).apply() == []

    [row] = sql(empty, "SELECT message_id, direction FROM whatsapp_messages")
    assert row == {"message_id": "old", "direction": "incoming"}
    sql(empty, "INSERT INTO whatsapp_messages (message_id, from_phone, message_type) VALUES ('new', '123', 'text')")
    with pytest.raises(RowRefused, match="check_direction"):
        sql(empty, "UPDATE whatsapp_messages SET direction = 'sideways'")


def test_changes_that_were_already_made_by_hand_are_adopted(empty: Database) -> None:
    sql(empty, AS_FOUND)
    sql(empty, "ALTER TABLE whatsapp_messages ADD COLUMN direction VARCHAR(20) DEFAULT 'incoming'")
    sql(
        empty,
        "ALTER TABLE whatsapp_messages ADD CONSTRAINT check_direction"
        " CHECK (direction IN ('incoming', 'outgoing')) NOT VALID",
    )
    sql(empty, "CREATE INDEX idx_messages_direction ON whatsapp_messages (direction)")

    assert Migrator(empty).apply() == []

    [constraint] = sql(empty, "SELECT convalidated FROM pg_constraint WHERE conname = 'check_direction'")
    assert constraint["convalidated"]


def test_an_invalid_index_is_rebuilt(empty: Database) -> None:
    sql(empty, AS_FOUND)
    sql(empty, "ALTER TABLE whatsapp_messages ADD COLUMN direction VARCHAR(20) DEFAULT 'incoming'")
    sql(empty, "CREATE INDEX idx_messages_direction ON whatsapp_messages (direction)")
    sql(empty, "UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'idx_messages_direction'::regclass")

    Migrator(empty).apply()

    [index] = sql(empty, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'idx_messages_direction'::regclass")
    assert index["indisvalid"]


def test_a_column_used_by_a_view_is_reported_and_widened_after_the_view_is_dropped(empty: Database) -> None:
    sql(empty, AS_FOUND)
    sql(empty, "CREATE VIEW everything AS SELECT message_id, media_url FROM whatsapp_messages")

    skipped = Migrator(empty).apply()

    assert len(skipped) == 2
    assert all("everything" in line for line in skipped)
    runner.check(empty)
    sql(empty, "DROP VIEW everything")
    assert Migrator(empty).apply() == []
    [column] = sql(
        empty,
        "SELECT character_maximum_length AS n FROM information_schema.columns"
        " WHERE table_name = 'whatsapp_messages' AND column_name = 'message_id'",
    )
    assert column["n"] == 128


def test_a_wider_column_is_never_narrowed(empty: Database) -> None:
    wider = AS_FOUND.replace("media_url VARCHAR(500)", "media_url TEXT")
    sql(empty, wider.replace("media_type VARCHAR(50)", "media_type VARCHAR(500)"))

    Migrator(empty).apply()

    widths = sql(
        empty,
        "SELECT column_name, character_maximum_length AS n FROM information_schema.columns"
        " WHERE table_name = 'whatsapp_messages' AND column_name IN ('media_url', 'media_type') ORDER BY 1",
    )
    assert [row["n"] for row in widths] == [500, None]


def test_a_locked_table_is_retried_without_blocking_others_and_the_lock_holder_is_named(empty: Database) -> None:
    sql(empty, AS_FOUND)
    emitted: list[progress.Event] = []
    migrator = Migrator(empty, emitted.append, timeout=timedelta(seconds=1))
    holder = Database(empty.engine.url.render_as_string(hide_password=False), application="the-holder")
    with holder.transaction() as connection:
        connection.execute(sa.text("SELECT count(*) FROM whatsapp_messages"))
        with pytest.raises(StillPending, match="the-holder"):
            migrator.apply()
        # Other statements do not queue behind the migration.
        sql(empty, "INSERT INTO whatsapp_messages (message_id, from_phone, message_type) VALUES ('x', '1', 'text')")
    holder.close()

    assert any("the-holder" in event.who for event in emitted if isinstance(event, progress.Waiting))
    assert Migrator(empty).apply() == []


def test_a_begun_migration_with_other_statements_is_refused(empty: Database) -> None:
    Migrator(empty).apply()
    sql(
        empty,
        "UPDATE wa.migrations SET state = 'running', checksum = 'other' WHERE version = '0002_direction' AND step = 0",
    )

    with pytest.raises(ConfigError, match="0002_direction was begun with other statements"):
        Migrator(empty).apply()


def test_the_previous_release_works_on_the_newer_schema(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    Migrator(empty).apply()
    monkeypatch.setattr(catalogue, "names", lambda: NAMES[:-1])

    runner.check(empty)
    assert Migrator(empty).apply() == []
    assert len(sql(empty, "SELECT FROM wa.migrations WHERE step = 0")) == len(NAMES)


def test_a_database_without_migrations_is_refused_with_the_missing_migrations_named(empty: Database) -> None:
    with pytest.raises(SchemaTooOld, match=f"lacks the migration 0001_messages and {len(NAMES) - 1} more") as error:
        runner.check(empty)

    assert error.value.command == "wa migrate"


def test_psql_runs_the_migration_files_to_the_same_schema(server: EmbeddedServer, empty: Database) -> None:
    url = empty.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [str(server.programs / "psql"), "-v", "ON_ERROR_STOP=1", "-q", url]
    subprocess.run([*command, "-c", "CREATE SCHEMA wa"], check=True, capture_output=True)
    for migration in catalogue.migrations():
        subprocess.run([*command, "-f", str(migration.up.path)], check=True, capture_output=True)
    sql(empty, "DROP TABLE IF EXISTS wa.migrations")
    by_hand = dump(server.programs, empty)

    undisturbed = f"runner_{uuid4().hex[:8]}"
    server.ensure(undisturbed)
    other = Database(server.url(undisturbed))
    Migrator(other).apply()
    sql(other, "DROP TABLE wa.migrations")

    assert by_hand == dump(server.programs, other)
    other.close()
    server.drop(undisturbed)


@pytest.mark.parametrize("migration", catalogue.migrations(), ids=lambda m: m.name)
def test_every_migration_has_a_rollback_and_a_reason(migration: catalogue.Migration) -> None:
    assert migration.down.path.exists()
    for script in (migration.up, migration.down):
        assert script.why
        assert script.statements
        assert not (script.transactional and "CONCURRENTLY" in script.text)


def test_the_model_matches_the_columns_of_the_table(database: Database) -> None:
    with database.reading() as connection:
        there = {column["name"]: column["type"] for column in sa.inspect(connection).get_columns("whatsapp_messages")}

    model = tables.whatsapp_messages.c
    assert set(model.keys()) == set(there)
    assert {c.name: getattr(c.type, "length", None) for c in model} == {
        name: getattr(kind, "length", None) for name, kind in there.items()
    }


def test_the_required_indexes_and_the_direction_column_exist(database: Database) -> None:
    names = {row["indexname"] for row in sql(database, "SELECT indexname FROM pg_indexes")}

    assert {
        "idx_messages_direction",
        "idx_messages_read",
        "idx_messages_template",
        "idx_messages_employee",
        "idx_messages_content_search",
    } <= names
    [column] = sql(
        database,
        "SELECT column_default, col_description('whatsapp_messages'::regclass, ordinal_position) AS comment"
        "  FROM information_schema.columns WHERE table_name = 'whatsapp_messages' AND column_name = 'direction'",
    )
    assert column["column_default"] == "'incoming'::character varying"
    assert column["comment"]


@pytest.fixture
def filled(database: Database) -> Database:
    """Return a database with so many rows that a plan without the index costs more."""
    sql(
        database,
        "INSERT INTO wa.outbox (reference, number, customer, message_type, message, business_phone, turn)"
        " SELECT gen_random_uuid(), '42', (n % 50)::text, 'text', '{}', 'business', n < 50"
        "   FROM generate_series(0, 20000) AS n",
    )
    sql(
        database,
        "INSERT INTO wa.queue_messages (queue, id, body) SELECT 'q', n::text, '{}' FROM generate_series(0, 20000) AS n",
    )
    sql(
        database,
        "INSERT INTO whatsapp_messages (message_id, from_phone, message_type, timestamp)"
        " SELECT n::text, (n % 2000)::text, 'text', now() - n * interval '1 minute' FROM generate_series(0, 20000) AS n",
    )
    sql(database, "ANALYZE")
    return database


def test_the_claim_query_uses_its_index(filled: Database) -> None:
    """The query runs from its file, because a limit that the planner could not see once made it sort a million rows."""
    sql(
        filled,
        "INSERT INTO wa.outbox (reference, number, customer, message_type, message, business_phone, turn)"
        " SELECT gen_random_uuid(), '43', n::text, 'text', '{}', 'business', TRUE FROM generate_series(0, 50000) AS n",
    )
    sql(filled, "ANALYZE wa.outbox")
    values = {"number": "43", "limit": 100, "lease": LEASE, "probe_every": LEASE, **RECOVERY}

    plan = "\n".join(
        str(row["QUERY PLAN"]) for row in sql(filled, f"EXPLAIN {sqlfiles.read('outbox/claim')}", **values)
    )

    assert "Index Scan using outbox_claim" in plan, plan
    assert "Seq Scan on outbox" not in plan, plan


def test_the_hot_queries_use_their_indexes(filled: Database) -> None:
    for name, (query, index) in plans.HOT.items():
        plan = "\n".join(str(row["QUERY PLAN"]) for row in sql(filled, f"EXPLAIN {query}"))
        assert index in plan, f"{name}:\n{plan}"
