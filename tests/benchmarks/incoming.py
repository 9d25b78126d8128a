"""Incoming webhooks: POSTs per second, their answer times, and the effect of kills and slow clients.

The load is an open loop: each POST has a planned time and its wait counts from then, even if the service is late.
Service, worker, database and the load itself share this machine. Does not prove: anything about Meta's own pace, about TLS
or a proxy in front, about a network between the parts, or about a database whose disk is slower than this one.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.chaos.flood import Killing, LoadResult, load, running_ingest, stored
from tests.chaos.stage import Stage, Weather, stage
from tests.support.waiting import until


@contextmanager
def slow_clients(port: int, count: int) -> Iterator[None]:
    """Open `count` connections that send one byte of a request per second and reconnect when they are closed."""
    command = [sys.executable, "-m", "tests.benchmarks.incoming", "--slow", str(count), "--port", str(port)]
    clients = subprocess.Popen(command)
    try:
        time.sleep(2)
        yield
    finally:
        clients.kill()
        clients.wait()


async def run_slow_clients(port: int, count: int) -> None:
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


def report(what: str, result: LoadResult, scene: Stage) -> None:
    began = time.monotonic()
    with suppress(TimeoutError):
        until(lambda: stored(scene, result.taken) == len(result.taken), "the last row", limit=60)
    after = time.monotonic() - began
    missing = len(result.taken) - stored(scene, result.taken)
    print(
        f"{what}\n"
        f"  taken {len(result.taken):,} of {len(result.waits):,} in {result.seconds:.1f} s:"
        f" {len(result.taken) / result.seconds:,.0f}/s;"
        f" refused {result.refused}, broken off {result.broken}\n"
        f"  answered within p50 {result.wait(0.5):.1f} ms, p99 {result.wait(0.99):.1f} ms,"
        f" at most {result.wait(1.0):.0f} ms;"
        f" all rows stored {after:.1f} s after the last answer, answered 200 and missing {missing}",
        flush=True,
    )


def run(rate: float, seconds: float, processes: int) -> None:
    with tempfile.TemporaryDirectory(prefix="wa-incoming-") as home, stage(Path(home), Weather()) as scene:
        with running_ingest(scene, services=processes, workers=1):
            asyncio.run(load(scene.port, 200, 2))
            asyncio.run(load(scene.port, 2 * rate, 2))
            report(f"calm, {rate:,.0f} POSTs a second", asyncio.run(load(scene.port, rate, seconds)), scene)
            with slow_clients(scene.port, 1000):
                report("beside a thousand slow connections", asyncio.run(load(scene.port, rate, seconds)), scene)
            most = asyncio.run(load(scene.port, 3 * rate, seconds / 3))
            report("more than it can take", most, scene)
        with running_ingest(scene, services=processes, workers=2) as parents:
            killing = Killing(parents)
            killing.start()
            result = asyncio.run(load(scene.port, rate, seconds))
            killing.over.set()
            killing.join()
            report(f"a kill -9 of service and worker each second, {killing.kills} in all", result, scene)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--slow", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.slow:
        asyncio.run(run_slow_clients(asked.port, asked.slow))
    else:
        run(asked.rate, asked.seconds, asked.processes)


if __name__ == "__main__":
    main()
