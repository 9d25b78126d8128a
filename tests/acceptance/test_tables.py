"""Existing message tables of businesses: each one works with wa, or is refused by name before the first message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.acceptance.conftest import Shell
from tests.support import found_tables
from tests.support.postgres_versions import url_of
from wa_cli.clock import now
from wa_cli.cloud import webhooks
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.queues.base import QueueMessage
from wa_cli.queues.postgres import PostgresQueue

STORED = """
SELECT direction, status::text, timestamp::timestamp AT TIME ZONE 'UTC' > clock_timestamp() - interval '5 minutes' AS is_new
  FROM whatsapp_messages
 WHERE '+123' IN (from_phone, to_phone)
 ORDER BY direction
"""


@pytest.fixture
def place(server: EmbeddedServer) -> Iterator[Database]:
    name = f"table_{uuid4().hex[:12]}"
    server.ensure(name)
    database = Database(server.url(name))
    yield database
    database.close()
    server.drop(name)


@pytest.fixture
def shell(place: Database, tmp_path: Path) -> Shell:
    environ = {"WA_DATABASE_URL": url_of(place), "WA_CLOUD_API_URL": "sandbox", "WA_QUEUE": "postgres"}
    return Shell(tmp_path, {**environ, "WA_SANDBOX_PORT": "0"})


def webhook(wamid: str) -> str:
    message = {
        "from": "123",
        "id": wamid,
        "timestamp": str(int(now().timestamp())),
        "type": "text",
        "text": {"body": "hi"},
    }
    metadata = {"display_phone_number": "15550100000", "phone_number_id": "1"}
    return json.dumps(webhooks.notify({"messaging_product": "whatsapp", "metadata": metadata, "messages": [message]}))


@pytest.mark.parametrize("name", found_tables.TAKEN)
def test_an_existing_table_that_accepts_every_write_works(
    server: EmbeddedServer, place: Database, shell: Shell, name: str
) -> None:
    found_tables.load(server.programs, place, name)

    assert "refused: " not in shell.wa("migrate", "--yes").stderr
    shell.wa("verify")
    shell.wa("send", "text", "+123", "hi")
    shell.wa("worker", "outgoing", "--drain")
    PostgresQueue("incoming", place).put([QueueMessage(webhook("wamid.in"))])
    shell.wa("worker", "incoming", "--drain")

    with place.reading() as connection:
        found = connection.execute(sa.text(STORED)).all()
    assert [tuple(row) for row in found] == [("incoming", "received", True), ("outgoing", "sent", True)]
    assert shell.wa("conversation", "+123").stdout.count("hi") == 2
    assert "1 outgoing" in shell.wa("verify").stdout
    shell.wa("report", "volume")


@pytest.mark.parametrize(("name", "said"), found_tables.REFUSED.items())
def test_a_table_that_would_refuse_messages_is_reported_by_migrate_and_verify(
    server: EmbeddedServer, place: Database, shell: Shell, name: str, said: str
) -> None:
    found_tables.load(server.programs, place, name)

    before, _, after = shell.wa("migrate", "--yes", code=6).stderr.partition("pending: 0001")

    assert f"refused: {said}" in before
    assert said in after
    assert said in shell.wa("verify", code=3).stdout
