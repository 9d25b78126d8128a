"""Indexes are recognized by their definition. A business index is kept, and our search index takes every text."""

from __future__ import annotations

import subprocess

import pytest

from tests.support import checks, found_tables
from tests.support.postgres_versions import AS_FOUND, dump, sql, url_of
from wa_cli.database import sqlfiles
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.errors import BadInput, ConfigError, PartlyDone
from wa_cli.migrations import catalogue, progress, psql
from wa_cli.migrations.runner import Migrator

FORMER = "USING gin (to_tsvector('simple', coalesce(content, '')))"
SEARCH = "idx_messages_content_search"
LONG = (
    "INSERT INTO whatsapp_messages (message_id, from_phone, message_type, content)"
    " SELECT :id, '1', 'text', string_agg(md5(n::text), ' ') FROM generate_series(1, :words) AS n"
)


def definition(database: Database, index: str = SEARCH) -> str | None:
    [row] = sql(database, "SELECT pg_get_indexdef(to_regclass(:index)) AS text", index=index)
    text: str | None = row["text"]
    return text


def test_the_search_index_accepts_existing_and_new_long_texts(server: EmbeddedServer, empty: Database) -> None:
    found_tables.load(server.programs, empty, "m13")

    assert Migrator(empty).apply() == []

    sql(empty, LONG, id="new", words=40_000)
    assert sql(empty, "SELECT length(content) > 1300000 AS long FROM whatsapp_messages WHERE message_id = 'new'") == [
        {"long": True}
    ]


@pytest.mark.parametrize("options", ["", " WITH (fastupdate = off)"])
def test_the_search_index_of_an_older_version_is_replaced(
    server: EmbeddedServer, empty: Database, options: str
) -> None:
    Migrator(empty).apply()
    expected = dump(server.programs, empty)
    sql(empty, f"DROP INDEX {SEARCH}")
    sql(empty, f"CREATE INDEX {SEARCH} ON whatsapp_messages {FORMER}{options}")
    sql(empty, "DELETE FROM wa.migrations WHERE version = '0020_long_texts'")

    assert Migrator(empty).apply() == []

    assert dump(server.programs, empty) == expected


def test_a_migration_that_an_older_version_left_unfinished_is_completed(
    server: EmbeddedServer, empty: Database
) -> None:
    found_tables.load(server.programs, empty, "m13")
    Migrator(empty).apply(catalogue.find("6"))
    [old] = catalogue.find("7").up.accepted_checksums - {catalogue.find("7").up.checksum}
    sql(
        empty,
        "INSERT INTO wa.migrations (version, step, state, checksum) VALUES ('0007_report_indexes', 0, 'running', :old)",
        old=old,
    )

    assert Migrator(empty).apply() == []


OTHERS = {
    SEARCH: "USING gin (to_tsvector('english', content))",
    "idx_messages_direction": "(direction, timestamp)",
    "idx_messages_timestamp": "(timestamp DESC)",
    "idx_messages_read": "(read_at)",
}


@pytest.mark.parametrize(("index", "on"), OTHERS.items())
def test_a_business_index_with_our_name_is_reported_and_kept(empty: Database, index: str, on: str) -> None:
    sql(empty, AS_FOUND)
    sql(empty, "ALTER TABLE whatsapp_messages ADD direction VARCHAR(20), ADD read_at TIMESTAMP")
    sql(empty, f"CREATE INDEX {index} ON whatsapp_messages {on}")
    theirs = definition(empty, index)

    skipped = Migrator(empty).apply()

    assert any(f"an index {index} with another definition, which stays: {theirs}" in line for line in skipped)
    check = checks.finding(empty, "indexes")
    assert (check.level, str(theirs) in check.message) == ("warning", True)
    emitted: list[progress.Event] = []
    Migrator(empty, emitted.append).rollback(99)
    assert definition(empty, index) == theirs
    assert any(isinstance(event, progress.Skipped) and index in event.why for event in emitted)


def test_a_unique_index_is_not_accepted_as_our_index(empty: Database) -> None:
    sql(empty, AS_FOUND)
    sql(empty, "CREATE UNIQUE INDEX idx_messages_timestamp ON whatsapp_messages (timestamp)")

    [skipped] = Migrator(empty).apply()

    assert "CREATE UNIQUE INDEX idx_messages_timestamp" in skipped


def test_every_built_index_is_recognized_by_the_definition_that_postgresql_prints(database: Database) -> None:
    for index in catalogue.indexes():
        assert catalogue.comparable(str(definition(database, index))) in catalogue.built_definitions(index), index


def test_a_begun_migration_with_an_unknown_checksum_is_refused(empty: Database) -> None:
    Migrator(empty).apply(catalogue.find("6"))
    sql(
        empty,
        "INSERT INTO wa.migrations (version, step, state, checksum) VALUES ('0007_report_indexes', 0, 'running', 'x')",
    )

    with pytest.raises(ConfigError, match="begun with other statements"):
        Migrator(empty).apply()


def languages(database: Database) -> list[tuple[str, bool]]:
    return [(row["language"], row["is_valid"]) for row in sql(database, sqlfiles.read("lookups/search_indexes"))]


def test_one_search_language_has_an_index_which_is_built_once(empty: Database) -> None:
    migrator = Migrator(empty)
    migrator.apply()

    migrator.set_search_language("english")
    [before] = sql(empty, "SELECT to_regclass('idx_messages_search_english')::oid AS oid")
    migrator.set_search_language("english")

    assert sql(empty, "SELECT to_regclass('idx_messages_search_english')::oid AS oid") == [before]
    assert languages(empty) == [("english", True)]
    migrator.set_search_language("german")
    assert languages(empty) == [("german", True)]
    assert migrator.search_steps("german") == []
    migrator.set_search_language("simple")
    assert languages(empty) == []
    with pytest.raises(BadInput, match=r"'klingon'.") as raised:
        migrator.set_search_language("klingon")
    assert "english" in str(raised.value.hint)


def test_a_half_built_search_index_is_not_used_and_is_rebuilt(empty: Database) -> None:
    migrator = Migrator(empty)
    migrator.apply()
    migrator.set_search_language("english")
    sql(
        empty,
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_messages_search_english'::regclass",
    )
    assert languages(empty) == [("english", False)]

    migrator.set_search_language("english")

    assert languages(empty) == [("english", True)]


def test_a_search_index_that_wa_did_not_build_stays(empty: Database) -> None:
    migrator = Migrator(empty)
    migrator.apply()
    sql(empty, "CREATE INDEX idx_messages_search_english ON whatsapp_messages (content)")

    with pytest.raises(PartlyDone, match="another definition"):
        migrator.set_search_language("english")

    assert definition(empty, "idx_messages_search_english")


def test_the_script_of_a_search_language_runs_in_psql(server: EmbeddedServer, empty: Database) -> None:
    migrator = Migrator(empty)
    migrator.apply()

    script = "\n".join(psql.unrecorded(migrator.search_steps("english")))
    subprocess.run([str(server.programs / "psql"), "-q", url_of(empty)], input=script, text=True, check=True)

    assert migrator.search_steps("english") == []
