"""A load of webhooks at a constant rate, the answers to it, and a thread that kills the processes meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import sqlalchemy as sa

from tests.chaos.stage import WA, Stage, children_of
from tests.support.waiting import until
from wa_cli.cloud import signature, webhooks

SECRET = "benchmark"
CONNECTIONS = 64
# Seconds after which an unanswered POST is given up and its connection replaced.
ANSWER_LIMIT = 30.0
SETTINGS = {"WA_APP_SECRET": SECRET, "WA_VERIFY_TOKEN": "verify", "WA_CLOUD_API_URL": "https://graph.facebook.com"}
SETTINGS |= {"WA_PHONE_NUMBER_ID": "42", "WA_ACCESS_TOKEN": "none"}


def post(wamid: str) -> bytes:
    """Return a complete, signed HTTP request with one message of a random customer."""
    customer = f"1555{random.randrange(10**7):07}"
    message = {
        "from": customer,
        "id": wamid,
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": "hello"},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550100000", "phone_number_id": "42"},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": customer}],
        "messages": [message],
    }
    body = json.dumps(webhooks.notify(value)).encode()
    head = (
        f"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"{signature.HEADER}: {signature.sign(body, SECRET)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """A connection that sends one POST at a time. The status of a POST is 0 if the connection broke."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[int] | None = None
        self.transport: asyncio.Transport | None = None
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        if b"\r\n\r\n" in self._read:
            status, self._read = int(self._read[9:12]), b""
            self._emit(status)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.transport = None
        self._emit(0)

    def _emit(self, status: int) -> None:
        if self.answer and not self.answer.done():
            self.answer.set_result(status)

    async def send(self, request: bytes) -> int:
        if self.transport is None:
            return 0
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        try:
            return await asyncio.wait_for(self.answer, ANSWER_LIMIT)
        except TimeoutError:
            self.transport.abort()
            return 0


@contextmanager
def running_ingest(scene: Stage, *, services: int, workers: int) -> Iterator[tuple[int, int]]:
    """Run a service and an incoming worker with so many processes. Yield the process ids of the two parents."""
    environ = scene.environ(**SETTINGS)
    serve = [*WA, "serve", "--processes", str(services), "--port", str(scene.port)]
    work = [*WA, "worker", "incoming", "--processes", str(workers)]
    with scene.process(serve, environ) as service, scene.process(work, environ) as worker:
        until(lambda: answers(scene.port), "the service")
        yield service.pid, worker.pid


@dataclass
class LoadResult:
    """The answers to a load. `taken` are the ids of messages whose POST was answered 200."""

    taken: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    refused: int = 0
    broken: int = 0
    seconds: float = 0.0

    def wait(self, share: float) -> float:
        """Return the milliseconds within which this share of the POSTs was answered."""
        ordered = sorted(self.waits)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


async def load(port: int, rate: float, seconds: float) -> LoadResult:
    """Send `rate` POSTs a second for so many seconds, whatever the answers. A failed POST is not repeated."""
    result, due = LoadResult(), asyncio.Queue[float]()
    done = asyncio.Event()
    began = time.monotonic()

    async def sender() -> None:
        connection = Connection()
        while not (done.is_set() and due.empty()):
            try:
                at = await asyncio.wait_for(due.get(), 0.5)
            except TimeoutError:
                continue
            if connection.transport is None:
                with suppress(OSError):
                    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
            wamid = f"wamid.{uuid4().hex}"
            status = await connection.send(post(wamid))
            result.waits.append(time.monotonic() - at)
            result.seconds = time.monotonic() - began
            if status == 200:
                result.taken.append(wamid)
            elif status:
                result.refused += 1
            else:
                result.broken += 1
        if connection.transport:
            connection.transport.abort()

    senders = [asyncio.create_task(sender()) for _ in range(CONNECTIONS)]
    for place in range(int(rate * seconds)):
        at = began + place / rate
        if (early := at - time.monotonic()) > 0.001:
            await asyncio.sleep(early)
        due.put_nowait(at)
    done.set()
    await asyncio.gather(*senders)
    await asyncio.sleep(0)  # for the connections to be closed
    return result


class Killing(threading.Thread):
    """A thread that kills one process of the service and one of the worker each second."""

    def __init__(self, parents: Sequence[int]) -> None:
        super().__init__(daemon=True)
        self.parents = parents
        self.kills = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(1.0):
            for parent in self.parents:
                if children := children_of(parent):
                    with suppress(ProcessLookupError):
                        os.kill(random.choice(children), signal.SIGKILL)
                        self.kills += 1


def stored(scene: Stage, wamids: Sequence[str]) -> int:
    with scene.database.reading() as connection:
        query = "SELECT count(*) FROM whatsapp_messages WHERE message_id = ANY(:ids)"
        return int(connection.execute(sa.text(query), {"ids": list(wamids)}).scalar_one())


def answers(port: int) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200
    return False
