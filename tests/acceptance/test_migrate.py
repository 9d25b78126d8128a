"""wa migrate at the command line: upgrades, rollbacks and the confirmations that they need."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest

from tests.acceptance.conftest import Shell
from wa_cli.cli.context import AppContext
from wa_cli.migrations import catalogue
from wa_cli.settings import sources


def test_a_rollback_is_refused_while_its_tables_hold_unfinished_messages(shell: Shell) -> None:
    shell.wa("send", "text", "+123", "hi")
    count = len(catalogue.names())

    failed = shell.wa("migrate", "rollback", "--to", "0002", "--yes", code=6)

    assert "Nothing was rolled back: messages would be lost (1 waiting)." in failed.stderr
    assert f"Rolled back: {catalogue.names()[-1]}" not in failed.stderr
    shell.wa("migrate", "--yes")
    shell.wa("worker", "outgoing", "--drain")
    shell.wa("migrate", "rollback", "--to", "0002", "--yes")
    shell.wa("migrate", "--yes")
    assert len(shell.wa("migrate", "status", "--format", "ndjson").stdout.splitlines()) == count


def test_the_direction_column_is_dropped_only_with_drop_direction(shell: Shell) -> None:
    shell.wa("migrate", "--yes")

    kept = shell.wa("migrate", "rollback", "--to", "1", "--yes")
    assert "The column direction stays" in kept.stderr
    assert "Cannot ask for a confirmation" in shell.wa("migrate", "rollback", "--drop-direction", code=2).stderr
    dropped = shell.wa("migrate", "rollback", "--drop-direction", "--yes")
    assert "The column direction is dropped" in dropped.stderr
    shell.wa("migrate", "rollback", "--to", "0001", "--drop-direction", code=2)

    shell.wa("migrate", "--to", "0004", "--yes")
    states = shell.wa("migrate", "status", "--format", "csv").stdout
    assert states.count("applied") == 4 + 1  # and the heading
    assert "Unknown migration '99'" in shell.wa("migrate", "--to", "99", code=2).stderr


@pytest.mark.parametrize("which", ["outcomes", "webhooks"])
def test_a_rollback_is_refused_while_a_spool_has_records(
    shell: Shell, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.wa("migrate", "--yes")
    monkeypatch.setenv("WA_HOME", str(shell.folder / "data"))
    spool = getattr(AppContext(sources.load()).spools, which)
    kept = spool.append([{"webhook": "a"}])

    refused = shell.wa("migrate", "rollback", "--drop-direction", "--yes", code=6)
    assert f"Nothing was rolled back: the spool has 1 record in {spool.folder}" in refused.stderr
    assert "applied" in shell.wa("migrate", "status").stdout
    shell.wa("migrate", "rollback", "--to", "0002", "--yes", code=6)

    spool.remove(kept)
    spool.close()
    shell.wa("migrate", "rollback", "--drop-direction", "--yes")


def test_a_rollback_that_would_lose_messages_is_refused_before_it_begins(shell: Shell) -> None:
    shell.wa("migrate", "--yes")
    url = shell.wa("db", "url").stdout.strip()
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO wa.queue_messages (queue, id, body, state) VALUES ('incoming', '1', '{}', 'dead')")
        cursor.execute("INSERT INTO wa.contacts (customer, name) VALUES ('123', 'Ana')")

    refused = shell.wa("migrate", "rollback", "--to", "0002_direction", "--yes", code=6)
    assert "messages would be lost (1 dead)" in refused.stderr
    assert "0003_wa" in shell.wa("migrate", "status").stdout
    assert "pending" not in shell.wa("migrate", "status").stdout

    shell.wa("queue", "purge", "incoming", "--yes")
    done = shell.wa("migrate", "rollback", "--to", "0002_direction", "--yes")
    assert "1 of wa.contacts" in done.stderr


def test_messages_with_a_lost_direction_are_reported_and_can_be_backfilled(shell: Shell) -> None:
    shell.wa("send", "text", "+123", "hi")
    shell.wa("worker", "outgoing", "--drain")
    shell.wa("migrate", "rollback", "--drop-direction", "--yes")

    named = shell.wa("migrate", "--yes", code=6)

    assert "1 outgoing message marked as incoming" in named.stderr
    assert "wamid." in named.stderr
    assert "Incomplete rows: 1 outgoing message " in shell.wa("verify", code=3).stdout
    shell.environ["WA_BUSINESS_PHONE"] = "+15550100000"
    shell.wa("migrate", "--backfill-direction", "--yes")
    verified = shell.wa("verify").stdout
    assert "1 outgoing" in verified
