"""Unusual databases: one refused row does not stop others, and a failover leaves no connection to the old primary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.encoded_database import encoded_database
from tests.support.outgoing_worker import Works
from tests.support.running_sandbox import running_sandbox
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.errors import StatementCancelled
from wa_cli.messages.content.text import text
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.migrations import preflight
from wa_cli.migrations.runner import Migrator
from wa_cli.queues.base import QueueMessage
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.workers.spooled_webhooks import admit


@pytest.fixture
def works(database: Database, tmp_path: Path) -> Iterator[Works]:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        yield Works(database, sandbox, tmp_path)


@pytest.fixture(params=["LATIN1", "SQL_ASCII"])
def encoded(
    request: pytest.FixtureRequest, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """Yield a database that is not UTF8, migrated by a release that did not check the encoding."""
    monkeypatch.setattr(preflight, "ENCODING", request.param)
    with encoded_database(server, request.param) as database:
        Migrator(database).apply()
        yield database


def test_text_outside_the_database_encoding_is_a_dead_letter_and_other_webhooks_pass(encoded: Database) -> None:
    queue = PostgresQueue("incoming", encoded)
    beyond, plain = (json.dumps({"text": word}, ensure_ascii=False) for word in ("你好", "hello"))

    assert admit(queue, [QueueMessage(beyond), QueueMessage(plain)]) == []
    assert admit(queue, [QueueMessage(plain)]) == []

    [dead] = queue.dead_letters(10)
    assert queue.depth().waiting == 2
    assert json.loads(dead.body) == json.loads(beyond)
    assert dead.reason


def test_after_a_failover_no_connection_to_the_old_primary_is_kept(database: Database) -> None:
    name = database.engine.url.database
    with database.autocommit() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    database.close()

    before = backend_of(database)

    with pytest.raises(StatementCancelled), database.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE t ()")

    assert backend_of(database) != before


def test_an_employee_that_a_foreign_key_refuses_is_left_out_and_the_message_is_stored(works: Works) -> None:
    works.bench.sql("CREATE TABLE staff (id uuid PRIMARY KEY)")
    works.bench.sql(
        "ALTER TABLE whatsapp_messages ADD CONSTRAINT known_staff FOREIGN KEY (employee_id) REFERENCES staff"
    )
    stranger = OutgoingMessage(text("hi"), phone="+11", employee_id=uuid4())
    works.queue.put([QueueMessage(stranger.to_body(), stranger.customer)])
    works.put("+12")

    works.run()

    assert sorted((row["to_phone"], row["employee_id"]) for row in works.bench.rows()) == [("+11", None), ("+12", None)]
    assert works.spool.state().records == 0


def backend_of(database: Database) -> int:
    """Return the server's process of the pooled connection."""
    with database.autocommit() as connection:
        return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
