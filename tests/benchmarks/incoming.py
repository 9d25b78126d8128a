"""The way in: POSTs a second taken and stored, how long each waits for its answer, and what kills and slow clients change.

An open loop: each POST is due at its own moment, and its wait counts from then, whether or not the service keeps up.
Service, worker, database and the load itself share this machine. Does not prove: anything about Meta's own pace, about TLS
or a proxy in front, about a network between the parts, or about a database whose disk is slower than this one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import sqlalchemy as sa

from tests.chaos.stage import WA, Stage, Weather, children_of, stage
from tests.waiting import until
from wa_cli.cloud import signature, webhooks

SECRET = "benchmark"
CONNECTIONS = 64
# A POST that is not answered by then is given up, and a new connection made.
ANSWER_LIMIT = 30.0
CALM = {"WA_APP_SECRET": SECRET, "WA_VERIFY_TOKEN": "verify", "WA_CLOUD_API_URL": "https://graph.facebook.com"}
CALM |= {"WA_PHONE_NUMBER_ID": "42", "WA_ACCESS_TOKEN": "none"}


def post(wamid: str) -> bytes:
    """A whole HTTP request: one message of one of many customers, signed."""
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
    """One POST at a time; its status, or 0 where the connection broke."""

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
            self._tell(status)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.transport = None
        self._tell(0)

    def _tell(self, status: int) -> None:
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


@dataclass
class Told:
    """What the load was answered. `taken` are the ids of messages whose POST was answered 200."""

    taken: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    refused: int = 0
    broken: int = 0
    seconds: float = 0.0

    def wait(self, share: float) -> float:
        """Milliseconds within which that share of the POSTs was answered."""
        ordered = sorted(self.waits)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


async def load(port: int, rate: float, seconds: float) -> Told:
    """`rate` POSTs a second for so long, whatever the answers; what is not taken is not repeated."""
    told, due = Told(), asyncio.Queue[float]()
    done = asyncio.Event()
    began = time.monotonic()

    async def sender() -> None:
        loop, connection = asyncio.get_running_loop(), Connection()
        while not (done.is_set() and due.empty()):
            try:
                at = await asyncio.wait_for(due.get(), 0.5)
            except TimeoutError:
                continue
            if connection.transport is None:
                with suppress(OSError):
                    _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
            wamid = f"wamid.{uuid4().hex}"
            status = await connection.send(post(wamid))
            told.waits.append(time.monotonic() - at)
            told.seconds = time.monotonic() - began
            if status == 200:
                told.taken.append(wamid)
            elif status:
                told.refused += 1
            else:
                told.broken += 1

    senders = [asyncio.create_task(sender()) for _ in range(CONNECTIONS)]
    for place in range(int(rate * seconds)):
        at = began + place / rate
        if (early := at - time.monotonic()) > 0.001:
            await asyncio.sleep(early)
        due.put_nowait(at)
    done.set()
    await asyncio.gather(*senders)
    return told


@contextmanager
def slow_clients(port: int, count: int) -> Iterator[None]:
    """So many connections that send a byte of a request each second, and come again when they are cut off."""
    command = [sys.executable, "-m", "tests.benchmarks.incoming", "--slow", str(count), "--port", str(port)]
    clients = subprocess.Popen(command)
    try:
        time.sleep(2)
        yield
    finally:
        clients.kill()
        clients.wait()


async def be_slow(port: int, count: int) -> None:
    async def client() -> None:
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                for byte in b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" + b" " * 100:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(1.0)
            await asyncio.sleep(0.5)

    await asyncio.gather(*(client() for _ in range(count)))


class Killing(threading.Thread):
    """A process of the service and one of the worker, killed each second."""

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


def report(what: str, told: Told, scene: Stage) -> None:
    began = time.monotonic()
    with suppress(TimeoutError):
        until(lambda: stored(scene, told.taken) == len(told.taken), "the last row", limit=60)
    after = time.monotonic() - began
    missing = len(told.taken) - stored(scene, told.taken)
    print(
        f"{what}\n"
        f"  taken {len(told.taken):,} of {len(told.waits):,} in {told.seconds:.1f} s: {len(told.taken) / told.seconds:,.0f}/s;"
        f" refused {told.refused}, broken off {told.broken}\n"
        f"  answered within p50 {told.wait(0.5):.1f} ms, p99 {told.wait(0.99):.1f} ms, at most {told.wait(1.0):.0f} ms;"
        f" all rows there {after:.1f} s after the last answer, answered 200 and missing {missing}",
        flush=True,
    )


def run(rate: float, seconds: float, processes: int) -> None:
    with tempfile.TemporaryDirectory(prefix="wa-incoming-") as home, stage(Path(home), Weather()) as scene:
        environ = scene.environ(**CALM)
        serve = [*WA, "serve", "--processes", str(processes), "--port", str(scene.port)]
        worker = [*WA, "worker", "incoming", "--processes", "1"]
        with scene.process(serve, environ) as service, scene.process(worker, environ) as incoming:
            until(lambda: _answers(scene.port), "the service")
            asyncio.run(load(scene.port, 200, 2))
            asyncio.run(load(scene.port, 2 * rate, 2))
            report(f"calm, {rate:,.0f} POSTs a second", asyncio.run(load(scene.port, rate, seconds)), scene)
            with slow_clients(scene.port, 1000):
                report("beside a thousand slow connections", asyncio.run(load(scene.port, rate, seconds)), scene)
            most = asyncio.run(load(scene.port, 3 * rate, seconds / 3))
            report("more than it can take", most, scene)
        worker[-1] = "2"
        with scene.process(serve, environ) as service, scene.process(worker, environ) as incoming:
            until(lambda: _answers(scene.port), "the service")
            killing = Killing([service.pid, incoming.pid])
            killing.start()
            told = asyncio.run(load(scene.port, rate, seconds))
            killing.over.set()
            killing.join()
            report(f"a kill -9 of service and worker each second, {killing.kills} in all", told, scene)


def _answers(port: int) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--slow", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.slow:
        asyncio.run(be_slow(asked.port, asked.slow))
    else:
        run(asked.rate, asked.seconds, asked.processes)


if __name__ == "__main__":
    main()
