"""The preflight and `wa verify` report writes that a table refuses, before the first message is lost."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support import checks, found_tables
from tests.support.postgres_versions import AS_FOUND, sql, url_of
from wa_cli.checks.finding import Finding
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.migrations.runner import Migrator


def found(database: Database) -> Finding:
    return checks.finding(database, "trial_writes")


def causes(database: Database) -> str:
    return "; ".join(str(refusal) for refusal in Migrator(database).preflight().refusals)


def test_every_example_table_is_listed_as_taken_or_refused() -> None:
    assert {path.stem for path in found_tables.FOLDER.glob("*.sql")} == {*found_tables.TAKEN, *found_tables.REFUSED}


@pytest.mark.parametrize(("name", "reason"), found_tables.REFUSED.items())
def test_a_table_that_refuses_writes_is_reported_before_and_after_the_migration(
    server: EmbeddedServer, empty: Database, name: str, reason: str
) -> None:
    found_tables.load(server.programs, empty, name)

    assert reason in causes(empty)
    Migrator(empty).apply()
    assert reason in causes(empty)
    finding = found(empty)
    assert (finding.level, reason in finding.message) == ("failed", True), finding.message


@pytest.mark.parametrize("name", found_tables.TAKEN)
def test_a_table_that_accepts_every_write_passes(server: EmbeddedServer, empty: Database, name: str) -> None:
    found_tables.load(server.programs, empty, name)

    assert causes(empty) == ""
    assert Migrator(empty).apply() == []
    assert causes(empty) == ""
    assert found(empty).level == "ok"


def test_trial_writes_leave_no_rows(empty: Database) -> None:
    sql(empty, AS_FOUND)
    Migrator(empty).preflight()
    Migrator(empty).apply()
    Migrator(empty).preflight()

    counted = "SELECT (SELECT count(*) FROM whatsapp_messages) + (SELECT count(*) FROM wa.status_events) AS n"
    assert sql(empty, counted) == [{"n": 0}]


RAISING = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$"
TRIGGER = "CREATE TRIGGER t BEFORE {} ON whatsapp_messages FOR EACH ROW EXECUTE FUNCTION f()"
ALTER = "ALTER TABLE whatsapp_messages"
KINDS = {
    "ids in lower case": (
        [RAISING.format("NEW.message_id = lower(NEW.message_id); RETURN NEW;"), TRIGGER.format("INSERT")],
        "the trigger t: the row does not exist",
    ),
    "shortened ids": (
        [RAISING.format("NEW.message_id = left(NEW.message_id, 60); RETURN NEW;"), TRIGGER.format("INSERT")],
        "the trigger t: the row does not exist",
    ),
    "late statuses": (
        [
            RAISING.format("RAISE 'already read';"),
            TRIGGER.format("UPDATE OF status").replace("FOR EACH ROW", "FOR EACH ROW WHEN (OLD.status = 'read')"),
        ],
        "already read",
    ),
    "integer status": (
        [f"{ALTER} ALTER status DROP DEFAULT, ALTER status TYPE integer USING 0"],
        "status has the type integer and refuses: received",
    ),
    "not null": ([f"{ALTER} ALTER content SET NOT NULL"], "whatsapp_messages.content is NOT NULL"),
    "check of types": (
        [f"{ALTER} ADD CONSTRAINT known CHECK (message_type IN ('text', 'image'))"],
        "the constraint known: CHECK",
    ),
    "domain": (
        [
            "CREATE DOMAIN word AS text CONSTRAINT short CHECK (length(value) < 5)",
            f"{ALTER} ALTER message_type TYPE word",
        ],
        "the constraint short: CHECK",
    ),
    "foreign key": (
        [
            "CREATE TABLE people (phone VARCHAR(20) PRIMARY KEY)",
            f"{ALTER} ADD CONSTRAINT known_phone FOREIGN KEY (from_phone) REFERENCES people DEFERRABLE INITIALLY DEFERRED",
        ],
        "the constraint known_phone: FOREIGN KEY",
    ),
    "unique": (
        [
            "CREATE UNIQUE INDEX once ON whatsapp_messages (status)",
            "INSERT INTO whatsapp_messages (message_id, from_phone, message_type) VALUES ('a', '1', 'text')",
        ],
        "the constraint once",
    ),
    "one a second": ([f"{ALTER} ADD CONSTRAINT one UNIQUE (from_phone, timestamp)"], "the constraint one: UNIQUE"),
    "short texts": (
        [f"{ALTER} ALTER content TYPE VARCHAR(1000)"],
        "the column content has the type character varying(1000) and refuses",
    ),
    "index of whole texts": (["CREATE INDEX whole ON whatsapp_messages (content)"], 'for index "whole"'),
    "numbers only": (
        [f"{ALTER} ADD CONSTRAINT digits CHECK (from_phone ~ '^[+]?[0-9]+$')"],
        "the constraint digits: CHECK",
    ),
    "vanishing rows": (
        [RAISING.format("RETURN NULL;"), TRIGGER.format("INSERT")],
        "the trigger t: the row does not exist",
    ),
    "silent updates": ([RAISING.format("RETURN NULL;"), TRIGGER.format("UPDATE")], "after 'delivered' was written"),
    "silent deletes": (
        [RAISING.format("RETURN NULL;"), TRIGGER.format("DELETE")],
        "the trigger t: the row still exists",
    ),
    "changed rows": (
        [RAISING.format("NEW.status := 'new'; RETURN NEW;"), TRIGGER.format("INSERT")],
        "the trigger t: status is 'new' after 'received'",
    ),
    "a trigger's own table": (
        [
            "CREATE TABLE audit (who text NOT NULL)",
            RAISING.format("INSERT INTO audit VALUES (NULL); RETURN NEW;"),
            TRIGGER.format("INSERT"),
        ],
        'the trigger t (function f): null value in column "who"',
    ),
    "rule instead": (
        ["CREATE RULE r AS ON DELETE TO whatsapp_messages DO INSTEAD NOTHING"],
        "the rule r: the row still exists",
    ),
    "rule on update": (
        [
            "CREATE TABLE log (x text)",
            "CREATE RULE r AS ON UPDATE TO whatsapp_messages DO ALSO INSERT INTO log VALUES (NEW.status)",
        ],
        "the rule r",
    ),
    "generated": (
        [f"{ALTER} DROP content", f"{ALTER} ADD content text GENERATED ALWAYS AS (message_id) STORED"],
        'column "content"',
    ),
}


@pytest.mark.parametrize(("changes", "reason"), KINDS.values(), ids=KINDS.keys())
def test_each_kind_of_refusal_is_reported_before_and_after_the_migration(
    empty: Database, changes: list[str], reason: str
) -> None:
    sql(empty, AS_FOUND)
    for change in changes:
        sql(empty, change)

    assert reason in causes(empty)
    Migrator(empty).apply()
    assert reason in causes(empty)
    assert found(empty).level == "failed"


@pytest.mark.parametrize("migrated", [False, True])
def test_the_suggested_statements_resolve_the_refusals(server: EmbeddedServer, empty: Database, migrated: bool) -> None:
    found_tables.load(server.programs, empty, "m03b")
    if migrated:
        Migrator(empty).apply()

    remedy = Migrator(empty).preflight().remedy

    assert remedy is not None
    with empty.autocommit() as connection:
        for statement in filter(None, remedy.split(";")):
            connection.exec_driver_sql(statement)
    assert causes(empty) == ""


def test_a_publication_without_a_replica_identity_is_reported_with_its_fix(empty: Database) -> None:
    sql(empty, AS_FOUND.replace("UUID PRIMARY KEY", "UUID"))
    sql(empty, "CREATE PUBLICATION copies FOR ALL TABLES")

    assert "the publication copies: cannot update table" in causes(empty)
    Migrator(empty).apply()
    assert "the publication copies: cannot update table" in found(empty).message
    sql(empty, str(found(empty).hint))
    assert found(empty).level == "ok"


@pytest.fixture
def clerk(empty: Database) -> Iterator[Database]:
    """Yield the database as opened by a user who has every privilege on the table but does not own it."""
    sql(empty, AS_FOUND)
    Migrator(empty).apply()
    role = f"clerk_{str(empty.engine.url.database)[-12:]}"
    sql(empty, f"CREATE ROLE {role} LOGIN")
    sql(empty, f"GRANT USAGE ON SCHEMA wa TO {role}")
    sql(empty, f"GRANT ALL ON ALL TABLES IN SCHEMA wa, public TO {role}")
    database = Database(url_of(empty).replace("postgres@", f"{role}@"))
    yield database
    database.close()
    sql(empty, f"DROP OWNED BY {role}")
    sql(empty, f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("writers ON whatsapp_messages FOR INSERT WITH CHECK (true)", "row-level security, policies writers"),
        (
            "tenants ON whatsapp_messages USING (current_setting('app.tenant') = '1')",
            "row-level security, policies tenants",
        ),
        ("few ON whatsapp_messages USING (status <> 'failed')", "the policy few shows this user only rows where"),
        (
            "texts ON whatsapp_messages USING (true) WITH CHECK (message_type = 'text')",
            "row-level security, policies texts",
        ),
    ],
)
def test_row_level_security_that_hides_or_refuses_rows_is_reported_with_its_fix(
    empty: Database, clerk: Database, policy: str, reason: str
) -> None:
    assert found(clerk).level == "ok"
    sql(empty, "ALTER TABLE whatsapp_messages ENABLE ROW LEVEL SECURITY")
    sql(empty, f"CREATE POLICY {policy}")

    finding = found(clerk)

    assert (finding.level, reason in finding.message) == ("failed", True), finding.message
    assert "BYPASSRLS" in str(finding.hint)
    sql(empty, str(finding.hint))
    assert found(clerk).level == "ok"


@pytest.mark.parametrize("lost", ["DELETE ON whatsapp_messages", "INSERT ON wa.status_events", "USAGE ON SCHEMA wa"])
def test_a_missing_privilege_is_reported_with_its_grant(empty: Database, clerk: Database, lost: str) -> None:
    sql(empty, f"REVOKE {lost} FROM {clerk.engine.url.username}")

    finding = found(clerk)

    assert (finding.level, "permission denied" in finding.message) == ("failed", True), finding.message
    for statement in filter(None, str(finding.hint).split(";")):
        sql(empty, statement)
    assert found(clerk).level == "ok"


def test_a_policy_that_shows_every_row_passes(empty: Database, clerk: Database) -> None:
    sql(empty, "ALTER TABLE whatsapp_messages ENABLE ROW LEVEL SECURITY")
    sql(empty, "CREATE POLICY everything ON whatsapp_messages USING (true)")

    assert found(clerk).level == "ok"


def test_a_table_that_inherits_from_ours_is_a_warning(empty: Database) -> None:
    sql(empty, AS_FOUND)
    sql(empty, "CREATE TABLE archive () INHERITS (whatsapp_messages)")
    Migrator(empty).apply()

    assert (found(empty).level, "archive" in found(empty).message) == ("warning", True)


def test_missing_columns_that_the_workers_write_are_added(empty: Database) -> None:
    sql(
        empty,
        "CREATE TABLE whatsapp_messages (id UUID PRIMARY KEY, message_id TEXT UNIQUE, from_phone TEXT, to_phone TEXT,"
        " message_type TEXT, content TEXT, status TEXT, timestamp TIMESTAMP)",
    )
    assert causes(empty) == ""

    assert Migrator(empty).apply() == []

    assert causes(empty) == ""
    assert found(empty).level == "ok"


def test_a_foreign_key_that_refuses_unknown_employees_is_a_warning(empty: Database) -> None:
    sql(empty, AS_FOUND)
    sql(empty, "CREATE TABLE staff (id UUID PRIMARY KEY)")
    sql(empty, "ALTER TABLE whatsapp_messages ADD employee_id UUID CONSTRAINT known_staff REFERENCES staff")
    assert causes(empty) == ""
    Migrator(empty).apply()
    known = uuid4()
    sql(empty, "INSERT INTO staff VALUES (:id)", id=known)

    assert (found(empty).level, "known_staff" in found(empty).message) == ("warning", True)
    sql(empty, "INSERT INTO wa.employees (id, name) VALUES (:id, 'Ana')", id=known)
    assert found(empty).level == "ok"
