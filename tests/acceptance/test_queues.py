"""Moving waiting messages to another business number, and replaying the spool."""

from __future__ import annotations

import json
from contextlib import closing

import psycopg2
import pytest

from tests.acceptance.conftest import Shell
from tests.acceptance.test_story import rows
from wa_cli.cli.context import AppContext
from wa_cli.outbox.spool import Spool
from wa_cli.sandbox import NUMBER
from wa_cli.settings import sources


def context_of(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> AppContext:
    """Return the context of the shell's commands, in this process."""
    monkeypatch.setenv("WA_HOME", str(shell.folder / "data"))
    return AppContext(sources.load())


def test_queue_move_assigns_waiting_messages_to_another_business_number(shell: Shell) -> None:
    shell.wa("send", "text", "+15551234567", "later", "--at", "2h")
    shell.wa("worker", "outgoing", "--drain", code=8)

    shell.wa("queue", "move", "--from", NUMBER, "--to", "42", code=2)
    assert rows(shell, "SELECT number FROM wa.outbox") == [(NUMBER,)]
    moved = shell.wa("queue", "move", "--from", NUMBER, "--to", "42", "--yes")

    assert "1 message moved to 42." in moved.stderr
    assert rows(shell, "SELECT number, state FROM wa.outbox") == [("42", "queued")]
    assert "already wait for 42" in shell.wa("queue", "move", "--from", "42", "--to", "42", code=2).stderr


def test_spool_replay_requeues_readable_records_and_reports_corrupt_files(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.wa("migrate", "--yes")
    spool = context_of(shell, monkeypatch).spools.webhooks
    spool.append([{"webhook": "{}"}])
    spool.close()
    [kept] = [path for path in spool.folder.iterdir() if path.suffix == ".jsonl"]
    kept.write_text(kept.read_text() + "rubbish\n")

    replayed = shell.wa("spool", "replay", code=6)

    assert "1 webhook put back on the queue." in replayed.stderr
    assert "1 file of the spool set aside." in replayed.stderr
    assert ".corrupt" in shell.wa("spool", "status", "--json").stdout
    assert rows(shell, "SELECT count(*) FROM wa.queue_messages WHERE queue = 'incoming'") == [(1,)]


def test_records_of_a_database_are_settled_after_its_address_changed(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failover may change the address. Spooled webhooks were answered with 200, so Meta does not repeat them."""
    shell.wa("migrate", "--yes")
    old = context_of(shell, monkeypatch)
    shell.wa("spool", "replay")
    old.spools.webhooks.append([{"webhook": "{}"}])
    old.spools.webhooks.close()
    url = old.databases.url()
    shell.environ |= {"WA_DATABASE_URL": url.replace("?host=/", "?host=//"), "WA_CLOUD_API_URL": "sandbox"}

    status = json.loads(shell.wa("spool", "status", "--json").stdout)["rows"]
    assert [(row["holds"], row["records"]) for row in status] == [("outcomes", 0), ("webhooks", 0), ("webhooks", 1)]
    drained = shell.wa("worker", "incoming", "--drain", code=6)  # {} is not a notification: a dead letter

    assert "1 spooled webhook put on the queue" in drained.stderr
    assert {row["records"] for row in json.loads(shell.wa("spool", "status", "--json").stdout)["rows"]} == {0}


def test_records_of_another_database_are_reported_and_replayed_only_on_request(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.wa("migrate", "--yes")
    ours = context_of(shell, monkeypatch).spools.webhooks
    other = Spool(ours.folder.parent / "webhooks-other")
    other.append([{"webhook": "{}"}])
    other.close()

    shell.wa("spool", "replay")
    assert "1 spooled record of another database" in shell.wa("verify", code=3).stdout
    assert "stranded webhooks" in shell.wa("spool", "status").stdout
    replayed = shell.wa("spool", "replay", "--folder", str(other.folder), "--yes")

    assert "1 webhook put back on the queue." in replayed.stderr
    assert "stranded webhooks" not in shell.wa("spool", "status").stdout
    assert "has no spooled records" in shell.wa("spool", "replay", "--folder", "missing", code=2).stderr


def test_files_that_are_not_of_the_spool_are_not_touched(shell: Shell) -> None:
    (shell.folder / "mydata.jsonl").write_text('{"mine": true}\n')

    shell.wa("spool", "replay", "--folder", ".", code=2)

    assert (shell.folder / "mydata.jsonl").read_text() == '{"mine": true}\n'


def test_records_of_another_live_process_are_not_stranded(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.wa("migrate", "--yes")
    other = Spool(context_of(shell, monkeypatch).spools.home / "webhooks-other")
    other.append([{"webhook": "{}"}])

    assert "stranded" not in shell.wa("spool", "status").stdout
    other.close()
    assert "stranded" in shell.wa("spool", "status").stdout


def test_a_copy_of_a_database_takes_no_records_of_the_original(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.wa("spool", "replay")
    original = context_of(shell, monkeypatch)
    original.spools.webhooks.append([{"webhook": "{}"}])
    original.spools.webhooks.close()
    url = original.databases.url()
    with closing(psycopg2.connect(url.replace("/wa?", "/postgres?"))) as connection:
        connection.autocommit = True
        connection.cursor().execute("CREATE DATABASE staging TEMPLATE wa")
    shell.environ |= {"WA_DATABASE_URL": url.replace("/wa?", "/staging?"), "WA_CLOUD_API_URL": "sandbox"}

    shell.wa("worker", "incoming", "--drain")

    folder = str(original.spools.webhooks.folder)
    assert "stranded webhooks" in shell.wa("spool", "status").stdout
    assert "Use --yes" in shell.wa("spool", "replay", "--folder", folder, code=2).stderr
    assert original.spools.webhooks.state().records == 1
