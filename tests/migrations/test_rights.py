"""All missing privileges are reported at once, with the statements that grant them, before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support import checks
from tests.support.encoded_database import encoded_database
from tests.support.postgres_versions import AS_FOUND, dump, sql, url_of
from wa_cli.database import installation_faults
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.errors import ConfigError, RowRefused
from wa_cli.migrations.runner import Migrator


@contextmanager
def other_user(database: Database) -> Iterator[Database]:
    """Yield the database as opened by a user without privileges."""
    role = f"clerk_{str(database.engine.url.database)[-12:]}"
    sql(database, f"CREATE ROLE {role} LOGIN")
    clerk = Database(url_of(database).replace("postgres@", f"{role}@"))
    try:
        yield clerk
    finally:
        clerk.close()
        sql(database, f"REASSIGN OWNED BY {role} TO CURRENT_USER")
        sql(database, f"DROP OWNED BY {role}")
        sql(database, f"DROP ROLE {role}")


def run_hint(database: Database, error: ConfigError) -> None:
    """Run the statements of the hint."""
    with database.autocommit() as connection:
        for statement in filter(None, str(error.hint).split(";")):
            connection.exec_driver_sql(statement)


def refusal(database: Database) -> ConfigError:
    with pytest.raises(ConfigError) as refused:
        Migrator(database).preflight()
    assert refused.value.exit_code == 4
    return refused.value


def test_all_missing_privileges_on_an_empty_database_are_reported_at_once(empty: Database) -> None:
    with other_user(empty) as clerk:
        error = refusal(clerk)

        assert "create schemas in the database" in error.message
        assert "create tables and indexes in the schema public" in error.message
        run_hint(empty, error)
        assert Migrator(clerk).apply() == []


@pytest.mark.parametrize("schema", ["public", "shop", '"My Shop"'])
def test_all_missing_privileges_on_a_table_of_another_owner_are_reported_at_once(
    server: EmbeddedServer, empty: Database, schema: str
) -> None:
    sql(empty, f"CREATE SCHEMA IF NOT EXISTS {schema}")
    sql(empty, AS_FOUND.replace("whatsapp_messages", f"{schema}.whatsapp_messages"))
    sql(empty, f"ALTER DATABASE {empty.engine.url.database} SET search_path = {schema}, public")
    empty.close()
    before = dump(server.programs, empty)
    with other_user(empty) as clerk:
        error = refusal(clerk)

        assert f"GRANT USAGE, CREATE ON SCHEMA {schema} TO" in str(error.hint)
        assert f"ALTER TABLE {schema}.whatsapp_messages OWNER TO" in str(error.hint)
        assert "GRANT CREATE ON DATABASE" in str(error.hint)
        assert dump(server.programs, empty) == before
        run_hint(empty, error)
        assert Migrator(clerk).apply() == []


def test_all_missing_privileges_on_wa_tables_of_another_owner_are_reported_at_once(empty: Database) -> None:
    sql(empty, AS_FOUND)
    Migrator(empty).apply()
    with other_user(empty) as clerk:
        error = refusal(clerk)

        assert "ALTER TABLE wa.outbox OWNER TO" in str(error.hint)
        assert "GRANT USAGE, CREATE ON SCHEMA wa TO" in str(error.hint)
        run_hint(empty, error)
        assert Migrator(clerk).apply() == []


def test_a_table_outside_the_search_path_is_reported_with_the_statement_that_adds_it(empty: Database) -> None:
    sql(empty, "CREATE SCHEMA shop")
    sql(empty, AS_FOUND.replace("whatsapp_messages", "shop.whatsapp_messages"))

    error = refusal(empty)

    assert "The table shop.whatsapp_messages" in error.message
    assert str(error.hint).startswith("ALTER ROLE postgres SET search_path = shop, ")


def test_a_denied_statement_is_explained_with_the_statements_that_allow_it(empty: Database) -> None:
    Migrator(empty).apply()
    with other_user(empty) as clerk:
        with pytest.raises(RowRefused) as denied:
            sql(clerk, "INSERT INTO wa.employees (id, name) VALUES (gen_random_uuid(), 'Ana')")

        error = installation_faults.explained(denied.value)

        assert isinstance(error, ConfigError)
        assert "permission denied for schema wa" in error.message
        run_hint(empty, error)
        sql(clerk, "INSERT INTO wa.employees (id, name) VALUES (gen_random_uuid(), 'Ana')")


def test_an_error_without_a_missing_privilege_is_not_changed(empty: Database) -> None:
    with pytest.raises(RowRefused) as refused:
        sql(empty, "SELECT 1 / 0")

    assert installation_faults.explained(refused.value) is refused.value


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_encoding_other_than_utf8_is_refused_before_any_change(
    server: EmbeddedServer, encoding: str
) -> None:
    with encoded_database(server, encoding) as database:
        sql(database, AS_FOUND)
        before = dump(server.programs, database)

        name = database.engine.url.database
        with pytest.raises(ConfigError, match=f"The encoding of the database {name} is {encoding}"):
            Migrator(database).apply()

        assert dump(server.programs, database) == before
        found = checks.finding(database, "server")
        assert (found.level, f"the encoding is {encoding}" in found.message) == ("failed", True)
