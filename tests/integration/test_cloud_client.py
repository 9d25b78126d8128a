"""The outcome of each end of a request, tested with a raw server that cuts, stalls and answers invalid data."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from wa_cli.cloud.bearer import BearerToken
from wa_cli.cloud.client import CloudClient
from wa_cli.errors import ConfigError
from wa_cli.messages.content.text import text
from wa_cli.messages.outcomes import Accepted, Blocked, NotTransmitted, Outcome, Rejected, Retryable, Unknown

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

GOOD = {"messages": [{"id": "wamid.1"}], "contacts": [{"input": "+123", "wa_id": "123"}]}


def http(status: int, body: Any, headers: str = "") -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\nContent-Type: application/json\r\n{headers}\r\n"
    return head.encode() + content


def graph_error(code: int, **more: Any) -> dict[str, Any]:
    return {"error": {"message": f"(#{code}) no", "type": "OAuthException", "code": code, **more}}


def send_to(
    answer: Answer, *, timeout: float = 5.0, phone: str | None = "+123", recipient: str | None = None
) -> Outcome:
    """Send one message to a server that answers like this, and return the outcome."""

    async def story() -> Outcome:
        answering_now: list[asyncio.Task[Any]] = []

        async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            answering_now.append(asyncio.current_task())  # type: ignore[arg-type]
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await answer(reader, writer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

        server = await asyncio.start_server(tracked, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = CloudClient(f"http://127.0.0.1:{port}", version="v25.0", number="42", token="t", timeout=timeout)
        try:
            return await client.send(text("hi"), phone=phone, recipient=recipient, reference=uuid4(), attempt=1)
        finally:
            await client.close()
            server.close()
            await asyncio.gather(*answering_now)

    return asyncio.run(story())


async def whole_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    [length] = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    return await reader.readexactly(int(length.split(b":")[1]))


def answering(content: bytes) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(content)
        await writer.drain()
        writer.close()

    return answer


def test_an_accepted_outcome_has_the_message_id_and_no_alias_for_the_same_number() -> None:
    assert send_to(answering(http(200, GOOD))) == Accepted("wamid.1")


def test_a_different_wa_id_in_the_answer_is_an_alias() -> None:
    assert send_to(answering(http(200, GOOD)), phone="+1239") == Accepted("wamid.1", alias="123")


def test_a_template_held_for_quality_assessment_is_accepted_as_paced() -> None:
    paced = {"messages": [{"id": "wamid.1", "message_status": "held_for_quality_assessment"}]}

    assert send_to(answering(http(200, paced))) == Accepted("wamid.1", paced=True)


def test_the_request_carries_reference_and_attempt() -> None:
    seen: list[dict[str, Any]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(json.loads(await whole_request(reader)))
        writer.write(http(200, GOOD))
        writer.close()

    send_to(answer)

    assert seen[0]["to"] == "+123"
    assert seen[0]["messaging_product"] == "whatsapp"
    assert seen[0]["text"] == {"body": "hi"}
    assert seen[0]["biz_opaque_callback_data"].startswith("wa:")
    assert seen[0]["biz_opaque_callback_data"].endswith(":1")


def test_a_group_recipient_is_addressed_as_a_group() -> None:
    seen: list[dict[str, Any]] = []
    group = "Y2FwaV9ncm91cDoxNzA1NTU1MDEzOToxMjAzNjM0MDQ2OTQyMzM4MjAZD"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(json.loads(await whole_request(reader)))
        writer.write(http(200, GOOD))
        writer.close()

    send_to(answer, phone=None, recipient=group)

    assert {key: seen[0].get(key) for key in ("recipient_type", "to", "recipient")} == {
        "recipient_type": "group",
        "to": group,
        "recipient": None,
    }


@pytest.mark.parametrize(("is_transient", "expected"), [(True, Retryable), (False, Rejected)])
def test_is_transient_decides_the_outcome_of_an_unknown_error_code(is_transient: bool, expected: type[Outcome]) -> None:
    assert isinstance(send_to(answering(http(400, graph_error(999999, is_transient=is_transient)))), expected)


def test_a_429_without_an_error_code_pauses_the_number_for_retry_after() -> None:
    outcome = send_to(answering(http(429, b"slow down", "Retry-After: 7\r\n")))

    assert isinstance(outcome, Retryable)
    assert (outcome.scope, outcome.after, outcome.counts) == ("number", 7.0, False)


def test_a_refused_connection_is_not_transmitted() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        async def story() -> Outcome:
            client = CloudClient(f"http://127.0.0.1:{port}", version="v25.0", number="42", token="t")
            try:
                return await client.send(text("hi"), phone="+1", recipient=None, reference=uuid4(), attempt=1)
            finally:
                await client.close()

        assert isinstance(asyncio.run(story()), NotTransmitted)


@pytest.mark.parametrize(
    "when", ["at once", "after the head", "after the whole request", "in the middle of the answer"]
)
def test_a_cut_connection_has_an_unknown_outcome(when: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if when == "after the head":
            await reader.readuntil(b"\r\n\r\n")
        elif when != "at once":
            await whole_request(reader)
        if when == "in the middle of the answer":
            writer.write(http(200, GOOD)[:-10])
            await writer.drain()
        writer.close()

    assert isinstance(send_to(answer), Unknown)


def test_a_connection_reset_has_an_unknown_outcome() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.transport.abort()

    assert isinstance(send_to(answer), Unknown)


def test_a_timeout_has_an_unknown_outcome() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        await reader.read()  # until the client leaves
        writer.close()

    assert send_to(answer, timeout=0.2) == Unknown("no answer within 0.2 s")


def test_an_answer_sent_byte_by_byte_is_cut_off_at_the_total_timeout() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        left = asyncio.create_task(reader.read())
        for byte in http(200, GOOD):
            writer.write(bytes([byte]))
            if left.done():
                break
            await asyncio.wait({left}, timeout=0.05)
        writer.close()

    assert isinstance(send_to(answer, timeout=0.5), Unknown)


@pytest.mark.parametrize(
    "content",
    [
        http(502, b"<html>Bad gateway</html>"),
        http(503, b""),
        http(504, b"{}"),
        http(500, b"not json"),
        http(403, b"<html>a proxy says no</html>"),
        http(200, b""),
        http(200, b"<html>"),
        http(200, {}),
        http(200, {"messages": []}),
        http(200, {"messages": [{"id": 5}]}),
        http(201, GOOD),
        http(200, [1]),
        http(302, b"", "Location: http://127.0.0.1:9/\r\n"),
        b"rubbish\r\n\r\n",
    ],
)
def test_an_answer_that_is_not_from_the_graph_api_has_an_unknown_outcome(content: bytes) -> None:
    assert isinstance(send_to(answering(content)), Unknown)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, graph_error(131026), Rejected(131026, "(#131026) no")),
        (401, graph_error(190), Blocked(190, "(#190) no")),
        (400, graph_error(130429), Retryable(130429, "(#130429) no", scope="number", counts=False)),
        (400, graph_error(131056), Retryable(131056, "(#131056) no", scope="pair", counts=False)),
        (500, graph_error(131000), Retryable(131000, "(#131000) no")),
        (503, graph_error(2), Retryable(2, "(#2) no")),
        (400, graph_error(100, error_subcode=33), Blocked(100, "(#100) no")),
        (400, graph_error(131009, error_data={"details": "bad phone"}), Rejected(131009, "(#131009) no: bad phone")),
        (400, graph_error(131009, error_data="bad phone"), Rejected(131009, "(#131009) no: bad phone")),
    ],
)
def test_each_graph_api_error_gives_its_outcome(status: int, body: dict[str, Any], outcome: Outcome) -> None:
    assert send_to(answering(http(status, body))) == outcome


def test_a_429_of_a_proxy_is_retryable_after_the_seconds_of_retry_after() -> None:
    outcome = send_to(answering(http(429, b"slow down", "Retry-After: 7\r\n")))

    assert isinstance(outcome, Retryable)
    assert (outcome.scope, outcome.after, outcome.counts) == ("number", 7.0, False)


def test_a_token_replaced_on_disk_is_used_after_a_401(tmp_path: Path) -> None:
    place = tmp_path / "token"
    place.write_text("old")
    seen: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            head = await reader.readuntil(b"\r\n\r\n")
            [token] = re.findall(rb"(?i)authorization: Bearer (\w+)", head)
            [length] = re.findall(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length))
            seen.append(token.decode())
            place.write_text("new")
            writer.write(http(401, graph_error(190)) if token == b"old" else http(200, GOOD))
            await writer.drain()

    async def story() -> tuple[Outcome, Outcome]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        whom: dict[str, Any] = {"phone": "+123", "recipient": None, "reference": uuid4(), "attempt": 1}
        kept = CloudClient(url, version="v25.0", number="42", token="old")
        client = CloudClient(url, version="v25.0", number="42", token="old", reread_token=place.read_text)
        try:
            return await kept.send(text("hi"), **whom), await client.send(text("hi"), **whom)
        finally:
            await client.close()
            await kept.close()
            server.close()

    refused, taken = asyncio.run(story())

    assert isinstance(refused, Blocked)
    assert taken == Accepted("wamid.1")
    assert seen == ["old", "old", "new"]


def test_the_old_token_is_kept_while_no_new_one_can_be_read() -> None:
    def missing() -> str:
        raise ConfigError("no file")

    flow = BearerToken("old", missing).auth_flow(httpx.Request("GET", "https://graph.facebook.com"))
    assert next(flow).headers["Authorization"] == "Bearer old"
    with pytest.raises(StopIteration):
        flow.send(httpx.Response(401))
