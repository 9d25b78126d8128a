"""The sandbox over real HTTP: it refuses requests with the same errors as the real API."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.running_sandbox import RunningSandbox, running_sandbox
from wa_cli.cloud import signature, webhooks
from wa_cli.errors import BadInput
from wa_cli.sandbox import NUMBER, faults, media_files, notification_files
from wa_cli.sandbox.app import Options, Sandbox
from wa_cli.sandbox.replay import Manner, play, words

PATH = f"/v25.0/{NUMBER}/messages"
TOKEN = {"Authorization": "Bearer token"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), Options(templates={("order", "en_US"): 2})) as running:
        yield running


def text(**changes: Any) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": "+16505551234", "type": "text", "text": {"body": "hi"}, **changes}


def template(name: str, *parameters: str, language: str = "en_US") -> dict[str, Any]:
    body = [{"type": "body", "parameters": [{"type": "text", "text": value} for value in parameters]}]
    return text(type="template", template={"name": name, "language": {"code": language}, "components": body})


def post(sandbox: RunningSandbox, body: Any, path: str = PATH, headers: dict[str, str] = TOKEN) -> httpx.Response:
    return httpx.post(sandbox.url + path, json=body, headers=headers)


def test_an_accepted_message_returns_a_contact_and_a_wamid(sandbox: RunningSandbox) -> None:
    answer = post(sandbox, text(to="+1 (650) 555-1234")).json()

    assert answer["contacts"] == [{"input": "+1 (650) 555-1234", "wa_id": "16505551234"}]
    [message] = answer["messages"]
    assert message["id"].startswith("wamid.HBgLMTY1MDU1NTEyMzQVAgARG")
    assert len(message["id"]) <= 128


def test_the_same_request_twice_is_two_messages(sandbox: RunningSandbox) -> None:
    ids = {post(sandbox, text()).json()["messages"][0]["id"] for _ in range(2)}

    assert len(ids) == 2


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        (text(messaging_product=None), 400, 100, "(#100) The parameter messaging_product is required."),
        (text(messaging_product="sms"), 400, 100, "must be one of {WHATSAPP} - got"),
        (text(to=None), 400, 100, "The parameter to is required."),
        (text(to="hello"), 400, 131009, "Parameter value is not valid"),
        (text(text={}), 400, 100, "(#100) The parameter text['body'] is required."),
        (text(text={"body": "x" * 4097}), 400, 100, "must be at most 4096 characters"),
        (text(type="hologram"), 400, 100, "Param type must be one of"),
        (text(type="image", image={}), 400, 100, "image['link']"),
        (text(type="image", image={"link": "ftp://x"}), 400, 131009, "Parameter value is not valid"),
        (text(type="document", document={"link": "https://x/a", "caption": "x" * 1025}), 400, 100, "at most 1024"),
        (template("nope"), 404, 132001, "(#132001) Template name does not exist in the translation"),
        (template("hello_world", language="en"), 404, 132001, "does not exist"),
        (template("order", "only one"), 400, 132000, "Number of parameters does not match"),
        (template("order", "a\nb", "c"), 400, 132018, "issue with the parameters"),
        (text(biz_opaque_callback_data="x" * 513), 400, 100, "at most 512"),
        ([], 400, 100, "messaging_product"),
    ],
)
def test_an_invalid_request_is_refused_with_the_error_of_the_api(
    sandbox: RunningSandbox, body: Any, status: int, code: int, words: str
) -> None:
    answer = post(sandbox, body)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert words in error["message"]
    assert error["fbtrace_id"]


def test_known_templates_are_accepted(sandbox: RunningSandbox) -> None:
    assert post(sandbox, template("hello_world")).json()["messages"][0]["message_status"] == "accepted"
    assert post(sandbox, template("order", "Ana", "42")).status_code == 200


def test_error_details_name_the_fault(sandbox: RunningSandbox) -> None:
    error = post(sandbox, template("order", "one")).json()["error"]

    assert error["error_data"]["details"] == (
        "body: number of localizable_params (1) does not match the expected number of params (2)"
    )


@pytest.mark.parametrize(
    ("headers", "code", "subcode"),
    [({}, 190, None), ({"Authorization": "Bearer bad"}, 190, None), ({"Authorization": "Bearer expired"}, 190, 463)],
)
def test_missing_bad_and_expired_tokens_are_refused(
    sandbox: RunningSandbox, headers: dict[str, str], code: int, subcode: int | None
) -> None:
    answer = post(sandbox, text(), headers=headers)

    assert answer.status_code == 401
    assert (answer.json()["error"]["code"], answer.json()["error"].get("error_subcode")) == (code, subcode)


def test_api_versions_and_object_ids_are_checked(sandbox: RunningSandbox) -> None:
    assert post(sandbox, text(), f"/v19.0/{NUMBER}/messages").status_code == 200
    assert post(sandbox, text(), f"/vX/{NUMBER}/messages").json()["error"]["code"] == 2500
    unknown = post(sandbox, text(), "/v25.0/999/messages").json()["error"]
    assert (unknown["code"], unknown["error_subcode"], unknown["type"]) == (100, 33, "GraphMethodException")
    token = {"Authorization": "Bearer token"}
    assert httpx.get(f"{sandbox.url}/v25.0/{NUMBER}", headers=token).json()["id"] == NUMBER
    assert httpx.get(f"{sandbox.url}/v25.0/{NUMBER}").status_code == 401


def test_a_special_phone_number_causes_the_error_code_in_its_digits(sandbox: RunningSandbox) -> None:
    assert post(sandbox, text(to="+9991131047")).json()["error"]["code"] == 131047
    assert post(sandbox, text(to="+9990131026")).status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "taken"),
    [
        ("throttled", 400, False),
        ("failed", 500, False),
        ("gateway_rejected", 504, False),
        ("gateway_accepted", 504, True),
        ("cut_before", None, False),
        ("cut_accepted", None, True),
    ],
)
def test_a_requested_fault_occurs(tmp_path: Path, kind: str, status: int | None, taken: bool) -> None:
    with running_sandbox(tmp_path, Options(faults=faults.parse(f"{kind}=100%"))) as sandbox:
        if status is None:
            with pytest.raises(httpx.TransportError):
                post(sandbox, text())
        else:
            assert post(sandbox, text()).status_code == status

        assert [line["fault"] for line in sandbox.accepted()] == ([kind] if taken else [])


def test_faults_are_drawn_in_their_shares() -> None:
    drawn = [faults.parse("slow=25%,failed=0.5").draw() for _ in range(4000)]

    assert 800 < drawn.count("slow") < 1200
    assert 1800 < drawn.count("failed") < 2200


@pytest.mark.parametrize("bad", ["fire=1%", "slow", "slow=2", "slow=x%", "slow=60%,failed=60%"])
def test_an_invalid_fault_is_refused(bad: str) -> None:
    with pytest.raises(BadInput):
        faults.parse(bad)


def test_the_rate_limit_of_a_number_is_applied(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, Options(limit=4)) as sandbox:
        codes = [post(sandbox, text()).json().get("error", {}).get("code") for _ in range(5)]

    assert codes[0] is None
    assert 130429 in codes


def test_no_webhook_is_queued_when_statuses_are_disabled(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, Options(statuses=False)) as sandbox:
        post(sandbox, text())

        assert sandbox.sandbox.callbacks.waiting == 0


def test_strict_mode_applies_the_customer_service_window(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, Options(strict=True)) as strict:
        assert post(strict, text()).json()["error"]["code"] == 131047
        assert post(strict, template("hello_world")).status_code == 200
        httpx.post(f"{strict.url}/_sandbox/say", json={"from": "+16505551234", "text": "hello"})
        assert post(strict, text()).status_code == 200


class Receiver:
    """A webhook URL that accepts notifications after it has refused some."""

    def __init__(self, refuse: int = 0) -> None:
        self.bodies: list[tuple[bytes, str | None]] = []
        self.refuse = refuse
        self.enough = threading.Event()
        self.wanted = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.refuse -= 1
                status = 503 if receiver.refuse >= 0 else 200
                if status == 200:
                    receiver.bodies.append((body, self.headers["X-Hub-Signature-256"]))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                if len(receiver.updates()) >= receiver.wanted:
                    receiver.enough.set()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def updates(self) -> list[Any]:
        found: list[Any] = []
        for body, _ in self.bodies:
            notification = webhooks.parse(body)
            found += [*notification.messages, *notification.statuses]
        return found

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def run(folder: Path, receiver: Receiver, wanted: int, act: Any) -> None:
    """Run a sandbox until the receiver has the wanted number of updates."""
    receiver.wanted = wanted
    receiver.enough.clear()

    async def story() -> None:
        sandbox = Sandbox(folder, receiver.url, "secret", Options(pace=0.05))
        await sandbox.start(0)
        await act(sandbox)
        await asyncio.to_thread(receiver.enough.wait, 10)
        await sandbox.callbacks.flush(5)
        await sandbox.stop()

    asyncio.run(story())


async def send(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient() as client:
        body = text(biz_opaque_callback_data="wa:060e0119-051c-4f79-9159-9e7b5134b2fe:1")
        await client.post(sandbox.url + PATH, json=body, headers=TOKEN)


def test_statuses_are_signed_and_return_the_callback_data(tmp_path: Path, receiver: Receiver) -> None:
    run(tmp_path, receiver, 3, send)

    assert [update.status for update in receiver.updates()] == ["sent", "delivered", "read"]
    assert {str(update.reference) for update in receiver.updates()} == {"060e0119-051c-4f79-9159-9e7b5134b2fe"}
    assert all(signature.is_genuine(body, header, "secret") for body, header in receiver.bodies)
    assert all(body.isascii() for body, _ in receiver.bodies)


def test_a_customers_message_is_posted_to_the_webhook(tmp_path: Path, receiver: Receiver) -> None:
    async def write(sandbox: Sandbox) -> None:
        sandbox.customer_writes("5511", "Olá / 😀", "Ana")

    run(tmp_path, receiver, 1, write)

    [message] = receiver.updates()
    assert (message.phone, message.content) == ("+5511", "Olá / 😀")
    assert b"Ol\\u00e1 \\/ \\ud83d\\ude00" in receiver.bodies[0][0]


def test_a_refused_webhook_is_posted_again(tmp_path: Path, receiver: Receiver) -> None:
    receiver.refuse = 2

    run(tmp_path, receiver, 3, send)

    assert sorted(update.status for update in receiver.updates()) == ["delivered", "read", "sent"]


def test_undelivered_webhooks_are_delivered_by_the_next_sandbox(tmp_path: Path, receiver: Receiver) -> None:
    async def nothing(_: Sandbox) -> None:
        pass

    async def write_without_receiver() -> None:
        sandbox = Sandbox(tmp_path, "http://127.0.0.1:9/webhook", "secret")
        await sandbox.start(0)
        sandbox.customer_writes("5511", "hello")
        await sandbox.stop()

    asyncio.run(write_without_receiver())
    assert receiver.updates() == []
    assert json.loads((tmp_path / "callbacks.jsonl").read_text().splitlines()[0])["value"]

    run(tmp_path, receiver, 1, nothing)

    assert [update.content for update in receiver.updates()] == ["hello"]


def played(folder: Path, receiver: Receiver, wanted: int, names: list[str], manner: Manner) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []

    async def act(sandbox: Sandbox) -> None:
        notifications = [(name, words(name, "15551234567", "hi", "Ana", sandbox.url, None)) for name in names]
        answers.extend(await play(sandbox.callbacks, notifications, manner))

    run(folder, receiver, wanted, act)
    return answers


def test_every_example_notification_can_be_parsed(tmp_path: Path, receiver: Receiver) -> None:
    played(tmp_path, receiver, 0, notification_files.names(), Manner())

    assert not [webhooks.parse(body).unreadable for body, _ in receiver.bodies if webhooks.parse(body).unreadable]
    assert len(receiver.bodies) == len(notification_files.names())
    assert all(notification_files.about(name).endswith(".") for name in notification_files.names())


def test_notifications_are_repeated_shuffled_and_batched_on_request(tmp_path: Path, receiver: Receiver) -> None:
    names = ["text", "image", "echo", "account_update"]

    answers = played(tmp_path, receiver, 0, names, Manner(times=3, shuffled=True, batched=True))

    assert sorted(one["name"] for one in answers) == sorted(names * 3)
    [(body, header)] = receiver.bodies
    assert signature.is_genuine(body, header, "secret")
    assert len(webhooks.parse(body).messages) == 9
    assert len(json.loads(body)["entry"][0]["changes"]) == 5  # account updates are not merged


def test_every_post_of_an_update_has_the_same_time_and_id(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count(1_795_000_000)
    monkeypatch.setattr(time, "time", lambda: float(next(seconds)))
    receiver.refuse = 1

    played(tmp_path, receiver, 0, ["errors"], Manner(times=2))

    notices = [notice for body, _ in receiver.bodies for notice in webhooks.parse(body).notices]
    assert len(notices) == 2
    assert len({notice.id for notice in notices}) == 1


def test_a_webhook_with_a_wrong_signature_is_posted_once(tmp_path: Path, receiver: Receiver) -> None:
    [answer] = played(tmp_path, receiver, 0, ["text"], Manner(genuine=False))

    assert answer["status"] == 200  # this receiver does not verify signatures
    [(body, header)] = receiver.bodies
    assert not signature.is_genuine(body, header, "secret")


def test_media_files_need_the_token_and_a_valid_url(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = media_files.make("image")
    found = httpx.get(f"{sandbox.url}/v25.0/{picture.id}", headers=TOKEN).json()
    assert (found["mime_type"], found["file_size"]) == ("image/png", str(len(picture.content)))

    assert httpx.get(found["url"], headers=TOKEN).content == picture.content
    assert httpx.get(found["url"]).status_code == 401
    assert httpx.get(found["url"].split("?")[0], headers=TOKEN).status_code == 404
    monkeypatch.setattr(media_files, "URL_LIFETIME", -1)
    stale = httpx.get(f"{sandbox.url}/v25.0/{picture.id}", headers=TOKEN).json()["url"]
    assert httpx.get(stale, headers=TOKEN).status_code == 404
    assert httpx.get(f"{sandbox.url}/v25.0/{picture.id}?phone_number_id=1", headers=TOKEN).status_code == 400


def test_only_the_owner_can_access_the_files_of_the_sandbox(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    folder.mkdir(mode=0o755)
    (folder / "log.jsonl").touch(mode=0o644)
    with running_sandbox(folder) as sandbox:
        assert post(sandbox, text()).status_code == 200
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.glob("*.jsonl")}

    assert folder.stat().st_mode & 0o777 == 0o700
    assert modes == {"log.jsonl": 0o600, "callbacks.jsonl": 0o600}
