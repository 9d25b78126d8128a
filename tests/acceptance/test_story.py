"""The main commands, as an operator types them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest

from tests.acceptance.conftest import Shell, until_it_answers
from tests.support import waiting as waits
from tests.support.waiting import free_port, line_with
from wa_cli.database.embedded import EmbeddedServer

LINES = [
    ("send", "text", "+123", "hi"),
    ("worker", "outgoing", "--drain"),
    ("verify",),
    ("report", "unanswered"),
    ("migrate",),
]


def test_the_main_commands_work_in_order(shell: Shell) -> None:
    said = [shell.wa(*line) for line in LINES]

    reference = said[0].stdout.strip()
    assert "Message sent successfully to +123: wamid." in said[1].stderr
    assert "Outgoing message stored in database: wamid." in said[1].stderr
    assert "It stands in for WhatsApp" in said[1].stderr
    assert "1 in total: 0 incoming, 1 outgoing" in said[2].stdout
    assert said[2].stdout.splitlines()[-1] == "VERIFIED: every check passed."
    assert "The database has every migration." in said[4].stderr
    [row] = rows(shell, "SELECT reference::text, from_phone, to_phone, status, direction FROM whatsapp_messages")
    assert row == (reference, "business", "+123", "sent", "outgoing")


@pytest.mark.parametrize("first", LINES, ids=lambda line: line[0])
def test_each_main_command_works_as_the_first_command(shell: Shell, first: tuple[str, ...]) -> None:
    shell.wa(*first)


def test_messages_of_a_customer_are_sent_received_answered_and_reported(shell: Shell) -> None:
    port = free_port()
    shell.environ["WA_PORT"] = str(port)
    base = f"http://127.0.0.1:{port}"
    with shell.running("up") as process:
        until_it_answers(f"{base}/health", process)

        asked = httpx.post(
            f"http://localhost:{port}/messaging/send/text",
            json={"phone_number": "+1234567890", "text": "This is a test message for storage verification"},
        )
        assert asked.status_code == 200
        answer = asked.json()
        assert set(answer) == {
            "status",
            "message_id",
            "phone_number",
            "message_type",
            "estimated_processing_time",
        }
        assert (answer["status"], answer["phone_number"], answer["message_type"]) == ("queued", "+1234567890", "text")
        for kind, body in {
            "image": {"image_url": "https://example.org/a.png", "caption": "Look"},
            "document": {"document_url": "https://example.org/a.pdf", "filename": "a.pdf"},
            "template": {"template_name": "hello_world"},
        }.items():
            posted = httpx.post(f"{base}/messaging/send/{kind}", json={"phone_number": "+1234567890", **body})
            assert posted.json()["message_type"] == kind
        status = httpx.get(f"{base}/messaging/queue/status").json()
        assert set(status) == {"outgoing", "incoming"}
        assert set(status["outgoing"]) == {"waiting", "in_flight", "delayed", "dead", "oldest_seconds"}

        shell.wa("sandbox", "say", "+15551234567", "where is my order?", "--name", "Ana")
        (shell.folder / "script.txt").write_text("# Ben\n+15557654321 hello?\n10ms +15557654321 are you there?\n")
        shell.wa("sandbox", "say", "--script", "script.txt")
        until(shell, "SELECT count(*) = 3 FROM whatsapp_messages WHERE direction = 'incoming'")
        waiting = json.loads(shell.wa("report", "unanswered", "--json").stdout)["rows"]
        assert [(row["customer"], row["messages"]) for row in waiting] == [("+15551234567", 1), ("+15557654321", 2)]

        sent = json.loads(shell.wa("send", "text", "+15551234567", "It is on its way", "--wait", "--json").stdout)
        assert (sent["status"], sent["wamid"][:6]) == ("sent", "wamid.")
        until(shell, "SELECT count(*) = 5 FROM whatsapp_messages WHERE direction = 'outgoing' AND status = 'read'")

        refused = shell.wa("send", "template", "+123", "no_such_template", "--wait", code=5)
        assert "Template name does not exist" in refused.stderr

    chat = shell.wa("conversation", "+15551234567").stdout.splitlines()
    assert chat[2].endswith("← where is my order?")
    assert chat[3].endswith("→ It is on its way  (read)")
    waiting = json.loads(shell.wa("report", "unanswered", "--json").stdout)["rows"]
    assert [row["customer"] for row in waiting] == ["+15557654321"]
    [answered] = json.loads(shell.wa("report", "response-times", "--json").stdout)["rows"]
    assert (answered["answered"], answered["waiting"]) == (1, 1)
    assert "██ to 3" in shell.wa("report", "heatmap").stdout
    found = rows(shell, "SELECT status, direction FROM whatsapp_messages WHERE to_phone = '+1234567890'")
    assert found == [("read", "outgoing")] * 4


def test_the_service_accepts_only_signed_webhooks_and_valid_local_requests(shell: Shell) -> None:
    port = free_port()
    with shell.running("serve", "--port", str(port)) as process:
        base = f"http://127.0.0.1:{port}"
        until_it_answers(f"{base}/health", process)
        secret = (shell.folder / "data" / "sandbox" / "app_secret").read_text()

        assert httpx.post(f"{base}/webhook", content=b"{}").status_code == 401
        assert (
            httpx.post(f"{base}/webhook", content=b"{}", headers={"X-Hub-Signature-256": "sha256=0"}).status_code == 401
        )
        assert httpx.post(f"{base}/webhook", content=b"x" * (4 << 20) + b"x").status_code == 413
        shaken = httpx.get(
            f"{base}/webhook",
            params={"hub.mode": "subscribe", "hub.verify_token": secret, "hub.challenge": "<b>123"},
        )
        assert (shaken.status_code, shaken.text) == (200, "<b>123")
        assert shaken.headers["content-type"].startswith("text/plain")
        wrong = {"hub.mode": "subscribe", "hub.verify_token": "x", "hub.challenge": "1"}
        assert httpx.get(f"{base}/webhook", params=wrong).status_code == 403

        bad = httpx.post(f"{base}/messaging/send/text", json={"phone_number": "123", "text": "hi"})
        assert (bad.status_code, "+123" in bad.json()["hint"]) == (400, True)
        assert set(bad.json()) == {"error", "hint"}
        broken = httpx.post(f"{base}/messaging/send/text", content=b"{", headers={"Content-Type": "application/json"})
        assert (broken.status_code, set(broken.json())) == (422, {"error", "hint"})
        strange = httpx.post(f"{base}/messaging/send/text", json={"phone_number": "+123", "text": "hi", "colour": 1})
        assert (strange.status_code, "colour" in strange.json()["error"]) == (422, True)
        typed = httpx.post(f"{base}/messaging/send/text", content=b"phone_number=1")
        assert "Content-Type: application/json" in typed.json()["hint"]
        forwarded = httpx.get(f"{base}/messaging/queue/status", headers={"X-Forwarded-For": "8.8.8.8"})
        assert forwarded.status_code == 401
        foreign = httpx.get(f"{base}/messaging/queue/status", headers={"Host": "shop.example"})
        assert foreign.status_code == 401
    assert rows(shell, "SELECT count(*) FROM wa.queue_messages") == [(0,)]


def test_insecure_no_signature_is_allowed_on_loopback_only(shell: Shell) -> None:
    port = free_port()
    with shell.running("serve", "--port", str(port), "--insecure-no-signature") as process:
        base = f"http://127.0.0.1:{port}"
        until_it_answers(f"{base}/health", process)
        assert httpx.post(f"{base}/webhook", content=b'{"object":"whatsapp_business_account"}').status_code == 200

    refused = shell.wa("serve", "--host", "0.0.0.0", "--port", str(port), "--insecure-no-signature", code=4)  # noqa: S104
    assert "on loopback only" in refused.stderr


def test_the_sandbox_uses_the_configured_app_secret(shell: Shell) -> None:
    shell.environ |= {"WA_APP_SECRET": "given", "WA_CLOUD_API_URL": "sandbox", "WA_DATABASE_URL": "embedded"}
    port = shell.environ["WA_PORT"] = str(free_port())
    with shell.running("up") as process:
        until_it_answers(f"http://127.0.0.1:{port}/health", process)
        [played] = json.loads(shell.wa("sandbox", "play", "text", "--json").stdout)
        assert played["status"] == 200
    assert not (shell.folder / "data" / "sandbox" / "app_secret").exists()


def test_configured_api_keys_are_required_and_set_the_employee(shell: Shell) -> None:
    port, employee = free_port(), "7b0fdd1c-26b5-4bd3-8a2c-4ba8c9f5a111"
    shell.environ["WA_API_KEYS"] = f"first-key,second-key={employee}"
    with shell.running("serve", "--port", str(port)) as process:
        base = f"http://127.0.0.1:{port}"
        until_it_answers(f"{base}/health", process)
        body = {"phone_number": "+123", "text": "hi"}

        assert httpx.post(f"{base}/messaging/send/text", json=body).status_code == 401
        wrong = httpx.post(f"{base}/messaging/send/text", json=body, headers={"Authorization": "Bearer x"})
        assert wrong.status_code == 401
        right = httpx.post(f"{base}/messaging/send/text", json=body, headers={"Authorization": "Bearer second-key"})
        assert right.status_code == 200
    [(queued,)] = rows(shell, "SELECT body FROM wa.queue_messages")
    assert json.loads(queued)["metadata"]["employee_id"] == employee


def test_the_demo_shows_answered_and_unanswered_customers_and_keeps_its_own_database(shell: Shell) -> None:
    told = shell.wa("demo", timeout=120).stdout

    assert "sample data" in told
    assert "→ Mia answers Ana Souza, type text: queued" in told
    assert "David Okafor is not answered" in told
    assert "VERIFIED" in told
    assert "Hello? My parcel arrived damaged" in told.split("wa report unanswered")[1]
    assert "██ to " in told
    assert rows(shell, "SELECT count(*) FROM whatsapp_messages") == [(0,)]


def test_a_killed_process_does_not_stop_the_embedded_database_for_others(shell: Shell) -> None:
    script = "import os; from wa_cli.settings import sources; from wa_cli.cli.context import AppContext;"
    script += "AppContext(sources.load()).database; os.kill(os.getpid(), 9)"
    died = subprocess.run([sys.executable, "-c", script], env=shell.environment, capture_output=True)
    assert died.returncode == -9

    assert shell.wa("send", "text", "+123", "hi").stdout


def test_a_stale_postmaster_pid_reused_by_another_process_is_repaired(shell: Shell) -> None:
    shell.wa("send", "text", "+123", "hi")
    server = EmbeddedServer(shell.folder / "data")
    stale = (server.data / "postmaster.pid").read_text()
    shell.wa("db", "stop")
    mine = "\n".join([str(threading.get_native_id()), *stale.splitlines()[1:]]) + "\n"
    (server.data / "postmaster.pid").write_text(mine)

    shell.wa("worker", "outgoing", "--drain")

    assert rows(shell, "SELECT count(*) FROM whatsapp_messages") == [(1,)]


def test_a_crashed_embedded_database_restarts_with_all_its_data(shell: Shell) -> None:
    shell.wa("send", "text", "+123", "hi")
    EmbeddedServer(shell.folder / "data").crash()

    shell.wa("worker", "outgoing", "--drain")

    assert rows(shell, "SELECT status FROM whatsapp_messages") == [("sent",)]


def test_several_first_commands_at_once_share_one_embedded_database(shell: Shell) -> None:
    threads = [threading.Thread(target=shell.wa, args=("send", "text", f"+12{place}", "hi")) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert rows(shell, "SELECT count(*) FROM wa.queue_messages") == [(3,)]


def test_two_workers_share_one_sandbox(shell: Shell) -> None:
    with shell.running("worker", "outgoing") as first:
        line_with("worker is running", first)
        shell.wa("send", "text", "+123", "hi")

        second = shell.wa("worker", "outgoing", "--drain")

    assert "Using the sandbox" in second.stderr
    log = (shell.folder / "data" / "sandbox" / "log.jsonl").read_text()
    assert log.count('"accepted"') == 1


def rows(shell: Shell, statement: str) -> list[tuple[Any, ...]]:
    url = shell.wa("db", "url").stdout.strip()
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchall()
    connection.close()
    return list(found)


def until(shell: Shell, question: str) -> None:
    """Repeat the query until it returns true. Raises TimeoutError after a minute."""
    connection = psycopg2.connect(shell.wa("db", "url").stdout.strip())
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:

        def is_true() -> bool:
            cursor.execute(question)
            return bool((cursor.fetchone() or (False,))[0])

        waits.until(is_true, question)


def test_wa_home_sets_the_data_folder(shell: Shell) -> None:
    shell.wa("send", "text", "+123", "hi")

    made = {path.name for path in Path(shell.folder / "data").iterdir()}

    assert "postgres" in made


def test_a_scheduled_message_waits_while_a_later_one_is_sent(shell: Shell) -> None:
    shell.wa("send", "text", "+15551234567", "later", "--at", "2h", "--expires", "3h")
    shell.wa("send", "text", "+15551234567", "now")

    said = shell.wa("worker", "outgoing", "--drain", code=8).stderr

    assert said.count("Message sent successfully") == 1
    assert "1 scheduled for later" in said
    too_late = shell.wa("send", "text", "+15551234567", "hi", "--at", "2h", "--expires", "1h", code=2).stderr
    assert "--expires 1h is before the earliest send time." in too_late


def test_options_of_a_second_sandbox_are_refused(shell: Shell) -> None:
    with shell.running("sandbox", "serve") as process:
        line_with("Started the sandbox", process)
        refused = shell.wa("sandbox", "serve", "--fault", "throttled=3%", code=4)

    assert "is already running, so these options have no effect" in refused.stderr
