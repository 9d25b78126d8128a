"""Requests to send that the HTTP API accepts a second, each of them in the queue, with workers at rest.

Service, database and the load share this machine. Does not prove: anything about TLS or a proxy in front, or about SQS.

    python -m tests.benchmarks.accept --connections 16 --seconds 10
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import httpx
import sqlalchemy as sa

from tests.support.waiting import free_port, until
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.migrations.runner import Migrator


async def load(url: str, connections: int, seconds: float) -> list[float]:
    """Post from so many connections, each one after the answer to its last. Return the seconds of each request."""
    took: list[float] = []
    end = time.monotonic() + seconds

    async def client(number: int) -> None:
        sent = 0
        while time.monotonic() < end:
            body = {"phone_number": f"+1555{number:03}{sent % 1000:03}", "text": "This is a message of a benchmark."}
            began = time.monotonic()
            async with session.post(url, json=body) as answer:
                await answer.read()
                assert answer.status == 200, await answer.text()
            took.append(time.monotonic() - began)
            sent += 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(client(number) for number in range(connections)))
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wa-accept-") as folder:
        server = EmbeddedServer(Path(folder))
        server.ensure("wa")
        database = Database(server.url("wa"))
        Migrator(database).apply()
        port = free_port()
        environ = {**os.environ, "WA_HOME": folder, "WA_PORT": str(port)}
        command = [sys.executable, "-m", "wa_cli", "serve", "--processes", str(asked.processes)]
        service = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
        base = f"http://127.0.0.1:{port}"
        try:
            until(lambda: _answers(base), "the service")
            took = asyncio.run(load(f"{base}/messaging/send/text", asked.connections, asked.seconds))
            with database.reading() as connection:
                queued = connection.execute(sa.text("SELECT count(*) FROM wa.queue_messages")).scalar_one()
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(30)
            database.close()
            server.stop()
    p99 = statistics.quantiles(took, n=100)[98]
    print(f"{len(took) / asked.seconds:,.0f} requests/s over {asked.connections} connections, p99 {p99 * 1e3:.0f} ms")
    print(f"accepted {len(took):,}, in the queue {queued:,}")


def _answers(base: str) -> bool:
    try:
        return httpx.get(f"{base}/health/live").status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
