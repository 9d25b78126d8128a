"""`wa verify`: each check finds its kind of damage and suggests a command."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.integration.conftest import Bench
from tests.support.checks import finding, storage_findings
from wa_cli.backlog import Backlog
from wa_cli.checks import clock
from wa_cli.checks.finding import Finding
from wa_cli.clock import now
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.messages.outcomes import Accepted
from wa_cli.migrations.runner import Migrator
from wa_cli.outbox.outbox import Outbox
from wa_cli.outbox.spool import Spool
from wa_cli.queues.base import QueueMessage
from wa_cli.queues.postgres import PostgresQueue

FILL = "wa migrate --backfill-direction"


def send(bench: Bench, *wamids: str) -> None:
    for wamid in wamids:
        bench.queue(wamid)
        [claim] = bench.claim()
        bench.settle(claim, Accepted(wamid))


def test_a_healthy_database_passes_every_check(bench: Bench) -> None:
    send(bench, "wamid.1")

    found = storage_findings(bench.database)

    assert [(check.name, finding.message) for check, finding in found if finding.level != "ok"] == []
    assert len({check.name for check, _ in found}) == len(found)


def test_the_storage_rate_counts_accepted_messages(bench: Bench) -> None:
    send(bench, "wamid.1", "wamid.2", "wamid.3", "wamid.4")
    assert finding(bench.database, "storage_rate").facts == {"accepted": 4, "stored": 4, "share": 1.0}

    bench.sql("DELETE FROM whatsapp_messages WHERE message_id = 'wamid.2'")
    found = finding(bench.database, "storage_rate")

    assert (found.level, found.facts["share"]) == ("failed", 0.75)
    assert found.details == ("not stored: wamid.2",)
    bench.sql("UPDATE wa.send_attempts SET created_at = created_at - interval '2 days'")
    assert finding(bench.database, "storage_rate").facts == {"accepted": 0, "stored": 0}
    assert finding(bench.database, "storage_rate", timedelta(days=3)).level == "failed"


@pytest.mark.parametrize(
    ("damage", "name", "level", "hint"),
    [
        ("DELETE FROM wa.migrations WHERE version LIKE '0009%'", "migrations", "failed", "wa migrate"),
        ("UPDATE wa.migrations SET state = 'skipped', note = 'a view' WHERE step = 2", "migrations", "warning", None),
        (
            "ALTER TABLE whatsapp_messages DROP CONSTRAINT check_direction",
            "direction_constraint",
            "failed",
            "wa migrate",
        ),
        ("DROP INDEX idx_messages_direction", "direction_index", "failed", "wa migrate"),
        (
            "DROP INDEX idx_messages_direction; CREATE INDEX idx_messages_direction ON whatsapp_messages (status)",
            "direction_index",
            "failed",
            None,
        ),
        ("DROP INDEX idx_messages_timestamp", "indexes", "failed", "wa migrate"),
        ("DROP INDEX idx_messages_timestamp", "plans", "failed", "wa migrate"),
        (
            "UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'idx_messages_employee'::regclass",
            "indexes",
            "failed",
            "wa migrate",
        ),
        ("DROP TABLE wa.media", "files", "failed", "wa migrate"),
        ("DROP SCHEMA wa CASCADE", "uncertain", "failed", "wa migrate"),
        ("ALTER TABLE whatsapp_messages DROP COLUMN campaign", "model", "failed", "wa migrate"),
        ("ALTER TABLE whatsapp_messages DROP COLUMN direction CASCADE", "direction_column", "failed", "wa migrate"),
        ("ALTER TABLE whatsapp_messages DROP COLUMN direction CASCADE", "round_trip", "failed", "wa migrate"),
        ("UPDATE whatsapp_messages SET direction = NULL", "orphans", "warning", FILL),
        ("UPDATE whatsapp_messages SET direction = 'incoming'", "orphans", "failed", FILL),
        ("UPDATE whatsapp_messages SET to_phone = NULL", "orphans", "warning", None),
        ("UPDATE whatsapp_messages SET timestamp = NULL", "orphans", "warning", None),
        ("DELETE FROM whatsapp_messages", "counts", "warning", None),
        ("UPDATE wa.outbox SET state = 'held'", "uncertain", "warning", "wa queue held"),
    ],
)
def test_each_kind_of_damage_is_found_by_its_check(
    bench: Bench, damage: str, name: str, level: str, hint: str | None
) -> None:
    send(bench, "wamid.1")
    assert finding(bench.database, name).level == "ok"

    bench.sql(damage)

    found = finding(bench.database, name)
    assert found.level == level, found.message
    assert hint in (None, found.hint, found.command)
    if hint == "wa migrate":
        assert Migrator(bench.database).apply() == []
        assert finding(bench.database, name).level == "ok"


def test_a_user_without_write_privileges_fails_the_permissions_check(bench: Bench) -> None:
    bench.sql("DROP ROLE IF EXISTS onlooker")
    bench.sql("CREATE ROLE onlooker LOGIN")
    bench.sql("GRANT USAGE ON SCHEMA wa TO onlooker")
    bench.sql("GRANT SELECT ON whatsapp_messages TO onlooker")
    url = bench.database.engine.url.render_as_string(hide_password=False)
    onlooker = Database(url.replace("postgres@", "onlooker@"))

    found = finding(onlooker, "permissions")

    assert found.level == "failed"
    assert "INSERT on whatsapp_messages" in found.facts["missing"]
    assert "SELECT on whatsapp_messages" not in found.facts["missing"]
    onlooker.close()
    bench.sql("DROP OWNED BY onlooker")
    bench.sql("DROP ROLE onlooker")


def test_a_server_without_synchronous_commit_is_a_warning(database: Database) -> None:
    forgetful = Database(database.engine.url.render_as_string(hide_password=False))
    sa.event.listen(
        forgetful.engine, "connect", lambda connection, _: connection.cursor().execute("SET synchronous_commit = off")
    )

    found = finding(forgetful, "server")

    assert (found.level, "off: synchronous_commit" in found.message) == ("warning", True)
    forgetful.close()


def test_a_clock_difference_is_a_warning(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(seconds=90))

    found = finding(database, "clock")

    assert found.level == "warning"
    assert 89 < found.facts["seconds_ahead"] < 91


class Waiting:
    """The backlog check over real queues and a real spool."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.incoming = PostgresQueue("incoming", database)
        self.spool = Spool(folder)
        counted = Backlog(PostgresQueue("outgoing", database), self.incoming, Outbox(database, "42"))
        self.database, self.counted = database, counted

    def run(self) -> Finding:
        spools = {"webhooks": [self.spool]}
        return finding(self.database, "backlog", backlog=self.counted.status, open_spools=lambda: spools)


def test_the_backlog_check_reports_queued_spooled_and_dead_messages(bench: Bench, tmp_path: Path) -> None:
    waiting = Waiting(bench.database, tmp_path)
    assert (waiting.run().level, waiting.run().command) == ("ok", None)

    waiting.incoming.put([QueueMessage("a"), QueueMessage("b")])
    assert waiting.run().message.startswith("queues: 2 incoming; spool: none")
    assert waiting.run().level == "ok"

    waiting.incoming.refuse(QueueMessage("c"), "unreadable")
    assert (waiting.run().level, waiting.run().command) == ("warning", "wa queue dead")

    waiting.spool.append([{"webhook": "d"}])
    assert (waiting.run().level, waiting.run().command) == ("warning", "wa spool replay")
    assert waiting.run().facts["spooled"] == {"webhooks": 1}
    waiting.spool.close()


def test_checks_of_a_database_without_migrations_suggest_wa_migrate(server: EmbeddedServer, tmp_path: Path) -> None:
    name = f"bare_{uuid4().hex[:12]}"
    server.ensure(name)
    bare = Database(server.url(name))

    found = [*(finding for _, finding in storage_findings(bare)), Waiting(bare, tmp_path).run()]

    assert {finding.command for finding in found if finding.level == "failed"} == {"wa migrate"}
    assert found[-1].level == "failed"
    bare.close()
    server.drop(name)


@pytest.mark.parametrize(
    ("change", "level", "expected"),
    [
        ("SET timezone = 'Asia/Kolkata'", "failed", "time zone is Asia/Kolkata"),
        ("SET default_transaction_read_only = on", "failed", "default_transaction_read_only is on"),
        ("SET lock_timeout = 0", "warning", "lock_timeout is 0 instead of 15s"),
    ],
)
def test_a_session_with_changed_settings_is_reported(
    database: Database, change: str, level: str, expected: str
) -> None:
    pooled = Database(database.engine.url.render_as_string(hide_password=False))
    sa.event.listen(pooled.engine, "checkout", lambda connection, *_: _execute(connection, change))

    found = finding(pooled, "session")

    assert (found.level, expected in found.message) == (level, True), found.message
    pooled.close()


def _execute(connection: Any, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.commit()
