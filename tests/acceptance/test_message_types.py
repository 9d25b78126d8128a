"""Every type of message: the example of its help is sent by the sandbox and stored as a person reads it."""

from __future__ import annotations

import json
import shlex
from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import Shell, until_it_answers
from tests.support.waiting import free_port
from wa_cli.cli.commands import load

# The stored content of the example of each type, and its media_url.
STORED: dict[str, tuple[str, str | None, str | None]] = {
    "text": ("text", "Your order is on its way.", None),
    "image": ("image", "The red one", "https://example.org/red.jpg"),
    "video": ("video", "The tour", "https://example.org/tour.mp4"),
    "audio": ("audio", None, "https://example.org/hello.ogg"),
    "sticker": ("sticker", None, "https://example.org/thanks.webp"),
    "document": ("document", None, "https://example.org/42.pdf"),
    "location": ("location", "Our shop, Main St 1 (52.52, 13.405)", None),
    "contacts": ("contacts", "Ana Diaz, +15557654321, ana@example.org", None),
    "reaction": ("reaction", "\N{THUMBS UP SIGN}", None),
    "buttons": ("interactive", "Does Monday suit you?\n[Yes] [No]", None),
    "list": ("interactive", "Which size?\n[Small] [Large]", None),
    "cta-url": ("interactive", "Your invoice is ready.\n[Open it: https://example.org/42]", None),
    "flow": ("interactive", "Book your visit.\n[Book]", None),
    "raw": ("text", "hi", None),
    "template": ("template", None, None),
}


def example_of(shell: Shell, name: str) -> list[str]:
    """Return the arguments of the example in the help of `wa send NAME`, with a file for standard input."""
    example = load("send").commands[name].help.partition("Example: ")[2]
    given, piped, command = example.partition(" | ")
    arguments = shlex.split(command if piped and name == "raw" else example)[1:]
    if name == "raw":
        (shell.folder / "message.json").write_text(shlex.split(given)[1])
        arguments[-1] = "message.json"
    return arguments


def test_every_type_has_an_example_here() -> None:
    assert set(STORED) == set(load("send").commands)


def test_the_example_of_each_type_is_sent_and_stored(shell: Shell) -> None:
    references = {shell.wa(*example_of(shell, name)).stdout.strip() for name in STORED}
    shell.wa("worker", "outgoing", "--drain")

    found = json.loads(shell.wa("conversation", "+15551234567", "--json").stdout)["rows"]

    stored = [(row["message_type"], row["content"], row["media_url"]) for row in found]
    assert sorted(stored, key=str) == sorted(STORED.values(), key=str)
    assert {row["status"] for row in found} == {"sent"}
    assert len(references) == len(STORED)


@pytest.mark.parametrize("name", STORED)
def test_a_dry_run_prints_the_request_and_queues_nothing(shell: Shell, name: str) -> None:
    request = json.loads(shell.wa(*example_of(shell, name), "--dry-run").stdout)

    assert request["messaging_product"] == "whatsapp"
    assert request["to"] == "+15551234567"
    assert request[request["type"]]
    queues = json.loads(shell.wa("queue", "status", "--json").stdout)["rows"]
    assert {queue["waiting"] for queue in queues} == {0}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("buttons", "+123", "Choose", "a", "b", "c", "d"), "The message has 4 buttons. It must have 1 to 3."),
        (("buttons", "+123", "Choose", "x" * 21), "has 21 characters; WhatsApp takes at most 20."),
        (("buttons", "+123", "Choose", "Yes", "Yes"), "Two buttons have the id 'Yes'."),
        (("buttons", "+123", " ", "Yes"), "The message has no text."),
        (("buttons", "+123", "Choose", "Yes", "--header", "x" * 61), "The header has 61 characters"),
        (("list", "+123", "Choose", "Open", *map(str, range(11))), "The list has 11 rows. It must have 1 to 10."),
        (("list", "+123", "Choose", "Open", "a|" + "x" * 73), "has 73 characters; WhatsApp takes at most 72."),
        (("cta-url", "+123", "Read", "Open", "example.org"), "'example.org' is not a link"),
        (("flow", "+123", "Book", "Book"), "A flow needs either flow_id or flow_name."),
        (("flow", "+123", "Book", "Book", "--id", "1", "--data", "{"), "--data needs --screen."),
        (
            ("flow", "+123", "B", "B", "--id", "1", "--screen", "A", "--data", "[1]"),
            "--data is JSON, but not an object.",
        ),
        (("location", "+123", "91", "0"), "The latitude 91.0 is not a number from -90 to 90."),
        (("location", "+123", "north", "0"), "LATITUDE 'north' is not a number."),
        (("reaction", "+123", "wamid.1", "ok"), "'ok' is not one emoji."),
        (("reaction", "+123", "wamid.1", "👍", "--reply-to", "wamid.2"), "A message of type reaction cannot quote"),
        (("contacts", "+123", " "), "A contact has no name.formatted_name."),
        (("contacts", "+123", "Ana", "--phone", "1555"), "'1555' does not begin with + and a country code."),
        (("audio", "+123", "ftp://x"), "'ftp://x' is not a link"),
        (("raw", "+123", "nosuch.json"), "Cannot read nosuch.json: no such file or directory."),
        (("text", "+123", "hi", "--reply-to", "x" * 513), "context's message_id has 513 characters"),
    ],
)
def test_bad_input_names_the_value_and_the_limit(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    refused = shell.wa("send", *arguments, code=2)

    assert said in refused.stderr
    assert len(refused.stderr.splitlines()) <= 2


BODIES: dict[str, dict[str, Any]] = {
    "text": {"text": "hi", "preview_url": True, "reply_to": "wamid.1"},
    "image": {"image_url": "https://example.org/a.png"},
    "video": {"video_url": "https://example.org/a.mp4", "caption": "look"},
    "audio": {"audio_url": "https://example.org/a.ogg", "voice": True},
    "sticker": {"sticker_url": "https://example.org/a.webp"},
    "document": {"document_url": "https://example.org/a.pdf", "filename": "a.pdf"},
    "location": {"latitude": 52.5, "longitude": 13.4, "name": "Shop"},
    "contacts": {"contacts": [{"name": {"formatted_name": "Ana", "first_name": "Ana"}}]},
    "reaction": {"message_id": "wamid.1", "emoji": "👍"},
    "buttons": {"text": "Monday?", "buttons": [{"title": "Yes"}, {"id": "n", "title": "No"}]},
    "list": {"text": "Size?", "button": "Sizes", "rows": [{"title": "S", "description": "small"}]},
    "cta-url": {"text": "Ready", "button": "Open", "url": "https://example.org/1"},
    "flow": {"text": "Book", "button": "Book", "flow_id": "1", "screen": "A", "data": {"day": "1"}},
    "template": {"template_name": "hello_world"},
    "raw": {"message": {"type": "text", "text": {"body": "raw"}}},
}
WRONG: dict[str, dict[str, Any]] = {
    "audio": {"audio_url": "x"},
    "location": {"latitude": 100, "longitude": 0},
    "contacts": {"contacts": [{}]},
    "reaction": {"message_id": "wamid.1", "emoji": "ok"},
    "buttons": {"text": "Monday?", "buttons": [{"title": "x" * 21}]},
    "list": {"text": "Size?", "button": "Sizes", "rows": []},
    "flow": {"text": "Book", "button": "Book"},
    "raw": {"message": {"type": "text"}},
    "text": {"text": "hi", "window": "force", "or_template": {"template_name": "hello_world"}},
    "image": {"image_url": "https://example.org/a.png", "or_template": {"template_name": "Bad Name"}},
}
ODD: list[tuple[str, dict[str, Any]]] = [
    ("flow", {"text": "Book", "button": "Book", "flow_id": "1", "data": {"day": 1}}),
    ("buttons", {"text": "Monday?", "buttons": [{"title": "Yes", "description": "no"}]}),
    ("raw", {"message": {}}),
    ("raw", {"message": {"type": "x", "x": json.loads("[" * 200 + "]" * 200)}}),
    (
        "raw",
        {
            "message": {
                "type": "interactive",
                "interactive": {"type": "button", "body": {"text": "x"}, "action": {"buttons": 5}},
            }
        },
    ),
    ("raw", {"message": {"type": "location", "location": {"latitude": 10**400, "longitude": 0}}}),
]


def test_every_type_has_a_route(shell: Shell) -> None:
    assert set(BODIES) == set(load("send").commands)
    port = shell.environ["WA_PORT"] = str(free_port())
    with shell.running("up") as process:
        until_it_answers(f"http://127.0.0.1:{port}/health", process)
        for name, body in BODIES.items():
            answer = httpx.post(f"http://127.0.0.1:{port}/messaging/send/{name}", json={"phone_number": "+123", **body})
            assert answer.status_code == 200, answer.text
            assert answer.json()["status"] == "queued"
        for name, body in [*WRONG.items(), *ODD]:
            answer = httpx.post(f"http://127.0.0.1:{port}/messaging/send/{name}", json={"phone_number": "+123", **body})
            assert answer.status_code in (400, 422), (name, answer.text)
        documented = httpx.get(f"http://127.0.0.1:{port}/openapi.json").json()["paths"]
        assert {f"/messaging/send/{name}" for name in BODIES} <= set(documented)
        shell.wa("worker", "outgoing", "--drain")

    found = json.loads(shell.wa("conversation", "+123", "--json").stdout)["rows"]
    assert len(found) == len(BODIES)
    assert {row["status"] for row in found} <= {"sent", "delivered", "read"}
