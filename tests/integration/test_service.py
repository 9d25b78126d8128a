"""The service over real HTTP: it accepts or refuses requests and loses no webhook that it answered with 200."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from tests.support.database_outage import Outage
from tests.support.local_aws import LocalAws
from tests.support.memory_queue import MemoryQueue
from tests.support.running_service import SECRET, RunningService, running_service
from tests.support.waiting import until
from wa_cli.backlog import Backlog
from wa_cli.cloud import signature, webhooks
from wa_cli.database.engine import Database
from wa_cli.errors import DatabaseUnavailable, QueueError
from wa_cli.outbox.outbox import Outbox
from wa_cli.outbox.spool import Spool
from wa_cli.queues.base import MessagesRejected, QueueMessage
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.queues.sqs import SqsQueue
from wa_cli.server import dedup_cache, ingest, limits, listening
from wa_cli.server.auth import Caller, Keys
from wa_cli.telemetry import events
from wa_cli.workers.spooled_webhooks import SpooledWebhooks, admit

LEASE = timedelta(seconds=60)
METADATA = {"display_phone_number": "15550100000", "phone_number_id": "42"}
EMPTY = json.dumps({"object": webhooks.OBJECT, "entry": []})


def body(*wamids: str, words: str = "hi") -> str:
    messages = [
        {"from": "1555", "id": wamid, "timestamp": "1792500000", "type": "text", "text": {"body": words}}
        for wamid in wamids
    ]
    return json.dumps(webhooks.notify({"metadata": METADATA, "messages": messages}))


class Rig:
    """A database, its queues, and the service on them."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.queue = PostgresQueue("incoming", database)
        self.outgoing = PostgresQueue("outgoing", database)
        self.backlog = Backlog(self.outgoing, self.queue, Outbox(database, "42"))

    def service(self, **more: Any) -> Any:
        return running_service(more.pop("queue", self.queue), self.database, self.folder, self.backlog, **more)

    def bodies(self) -> list[str]:
        return [delivery.body for delivery in self.queue.receive(100, LEASE)]


@pytest.fixture
def rig(database: Database, tmp_path: Path) -> Rig:
    return Rig(database, tmp_path / "spool")


@pytest.fixture
def service(rig: Rig) -> Iterator[RunningService]:
    with rig.service() as running:
        yield running


# Authentication and content of webhooks.


def test_the_webhook_url_may_end_with_a_slash(service: RunningService, rig: Rig) -> None:
    url = f"{service.url}/webhook/"
    asked = {"hub.mode": "subscribe", "hub.verify_token": "verify-me", "hub.challenge": "1158201444"}
    raw = body("slash", words="x" * 100_000).encode()

    answer = httpx.get(url, params=asked)
    posted = httpx.post(url, content=raw, headers={signature.HEADER: signature.sign(raw, SECRET)})

    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert posted.status_code == 200
    assert rig.bodies() == [raw.decode()]


def test_the_handshake_requires_the_verify_token(service: RunningService) -> None:
    asked = {"hub.mode": "subscribe", "hub.challenge": "<b>115</b>", "hub.verify_token": "verify-me"}

    answer = httpx.get(f"{service.url}/webhook", params=asked)

    assert (answer.status_code, answer.text) == (200, "<b>115</b>")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in ({"hub.verify_token": "no"}, {"hub.mode": "unsubscribe"}, {"hub.verify_token": "é"}):
        assert httpx.get(f"{service.url}/webhook", params={**asked, **wrong}).status_code == 403


@pytest.mark.parametrize("wrong", ["", "sha1=abc", "sha256=" + "0" * 64, "SHA256=x"])
def test_an_invalid_signature_is_refused_and_the_webhook_is_not_queued(
    service: RunningService, rig: Rig, wrong: str
) -> None:
    assert service.post(body("a"), **{"X-Hub-Signature-256": wrong}).status_code == 401
    assert rig.bodies() == []


def test_a_request_with_two_signatures_is_refused(service: RunningService, rig: Rig) -> None:
    raw = body("a").encode()
    right = signature.sign(raw, "app-secret")
    headers = [(signature.HEADER, "sha256=0"), (signature.HEADER, right)]

    assert httpx.post(f"{service.url}/webhook", content=raw, headers=headers).status_code == 401
    assert rig.bodies() == []


def test_a_signature_is_verified_over_the_raw_bytes(service: RunningService) -> None:
    escaped = b'{"object":"whatsapp_business_account","entry":[{"id":"caf\\u00e9 \\/"}]}'
    assert service.post(escaped).status_code == 200
    other = json.dumps(json.loads(escaped), ensure_ascii=False).encode()
    assert service.post(other, **{signature.HEADER: signature.sign(escaped, "app-secret")}).status_code == 401


def test_a_signed_webhook_is_queued_before_it_is_answered(service: RunningService, rig: Rig) -> None:
    assert service.post(body("a")).status_code == 200

    assert rig.bodies() == [body("a")]


@pytest.mark.parametrize("raw", [b"{", b"", b"\xff\xfe", b"NUL \x00", b'{"a":' * 5000, b'"\\ud800"', b"null"])
def test_a_signed_unreadable_body_is_answered_200_and_queued(service: RunningService, rig: Rig, raw: bytes) -> None:
    assert service.post(raw).status_code == 200

    assert len(rig.bodies()) == 1


def test_a_webhook_of_another_product_is_answered_200_and_counted(service: RunningService, rig: Rig) -> None:
    assert service.post('{"object": "page", "entry": []}').status_code == 200
    assert service.post("{}").status_code == 200

    assert rig.bodies() == []
    assert 'wa_webhooks_total{outcome="foreign"} 2.0' in httpx.get(f"{service.url}/metrics").text
    assert [event.count for event in service.events_of(events.WebhooksRejected)] == [1]  # logged once, then throttled


def test_concurrent_webhooks_are_all_queued(service: RunningService, rig: Rig) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: service.post(body(str(n))).status_code, range(100)))

    assert answers == [200] * 100
    assert sorted(rig.bodies()) == sorted(body(str(n)) for n in range(100))


def test_a_webhook_of_a_thousand_messages_is_split_without_loss(service: RunningService, rig: Rig) -> None:
    wamids = [f"wamid.{n}" for n in range(1000)]

    assert service.post(body(*wamids, words="x" * 800)).status_code == 200

    pieces = rig.bodies()
    assert all(len(piece) <= 200_000 for piece in pieces)
    assert [m.wamid for piece in pieces for m in webhooks.parse(piece).messages] == wamids


# Limits of size and time.


def test_a_too_large_body_is_refused_even_without_a_content_length(service: RunningService, rig: Rig) -> None:
    too_large = b"x" * (limits.LARGEST_WEBHOOK + 1)

    declared = service.post(too_large)
    undeclared = httpx.post(f"{service.url}/webhook", content=iter([too_large[:-1], b"x"]), timeout=30)

    assert (declared.status_code, undeclared.status_code) == (413, 413)
    assert httpx.post(f"{service.url}/messaging/send/text", content=too_large, timeout=30).status_code == 413
    assert service.post(body("a")).status_code == 200
    assert rig.bodies() == [body("a")]


def test_a_body_of_fifty_megabytes_is_refused_and_the_service_continues(service: RunningService) -> None:
    assert service.post(b"x" * (50 << 20)).status_code == 413
    assert service.post(EMPTY).status_code == 200


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /webhook HTTP/1.1\r\nHost: x\r\n",
        b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
        b"POST /messaging/send/text HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
    ],
)
def test_a_client_that_does_not_finish_its_request_is_disconnected(
    service: RunningService, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(listening, "REQUEST_LIMIT", 0.2)
    with socket.create_connection(("127.0.0.1", service.service.port), timeout=10) as client:
        client.sendall(begun)

        wait_for_disconnect(client)


def wait_for_disconnect(client: socket.socket) -> None:
    """Read until the service closes the connection. Raises TimeoutError if it stays open."""
    with suppress(ConnectionError):
        while client.recv(1000):
            pass


def test_a_client_with_endless_headers_is_disconnected(service: RunningService) -> None:
    with socket.create_connection(("127.0.0.1", service.service.port), timeout=10) as client:
        with suppress(ConnectionError):
            client.sendall(b"POST /webhook HTTP/1.1\r\n" + b"X: %s\r\n" % (b"y" * 1000) * 1000)

        wait_for_disconnect(client)


GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
UNSIGNED = b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


def cut_reasons(service: RunningService, *sent: bytes) -> list[str]:
    """Send the parts. Return the reasons with which the service closed connections."""
    with socket.create_connection(("127.0.0.1", service.service.port), timeout=20) as client:
        with suppress(ConnectionError):
            for part in sent:
                client.sendall(part)
        wait_for_disconnect(client)
    return [event.reason for event in service.events_of(events.ConnectionsCut)]


@pytest.mark.parametrize("request_bytes", [GET, UNSIGNED])
def test_a_client_with_too_many_pipelined_requests_is_disconnected(
    service: RunningService, request_bytes: bytes
) -> None:
    assert cut_reasons(service, request_bytes * 10_000) == ["too many pipelined requests"]
    assert httpx.get(f"{service.url}/health/live").status_code == 200
    counted = httpx.get(f"{service.url}/metrics").text
    assert 'wa_connections_cut_total{reason="too many pipelined requests"} 1.0' in counted


def test_a_few_pipelined_requests_are_answered_in_order(service: RunningService) -> None:
    ahead = b"".join(
        b"GET /webhook?hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=answer%d HTTP/1.1\r\nHost: x\r\n\r\n"
        % n
        for n in range(listening.MOST_PIPELINED)
    )
    with socket.create_connection(("127.0.0.1", service.service.port), timeout=20) as client:
        client.sendall(ahead)
        received = b""
        while b"answer15" not in received:
            received += client.recv(65536)

    places = [received.index(b"answer%d" % n) for n in range(listening.MOST_PIPELINED)]
    assert places == sorted(places)
    assert not service.events_of(events.ConnectionsCut)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 1000, "too many headers"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 200_000, "headers too long"),
        (b"GET /" + b"y" * 200_000, "headers too long"),
        (
            b"POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
            + b"a:\r\n" * 1000,
            "too many headers",
        ),
    ],
)
def test_a_client_with_too_many_or_too_long_headers_is_disconnected(
    service: RunningService, sent: bytes, reason: str
) -> None:
    assert cut_reasons(service, sent) == [reason]


def test_a_client_that_does_not_read_its_answers_is_disconnected(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "REQUEST_LIMIT", 0.2)
    answered = service.service._server.server_state
    with socket.create_connection(("127.0.0.1", service.service.port), timeout=20) as client:
        sent = 0
        while not service.events_of(events.ConnectionsCut):
            client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
            sent += 10
            until(
                lambda: answered.total_requests >= sent or bool(service.events_of(events.ConnectionsCut)),  # noqa: B023
                "an answer",
            )

    assert [event.reason for event in service.events_of(events.ConnectionsCut)] == ["answer not taken in time"]


def test_the_total_memory_of_unfinished_bodies_is_limited(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_IN_MEMORY", 1 << 20)
    head = b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n"
    clients = []
    for _ in range(8):
        clients.append(client := socket.create_connection(("127.0.0.1", service.service.port), timeout=20))
        with suppress(ConnectionError):
            client.sendall(head + b"x" * 300_000)
    until(lambda: bool(service.events_of(events.RequestRefused)), "a refusal")

    answer = service.post(body("small"))

    assert answer.status_code == 200
    assert {event.reason for event in service.events_of(events.RequestRefused)} == {"too much in memory"}
    for client in clients:
        client.close()


def test_the_total_memory_of_connection_buffers_is_limited(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_BUFFERED", 1 << 20)
    with ExitStack() as clients:
        for _ in range(400):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", service.service.port), timeout=20))
            with suppress(ConnectionError):
                client.sendall(b"G")
        until(lambda: bool(service.events_of(events.ConnectionsCut)), "the cut of a connection")

    assert {event.reason for event in service.events_of(events.ConnectionsCut)} == {"too much in memory"}
    until(lambda: httpx_status(f"{service.url}/health/live") == 200, "the service")


def httpx_status(url: str) -> int:
    try:
        return httpx.get(url, timeout=5).status_code
    except httpx.TransportError:
        return 0


def test_a_connection_is_reused_after_an_answer(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "REQUEST_LIMIT", 5.0)
    with httpx.Client(base_url=service.url) as client:
        for _ in range(5):
            assert client.get("/health").status_code == 200


# An unavailable queue.


def test_webhooks_are_spooled_while_the_queue_is_unavailable_and_requeued_automatically(
    rig: Rig, outage: Outage
) -> None:
    with rig.service() as service:
        assert service.post(body("before")).status_code == 200
        outage.begin()
        assert service.post(body("during.1")).status_code == 200
        assert service.post(body("during.2")).status_code == 200
        assert [event.result for event in service.events_of(events.Answered)] == ["queued", "spooled", "spooled"]
        outage.end()
        until(lambda: bool(service.events_of(events.Requeued)), "the readmission")

        assert service.post(body("after")).status_code == 200

    assert sorted(rig.bodies()) == sorted(map(body, ("before", "during.1", "during.2", "after")))


def test_webhooks_spooled_by_a_dead_service_are_requeued_by_the_next_service(rig: Rig, outage: Outage) -> None:
    outage.begin()
    with rig.service(with_recovery=False) as service:
        assert service.post(body("a")).status_code == 200
        service.spooled_webhooks.spool.close()  # as the end of its process does
    outage.end()

    with rig.service() as service:
        until(lambda: bool(service.events_of(events.Requeued)), "the readmission")

    assert rig.bodies() == [body("a")]


def test_a_webhook_that_can_be_neither_queued_nor_spooled_is_answered_503(rig: Rig, outage: Outage) -> None:
    outage.begin()
    with rig.service(quota=0) as service:
        answer = service.post(body("a"))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


class SlowQueue(MemoryQueue):
    """A queue that answers only after `let` is set."""

    def __init__(self) -> None:
        super().__init__("incoming")
        self.let = threading.Event()

    def put(self, letters: Any) -> None:
        self.let.wait(30)
        super().put(letters)


def test_a_webhook_is_spooled_when_the_queue_does_not_answer_in_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "PATIENCE", 0.2)
    queue = SlowQueue()
    with rig.service(queue=queue, with_recovery=False) as service:
        try:
            assert service.post(body("a")).status_code == 200
            assert service.events_of(events.Answered)[0].result == "spooled"
        finally:
            queue.let.set()


class PickyQueue(MemoryQueue):
    """A queue that refuses long messages, and whose dead letters may be unavailable."""

    dead_letters_unavailable = False

    def put(self, letters: Any) -> None:
        super().put([letter for letter in letters if len(letter.body) <= 1000])
        if refused := [(letter, "too long") for letter in letters if len(letter.body) > 1000]:
            raise MessagesRejected("not all", refused)

    def refuse(self, letter: QueueMessage, reason: str) -> None:
        if self.dead_letters_unavailable:
            raise DatabaseUnavailable("connection refused")
        super().refuse(letter, reason)


def test_a_refused_message_stays_in_the_spool_until_dead_letters_can_be_written(tmp_path: Path) -> None:
    queue, large = PickyQueue(), QueueMessage("x" * 1001)
    spooled_webhooks = SpooledWebhooks(queue, Spool(tmp_path), lambda _: None)
    queue.dead_letters_unavailable = True

    assert admit(queue, [QueueMessage("small"), large]) == [large]
    spooled_webhooks.spool_all([QueueMessage("also small"), large])
    for _ in range(3):
        spooled_webhooks.run_once()
    assert queue.depth().waiting == 2  # the small messages are not queued again with each attempt

    queue.dead_letters_unavailable = False
    spooled_webhooks.run_once()
    assert [letter.reason for letter in queue.dead_letters(5)] == ["too long"]
    assert spooled_webhooks.spool.state().records == 0


def test_an_unknown_spool_record_is_set_aside_and_does_not_block_others(tmp_path: Path) -> None:
    queue, spool = MemoryQueue(), Spool(tmp_path)
    spool.append_for_others([{"what": "is this"}, {"webhook": "a"}])

    assert SpooledWebhooks(queue, spool, lambda _: None).run_once() == 1

    assert [d.body for d in queue.receive(5, LEASE)] == ["a"]
    assert spool.state().corrupt


class BrokenQueue(MemoryQueue):
    def put(self, letters: Any) -> None:
        raise QueueError(f"no to {len(letters)}")


def test_spooled_webhooks_stay_when_they_cannot_be_requeued(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spooled_webhooks = SpooledWebhooks(BrokenQueue(), spool, lambda _: None)
    spooled_webhooks.spool_all([QueueMessage("a")])

    with pytest.raises(QueueError):
        spooled_webhooks.run_once()

    assert spool.state().records == 1
    assert SpooledWebhooks(MemoryQueue(), Spool(tmp_path), lambda _: None).run_once() == 1


# The deduplication cache.


def dynamo(aws: LocalAws) -> tuple[str, Any]:
    table = f"seen-{uuid4().hex[:8]}"
    client = aws.client("dynamodb")
    client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return table, client


def test_a_repeated_webhook_is_not_queued_and_a_different_webhook_is(rig: Rig, aws: LocalAws) -> None:
    table, client = dynamo(aws)
    emitted: list[Any] = []
    with rig.service(dedup_cache=dedup_cache.DedupCache(table, client, emitted.append)) as service:
        assert service.post(body("a")).status_code == 200
        until(lambda: client.scan(TableName=table)["Count"] == 1, "the cache entry")

        assert service.post(body("a")).status_code == 200
        assert service.post(body("b")).status_code == 200

        assert [event.result for event in service.events_of(events.Answered)] == ["queued", "duplicate", "queued"]
    assert rig.bodies() == [body("a"), body("b")]
    [item] = client.scan(TableName=table, Limit=1)["Items"]
    assert int(item["expires_at"]["N"]) > 8 * 86400
    assert not emitted


def test_ingest_continues_without_the_deduplication_table(rig: Rig, aws: LocalAws) -> None:
    emitted: list[Any] = []
    with rig.service(
        dedup_cache=dedup_cache.DedupCache("no-such-table", aws.client("dynamodb"), emitted.append)
    ) as service:
        assert service.post(body("a")).status_code == 200
        assert service.post(body("a")).status_code == 200

    assert rig.bodies() == [body("a"), body("a")]
    assert len(emitted) == 1


def test_spooled_webhooks_are_not_in_the_deduplication_cache(rig: Rig, aws: LocalAws, outage: Outage) -> None:
    table, client = dynamo(aws)
    outage.begin()
    with rig.service(dedup_cache=dedup_cache.DedupCache(table, client, lambda _: None), with_recovery=False) as service:
        assert service.post(body("a")).status_code == 200
        assert service.post(body("a")).status_code == 200

    assert client.scan(TableName=table)["Count"] == 0


def test_long_webhooks_are_split_for_sqs_and_too_large_messages_are_dead_letters(rig: Rig, aws: LocalAws) -> None:
    queue = SqsQueue("incoming", aws.queue(fifo=False), aws.sqs, rig.database.transaction)
    wamids = [f"wamid.{n}" for n in range(600)]
    with rig.service(queue=queue) as service:
        assert service.post(body(*wamids, words="é" * 500)).status_code == 200
        assert service.post(body("large", words="x" * 300_000)).status_code == 200

    deliveries = queue.receive(100, LEASE, timedelta(seconds=2))
    assert sorted(m.wamid for d in deliveries for m in webhooks.parse(d.body).messages) == sorted(wamids)
    [dead] = queue.dead_letters(5)
    assert "larger than" in dead.reason


# Authentication of the messaging API.


def test_api_keys_are_required_for_sending_status_and_metrics_and_never_logged(rig: Rig) -> None:
    keys = Keys({"right-key": Caller()}, open_to_this_machine=False)
    message = {"phone_number": "+123", "text": "hi"}
    with rig.service(keys=keys) as service:
        for headers in ({}, {"Authorization": "Bearer wrong-key"}, {"Authorization": "right-key2"}):
            refused = httpx.post(f"{service.url}/messaging/send/text", json=message, headers=headers)
            assert refused.status_code == 401
            assert httpx.get(f"{service.url}/messaging/queue/status", headers=headers).status_code == 401
            assert httpx.get(f"{service.url}/metrics", headers=headers).status_code == 401
        right = {"Authorization": "Bearer right-key"}
        assert httpx.post(f"{service.url}/messaging/send/text", json=message, headers=right).status_code == 200
        assert httpx.get(f"{service.url}/metrics", headers=right).status_code == 200

        assert "right-key" not in repr(service.emitted)
        assert "right-key" not in refused.text


def test_a_message_without_a_phone_number_is_sent_to_the_user_id(service: RunningService, rig: Rig) -> None:
    url = f"{service.url}/messaging/send/text"

    answer = httpx.post(url, json={"recipient": "BR.1A2B", "text": "oi"})

    assert (answer.status_code, answer.json()["phone_number"]) == (200, "BR.1A2B")
    [delivery] = rig.outgoing.receive(5, LEASE)
    assert json.loads(delivery.body)["recipient"] == "BR.1A2B"
    for invalid in ({}, {"recipient": "Ana"}, {"recipient": "BR.1A2B", "phone_number": "+123"}):
        assert httpx.post(url, json={"text": "oi", **invalid}).status_code == 400


def test_a_messaging_request_above_the_size_limit_is_refused(service: RunningService) -> None:
    body_of_lists = b"[" + b"[]," * 30_000 + b"[]]"

    answer = httpx.post(f"{service.url}/messaging/send/text", content=body_of_lists)

    assert answer.status_code == 413


def test_the_service_is_live_but_not_healthy_while_the_database_is_unavailable(rig: Rig, outage: Outage) -> None:
    with rig.service(with_recovery=False) as service:
        assert httpx.get(f"{service.url}/health").json() == {"status": "ok", "live": True, "ready": True}
        outage.begin()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: httpx.get(f"{service.url}/health", timeout=20).status_code, range(8)))
        assert answers == [503] * 8
        assert httpx.get(f"{service.url}/health/live").status_code == 200


def test_a_database_that_refuses_webhooks_does_not_stop_the_service(rig: Rig) -> None:
    with rig.database.transaction() as connection:
        connection.execute(sa.text("ALTER TABLE wa.queue_messages ADD CONSTRAINT no CHECK (queue <> 'incoming')"))
    with rig.service() as service:
        assert service.post(body("a")).status_code == 200
        until(lambda: len(service.events_of(events.Spooled)) >= 1, "a spooled webhook")
        with rig.database.transaction() as connection:
            connection.execute(sa.text("ALTER TABLE wa.queue_messages DROP CONSTRAINT no"))
        until(lambda: bool(service.events_of(events.Requeued)), "the readmission")

    assert rig.bodies() == [body("a")]


def test_metrics_are_served_while_the_database_is_unavailable(rig: Rig, outage: Outage) -> None:
    with rig.service() as service:
        outage.begin()

        answer = httpx.get(f"{service.url}/metrics")

    assert answer.status_code == 200
    assert "wa_webhooks_requeued_total 0.0" in answer.text
    assert "wa_queue_messages" not in answer.text
