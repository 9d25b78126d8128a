"""Moving waiting messages to another business number, and replaying the spool."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import Shell
from tests.acceptance.test_story import rows
from wa_cli.cli.context import AppContext
from wa_cli.sandbox import NUMBER
from wa_cli.settings import sources


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
    monkeypatch.setenv("WA_HOME", str(shell.folder / "data"))
    spool = AppContext(sources.load()).spools.webhooks
    spool.append([{"webhook": "{}"}])
    spool.close()
    [kept] = [path for path in spool.folder.iterdir() if path.suffix == ".jsonl"]
    kept.write_text(kept.read_text() + "rubbish\n")

    replayed = shell.wa("spool", "replay", code=6)

    assert "1 webhook put back on the queue." in replayed.stderr
    assert "1 file of the spool set aside." in replayed.stderr
    assert ".corrupt" in shell.wa("spool", "status", "--json").stdout
    assert rows(shell, "SELECT count(*) FROM wa.queue_messages WHERE queue = 'incoming'") == [(1,)]
