"""One message from its queuing to its last status, lists of messages, and messages that are sent again."""

from __future__ import annotations

import json
from typing import Any

from tests.acceptance.conftest import Shell, until_it_answers
from tests.acceptance.test_story import until
from tests.support.waiting import free_port, line_with


def life(shell: Shell, identity: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shell.wa("message", identity, "--json").stdout)
    return found


def test_a_message_shows_its_attempts_and_statuses_by_reference_and_by_wamid(shell: Shell) -> None:
    port = shell.environ["WA_PORT"] = str(free_port())
    with shell.running("up") as process:
        until_it_answers(f"http://127.0.0.1:{port}/health", process)
        reference = shell.wa("send", "text", "+15551234567", "hello", "--automatic", "--wait").stdout.strip()
        failed = shell.wa("send", "text", "+9990131026", "lost", "--wait").stdout.strip()
        until(shell, "SELECT count(*) = 1 FROM whatsapp_messages WHERE status = 'read'")
        until(shell, "SELECT count(*) = 1 FROM whatsapp_messages WHERE status = 'failed'")

        found = life(shell, reference)
        again = shell.wa("message", "resend", failed).stdout.strip()
        until(shell, f"SELECT count(*) = 1 FROM wa.outbox WHERE reference = '{again}'")

    assert (found["state"], found["status"], found["content"], found["sent_by"]) == (
        "sent",
        "read",
        "hello",
        "automatic",
    )
    events = [event["what"] for event in found["events"]]
    assert events[0] == "queued"
    assert {"attempt 1: accepted", "stored", "sent", "delivered", "read"} <= set(events)
    assert life(shell, found["wamid"])["reference"] == reference
    assert "131026" in json.dumps(life(shell, failed)["events"])
    assert life(shell, again)["resend_of"] == failed
    printed = shell.wa("message", reference).stdout
    assert "Customer   +15551234567" in printed
    refused = shell.wa("message", "resend", reference, code=2)
    assert "was sent and has not failed" in refused.stderr
    listed = json.loads(shell.wa("message", "list", "+15551234567", "--json").stdout)["rows"]
    assert [row["reference"] for row in listed] == [reference]


def test_an_unknown_message_is_named(shell: Shell) -> None:
    for identity in ("wamid.nothing", "060e0119-051c-4f79-9159-9e7b5134b2fe"):
        assert f"No message is known as '{identity}'." in shell.wa("message", identity, code=2).stderr


def test_messages_are_listed_and_cancelled_by_filters(shell: Shell) -> None:
    for place, campaign in enumerate(("spring", "spring", "autumn")):
        shell.wa("send", "text", f"+1555000{place}", "hi", "--campaign", campaign, "--at", "2h")
    shell.wa("worker", "outgoing", "--drain", code=8)

    def listed(*options: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(shell.wa("queue", "list", "--json", *options).stdout)["rows"]
        return rows

    assert [row["customer"] for row in listed()] == ["+15550000", "+15550001", "+15550002"]
    assert len(listed("--campaign", "spring")) == 2
    assert len(listed("--customer", "+15550002")) == 1
    assert listed("--older", "1h") == listed("--number", "1") == listed("--state", "sent") == []
    assert "2 messages would be cancelled" in shell.wa("queue", "cancel", "--campaign", "spring", "--dry-run").stderr
    assert len(listed()) == 3
    shell.wa("queue", "cancel", "--campaign", "spring", code=2)  # there is no terminal to confirm at
    shell.wa("queue", "cancel", "--campaign", "spring", "--yes")
    assert [row["state"] for row in listed("--state", "cancelled")] == ["cancelled", "cancelled"]
    assert len(listed()) == 1
    for wrong in ((), (listed()[0]["reference"], "--campaign", "autumn")):
        assert "either references or a filter" in shell.wa("queue", "cancel", *wrong, code=2).stderr


def test_a_closed_window_is_refused_with_the_ways_out(shell: Shell) -> None:
    shell.wa("db", "url")
    until(
        shell,
        "INSERT INTO whatsapp_messages (message_id, from_phone, to_phone, message_type, content, direction, timestamp)"
        " VALUES ('wamid.old', '+15551234567', '+15550100000', 'text', 'hi', 'incoming', now() - interval '2 days')"
        " RETURNING true",
    )

    refused = shell.wa("send", "text", "+15551234567", "late", code=2).stderr
    assert "The 24-hour window of +15551234567 closed at " in refused
    assert "run: wa send template +15551234567 hello_world" in refused
    instead = shell.wa("send", "text", "+15551234567", "late", "--or-template", "hello_world")
    assert "as a template, since the 24-hour window is closed" in instead.stderr
    shell.wa("send", "text", "+15551234567", "late", "--force")
    shell.wa("send", "text", "+15551234567", "later", "--hold-window")
    assert "cannot be used together" in shell.wa("send", "text", "+123", "x", "--force", "--hold-window", code=2).stderr
    shell.wa("worker", "outgoing", "--drain", code=8)

    rows = json.loads(shell.wa("conversation", "+15551234567", "--json").stdout)["rows"]
    assert sorted((row["message_type"], row["status"]) for row in rows[1:]) == [
        ("template", "sent"),
        ("text", "queued"),
        ("text", "sent"),
    ]


def test_a_message_is_marked_as_read(shell: Shell) -> None:
    with shell.running("sandbox", "serve") as sandbox:
        line_with("Started the sandbox", sandbox)
        shell.wa("read", "wamid.1")
        shell.wa("read", "wamid.2", "--typing")

    lines = [json.loads(line) for line in (shell.folder / "data" / "sandbox" / "log.jsonl").read_text().splitlines()]
    assert [(line["wamid"], line["typing"]) for line in lines] == [("wamid.1", False), ("wamid.2", True)]
    assert "'hello' is not the id of a message." in shell.wa("read", "hello", code=2).stderr
