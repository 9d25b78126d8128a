"""Every webhook that Meta can post, through the whole program: persisted, listed, replayed, and its files saved."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import psycopg2.extras
import pytest

from tests.acceptance.conftest import Shell, until_it_answers
from tests.support.waiting import free_port, line_with, until
from wa_cli.sandbox import notification_files

NOT_ROWS = {
    "account_alert",
    "account_update",
    "app_state",
    "errors",
    "history_declined",
    "preferences",
    "quality_update",
    "status",
    "status_failed",
    "status_group",
    "template_status",
    "user_id_update",
}


@dataclass
class Town:
    """A running `wa up`, and queries on its database."""

    shell: Shell
    base: str
    url: str

    def rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg2.connect(self.url, cursor_factory=psycopg2.extras.RealDictCursor) as connection:
            cursor = connection.cursor()
            cursor.execute(query)
            return [dict(row) for row in cursor.fetchall()]

    def count(self, query: str) -> int:
        return int(next(iter(self.rows(f"SELECT count(*) FROM {query}")[0].values())))


@contextmanager
def town(shell: Shell) -> Iterator[Town]:
    port = free_port()
    shell.environ |= {"WA_PORT": str(port), "WA_MEDIA": str(shell.folder / "files")}
    base = f"http://127.0.0.1:{port}"
    with shell.running("up") as process:
        until_it_answers(f"{base}/health", process)
        yield Town(shell, base, shell.wa("db", "url").stdout.strip())


@contextmanager
def listening(shell: Shell) -> Iterator[list[dict[str, Any]]]:
    """Run `wa listen --json` during the block. Yield a list, which gets the printed lines at the end of the block."""
    command = [sys.executable, "-m", "wa_cli", "listen", "--json"]
    lines: list[dict[str, Any]] = []
    with subprocess.Popen(
        command, env=shell.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as heard:
        line_with("Listening", heard, heard.stderr)
        reading = threading.Thread(target=lambda: lines.extend(map(json.loads, heard.stdout or [])))
        reading.start()
        try:
            yield lines
        finally:
            heard.terminate()
            reading.join(10)


def test_every_notification_played_twice_is_persisted_once(shell: Shell) -> None:
    listed = json.loads(shell.wa("sandbox", "list", "--json").stdout)["rows"]
    assert [row["name"] for row in listed] == notification_files.names()
    with town(shell) as place:
        with listening(shell) as lines:
            played = json.loads(shell.wa("sandbox", "play", "all", "--times", "2", "--shuffled", "--json").stdout)
            assert {one["status"] for one in played} == {200}
            rows = len(notification_files.names()) - len(NOT_ROWS) + 1  # history has two messages
            until(lambda: place.count("whatsapp_messages") == rows, "the last row")
            until(lambda: place.count("wa.notices") == 9, "the last notice")
            until(lambda: place.count("whatsapp_messages WHERE media_size > 0") == 6, "the last file")
            until(lambda: len(lines) >= rows + 13, "the last line")

        assert place.count("wa.status_events") == 4
        assert place.count("wa.queue_messages WHERE state = 'dead'") == 0
        assert Counter(line["kind"] for line in lines) == {"message": rows, "notice": 9, "status": 4}
        assert all(line["raw"] for line in lines)
        assert {line["history"] for line in lines if line["kind"] == "message"} == {True, False}

        report = json.loads(shell.wa("verify", "--json").stdout)
        assert {check["name"]: check["result"] for check in report["checks"]}["webhook"] == "ok"


def test_a_stored_message_and_a_file_can_be_replayed(shell: Shell) -> None:
    body = {
        "metadata": {"display_phone_number": "15550100000", "phone_number_id": "100000000000001"},
        "messages": [
            {
                "from": "15551234567",
                "id": "wamid.1",
                "timestamp": "1792500000",
                "type": "text",
                "text": {"body": "\x1b[31mred"},
            }
        ],
    }
    (shell.folder / "value.json").write_text(json.dumps(body))
    (shell.folder / "broken.json").write_text("{")
    with town(shell) as place:
        for _ in range(2):
            shell.wa("webhook", "replay", "value.json")
        until(lambda: place.count("whatsapp_messages") == 1, "the row")
        shell.wa("webhook", "replay", "wamid.1")
        httpx.post(f"{place.base}/webhook", content=b"{", timeout=5)
        assert "401" not in shell.wa("webhook", "replay", "wamid.1").stderr

        shell.wa("webhook", "replay", "broken.json", code=2)
        shell.wa("webhook", "replay", "wamid.2", code=2)
        assert place.count("whatsapp_messages") == 1
        # A customer's text must not control the terminal.
        assert "\x1b" not in shell.wa("conversation", "+15551234567").stdout

    failed = shell.wa("webhook", "replay", "value.json", code=4)
    assert "does not answer" in failed.stderr


def test_a_webhook_with_a_wrong_signature_is_refused(shell: Shell) -> None:
    with town(shell) as place:
        shell.wa("sandbox", "play", "text", "--wrong-signature")
        shell.wa("sandbox", "play", "text", "--after", "100ms", "--batched")

        until(lambda: place.count("whatsapp_messages") == 1, "the row")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("sandbox", "play", "hologram"), 2, "wa: Unknown webhook 'hologram'."),
        (("sandbox", "play", "text", "--from", "1555"), 2, "wa: '1555' does not begin with + and a country code."),
        (("media", "fetch"), 4, "wa: No media destination is configured."),
        (("media", "fetch", "--media", "ftp://x"), 4, "wa: WA_MEDIA (from flag): 'ftp://x' is neither a folder"),
    ],
)
def test_invalid_arguments_of_sandbox_play_and_media_fetch_are_refused(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    failed = Shell(tmp_path).wa(*arguments, code=code)

    assert failed.stderr.startswith(said), failed.stderr


def test_a_customer_with_a_hidden_phone_number_can_be_answered(shell: Shell) -> None:
    with town(shell) as place:
        shell.wa("sandbox", "play", "user_id_only", "--from", "+15551234567")
        until(lambda: place.count("whatsapp_messages") == 1, "the question")
        [waiting] = json.loads(shell.wa("report", "unanswered", "--json").stdout)["rows"]

        shell.wa("send", "text", waiting["customer"], "we hear you", "--wait")

        assert json.loads(shell.wa("report", "unanswered", "--json").stdout)["rows"] == []
        assert "we hear you" in shell.wa("conversation", waiting["customer"]).stdout
