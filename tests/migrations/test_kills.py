"""A migration killed at any step is completed by the next run, with the same schema as an undisturbed run."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.support import killed_migrator
from tests.support.postgres_versions import AS_FOUND, dump, sql, url_of
from tests.support.waiting import until
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.errors import StillPending
from wa_cli.migrations import catalogue, ledger
from wa_cli.migrations.runner import Migrator

# The step numbers of each migration in the order of a run. The whole file is recorded last, as number 0.
POINTS = {
    migration.name: [*(step.number for step in migration.up.steps if step.number), 0]
    for migration in catalogue.migrations()
}


def make_old(database: Database, rows: int = 2500) -> None:
    """Create a table older than wa, with a `direction` column added by hand and rows without a direction."""
    sql(database, AS_FOUND)
    sql(database, "ALTER TABLE whatsapp_messages ADD COLUMN direction VARCHAR(20)")
    sql(
        database,
        "INSERT INTO whatsapp_messages (message_id, from_phone, message_type)"
        " SELECT n, n, 'text' FROM generate_series(1, :rows) AS n",
        rows=rows,
    )


@pytest.fixture(scope="module")
def undisturbed(server: EmbeddedServer) -> Iterator[list[str]]:
    """Yield the schema after an undisturbed run."""
    server.ensure("undisturbed")
    database = Database(server.url("undisturbed"))
    make_old(database, 1)
    Migrator(database).apply()
    yield dump(server.programs, database)
    database.close()
    server.drop("undisturbed")


def finish(database: Database) -> None:
    assert Migrator(database).apply() == []
    assert sql(database, "SELECT count(*) AS n FROM whatsapp_messages WHERE direction IS NULL") == [{"n": 0}]
    assert sql(database, "SELECT count(*) AS n FROM pg_index WHERE NOT indisvalid") == [{"n": 0}]


@pytest.mark.parametrize("version", POINTS)
def test_a_run_after_a_kill_at_any_step_reaches_the_same_schema(
    server: EmbeddedServer, empty: Database, undisturbed: list[str], version: str
) -> None:
    make_old(empty)

    for number in POINTS[version]:
        assert killed_migrator.run(url_of(empty), version, number) == -signal.SIGKILL
        with empty.reading() as connection:
            noted = {(e.version, e.step) for e in ledger.entries(connection) if e.state == "done"}
        assert (version, number) not in noted
        assert noted >= {(version, before) for before in POINTS[version] if 0 < before < number}

    finish(empty)
    assert dump(server.programs, empty) == undisturbed


def run_and_kill(database: Database, when: str) -> None:
    """Run a migrator in a separate process and kill it as soon as this query returns a row."""
    code = f"from wa_cli.cli.app import app; app(['migrate', '--yes'])  # {url_of(database)}"
    environ = {"WA_DATABASE_URL": url_of(database), "WA_CLOUD_API_URL": "sandbox", "PATH": "/usr/bin:/bin"}
    with subprocess.Popen([sys.executable, "-c", code], env=environ, stderr=subprocess.PIPE) as migrator:
        until(lambda: bool(sql(database, when)), when)
        migrator.kill()
        migrator.communicate()


def test_a_run_after_a_kill_while_rows_are_filled_reaches_the_same_schema(
    server: EmbeddedServer, empty: Database, undisturbed: list[str]
) -> None:
    make_old(empty, 40_000)

    run_and_kill(empty, "SELECT FROM pg_stat_activity WHERE application_name LIKE 'wa migrate: % rows filled'")

    filled = sql(empty, "SELECT count(direction) AS n FROM whatsapp_messages")[0]["n"]
    assert 0 < filled < 40_000
    finish(empty)
    assert dump(server.programs, empty) == undisturbed


def test_a_run_after_a_kill_during_an_index_build_reaches_the_same_schema(
    server: EmbeddedServer, empty: Database, undisturbed: list[str]
) -> None:
    make_old(empty)
    holder = Database(url_of(empty))
    with holder.reading() as old:  # a concurrent build waits for its snapshot
        old.execute(sa.text("SELECT 1"))
        run_and_kill(empty, "SELECT FROM pg_stat_progress_create_index WHERE current_locker_pid > 0")
        with pytest.raises(StillPending):
            Migrator(empty, timeout=timedelta(seconds=0.5)).apply()
    holder.close()

    finish(empty)
    assert dump(server.programs, empty) == undisturbed


def test_concurrent_migrators_run_one_after_the_other(
    server: EmbeddedServer, empty: Database, undisturbed: list[str]
) -> None:
    make_old(empty)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            Migrator(empty).apply()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    finish(empty)
    assert dump(server.programs, empty) == undisturbed
