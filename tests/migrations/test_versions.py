"""Migrations on every installed PostgreSQL: upgrades, rollbacks, use, the declared locks, and a running autovacuum."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.conftest import Bench
from tests.support import postgres_versions
from tests.support.postgres_versions import AS_FOUND, Server, dump, sql
from tests.support.waiting import until
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.messages.outcomes import Accepted
from wa_cli.migrations import catalogue, ledger
from wa_cli.migrations.runner import Migrator
from wa_cli.reports import ranges, runner
from wa_cli.reports.catalogue import reports

VERSIONS = postgres_versions.versions()


@pytest.fixture(scope="module", params=list(VERSIONS.values()), ids=list(VERSIONS))
def versioned_server(request: pytest.FixtureRequest, server: EmbeddedServer) -> Iterator[Server]:
    """Yield a server of each version. `server` is needed because it lets an unprivileged user reach the programs."""
    del server
    with postgres_versions.running(request.param) as running:
        yield running


@pytest.fixture
def place(versioned_server: Server) -> Iterator[Database]:
    with versioned_server.database() as database:
        yield database


def test_both_bundled_postgresql_versions_are_tested() -> None:
    assert {"16", "18"} <= VERSIONS.keys()


def test_upgrade_rollback_and_upgrade_give_the_same_schema_and_rows(versioned_server: Server, place: Database) -> None:
    sql(place, AS_FOUND)
    sql(place, "ALTER TABLE whatsapp_messages ADD COLUMN direction VARCHAR(20)")
    sql(
        place,
        "INSERT INTO whatsapp_messages (message_id, from_phone, message_type, direction)"
        " SELECT n, n, 'text', CASE WHEN n % 3 > 0 THEN 'outgoing' END FROM generate_series(1, 3000) AS n",
    )
    assert Migrator(place).apply() == []
    first = dump(versioned_server.programs, place)

    assert len(Migrator(place).rollback(99)) == len(catalogue.names())
    assert Migrator(place).apply() == []

    assert dump(versioned_server.programs, place) == first
    counted = sql(place, "SELECT direction, count(*) AS n FROM whatsapp_messages GROUP BY 1 ORDER BY 1")
    assert counted == [{"direction": "incoming", "n": 1000}, {"direction": "outgoing", "n": 2000}]


def test_a_message_is_stored_and_every_report_runs(place: Database) -> None:
    Migrator(place).apply()
    bench = Bench(place)
    bench.queue("hello")
    [claim] = bench.claim()
    bench.settle(claim, Accepted("wamid.1"))

    assert [row["content"] for row in bench.rows()] == ["hello"]
    for report in reports():
        span = ranges.range_of(report, since=None, until=None, zone="Europe/Berlin")
        runner.run(place, report, span, timeout=timedelta(seconds=30))


STRENGTH = (
    "none",
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
LOCKS = "SELECT relation::regclass::text, mode FROM pg_locks WHERE pid = pg_backend_pid() AND granted AND relation IS NOT NULL"
NAMES = {
    "none": "none",
    "AccessShareLock": "ACCESS SHARE",
    "ShareUpdateExclusiveLock": "SHARE UPDATE EXCLUSIVE",
    "AccessExclusiveLock": "ACCESS EXCLUSIVE",
}


def test_each_step_takes_the_lock_that_its_file_declares(place: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps outside a transaction are left out, because their locks are released before the steps are recorded."""
    sql(place, AS_FOUND)
    steps = {(s.version, s.number): s for m in catalogue.migrations() for s in m.up.steps if not s.is_alone}
    taken: dict[tuple[str, int], str] = {}
    write = ledger.write

    def record_locks(connection: Any, version: str, number: int, state: str, *rest: Any) -> None:
        if state == "done" and (version, number) in steps:
            table = steps[version, number].table
            modes = [mode for relation, mode in connection.exec_driver_sql(LOCKS) if relation == table]
            taken[version, number] = NAMES[max(modes, key=STRENGTH.index, default="none")]
        write(connection, version, number, state, *rest)

    monkeypatch.setattr(ledger, "write", record_locks)
    Migrator(place).apply()

    assert taken == {key: step.lock.partition(",")[0].partition(" o")[0] for key, step in steps.items()}


SLOW_VACUUM = {"autovacuum_naptime": "1s", "autovacuum_vacuum_cost_delay": "100ms", "autovacuum_vacuum_cost_limit": "1"}


def test_a_running_autovacuum_does_not_block_the_migration(server: EmbeddedServer) -> None:
    """Autovacuum yields to a lock that waits for a second. A strong lock waits for less, so a weak one goes first."""
    del server
    with postgres_versions.running(VERSIONS["18"], **SLOW_VACUUM) as running, running.database() as place:
        sql(place, AS_FOUND)
        sql(
            place,
            "INSERT INTO whatsapp_messages (message_id, from_phone, message_type)"
            " SELECT n, n, 'text' FROM generate_series(1, 20000) AS n",
        )
        sql(place, "DELETE FROM whatsapp_messages WHERE from_phone::integer % 2 = 0")
        at_work = "SELECT FROM pg_stat_progress_vacuum WHERE relid = 'whatsapp_messages'::regclass"
        until(lambda: bool(sql(place, at_work)), "the autovacuum")

        assert Migrator(place, timeout=timedelta(seconds=20)).apply() == []
