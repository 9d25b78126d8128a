"""Chaos tests: kill workers, crash the database, add API faults, then compare the sandbox's log with the tables.

For comparison, the usual worker, which retries on any exception, runs in the same storm. Everything runs on this
machine, with short leases and waits. Does not prove anything about Meta's own faults, or about a disk that loses data.

    python -m tests.chaos.storm --messages 10000 --queue sqs
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import sqlalchemy as sa

from tests.chaos import naive
from tests.chaos.judge import Finding, judge, judge_naive, why_held
from tests.chaos.stage import (
    WA,
    Killer,
    Stage,
    Weather,
    children_of,
    crash,
    make_database_unavailable,
    stage,
    wait_for_service,
)
from wa_cli.errors import DatabaseUnavailable
from wa_cli.queues.base import QueueMessage
from wa_cli.sandbox import NUMBER

CALM_LIMIT = 120.0
STORM_LIMIT = 600.0
NAIVE = str(Path(naive.__file__))


@dataclass(frozen=True)
class Storm:
    finding: Finding
    seconds: float
    kills: int
    held_because: Mapping[str, int] = field(default_factory=dict)


def ours(weather: Weather) -> Storm:
    """Run the program in the storm."""
    with _home() as home, stage(home, weather) as scene, ExitStack() as parts:
        parts.enter_context(scene.sandbox())
        queue, settings = parts.enter_context(scene.queue())
        environ = scene.environ(WA_CLOUD_API_URL="sandbox", **settings)
        if weather.outage:
            environ["WA_DEGRADED_AFTER"] = "0s"
        if weather.webhooks:
            parts.enter_context(scene.process([*WA, "serve"], environ))
            parts.enter_context(scene.process([*WA, "worker", "incoming"], environ))
            wait_for_service(f"http://127.0.0.1:{scene.port}/health")
        command = [*WA, "worker", "outgoing", "--processes", str(weather.workers)]
        supervisor = parts.enter_context(scene.process(command, environ))
        began = time.monotonic()
        fed = _Feeding(lambda: scene.feed(queue, weather.rate * 1.1))
        kills = _storm(scene, lambda: children_of(supervisor.pid), lambda: not fed.is_alive() and _all_claimed(scene))
        _calm(lambda: _is_calm(scene) and (not weather.webhooks or _all_read(scene)))
        finding = judge(scene.database, scene.log, fed.result(), webhooks=weather.webhooks)
        return Storm(finding, time.monotonic() - began, kills, why_held(scene.database))


def theirs(weather: Weather) -> Storm:
    """Run the usual worker in the same storm."""
    weather = replace(weather, webhooks=False)
    with _home() as home, stage(home, weather) as scene, ExitStack() as parts:
        url = parts.enter_context(scene.sandbox())
        with scene.database.transaction() as connection:
            connection.execute(sa.text(naive.SCHEMA))
        dsn = scene.server.url(scene.name)
        command = [sys.executable, NAIVE, dsn, url, NUMBER, str(weather.rate / weather.workers)]
        workers = _Respawned(command, weather.workers)
        parts.callback(workers.stop)
        began = time.monotonic()
        fed = _Feeding(lambda: scene.feed(_NaiveQueue(scene), weather.rate * 1.1))
        kills = _storm(scene, workers.alive, lambda: not fed.is_alive() and _naive_left(scene) == 0)
        return Storm(judge_naive(scene.database, scene.log, fed.result()), time.monotonic() - began, kills)


class _Feeding(threading.Thread):
    """A thread that queues the messages during the storm."""

    def __init__(self, feed: Callable[[], set[str]]) -> None:
        super().__init__(daemon=True)
        self._feed = feed
        self._references: set[str] = set()
        self.start()

    def run(self) -> None:
        self._references = self._feed()

    def result(self) -> set[str]:
        self.join()
        assert self._references, "feeding failed"
        return self._references


class _NaiveQueue:
    """The part of a queue that `Stage.feed` needs, over the table of the usual worker."""

    def __init__(self, scene: Stage) -> None:
        self.scene = scene

    def put(self, letters: Sequence[QueueMessage]) -> None:
        rows = [json.loads(letter.body) for letter in letters]
        with self.scene.database.transaction() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO naive_queue (reference, phone, body) VALUES (:reference, :phone, :body)"
                    " ON CONFLICT DO NOTHING"
                ),
                [
                    {"reference": r["reference"], "phone": r["phone_number"], "body": r["message_data"]["text"]["body"]}
                    for r in rows
                ],
            )


class _Respawned:
    """Processes that are started again when they die."""

    def __init__(self, command: list[str], count: int) -> None:
        self.command = command
        self._processes = [self._start() for _ in range(count)]

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command, env=os.environ)

    def alive(self) -> list[int]:
        self._processes = [old if old.poll() is None else self._start() for old in self._processes]
        return [process.pid for process in self._processes]

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


def _storm(scene: Stage, alive: Callable[[], list[int]], is_over: Callable[[], bool]) -> int:
    """Kill processes and crash the database until `is_over` returns true. Return the number of killed processes."""
    weather = scene.weather
    killer = Killer(alive, weather.kill_every)
    killer.start()
    crash_at = [weather.messages * (place + 1) // (weather.crashes + 1) for place in range(weather.crashes)]
    outage_at = weather.messages // 2 if weather.outage else None
    deadline = time.monotonic() + STORM_LIMIT
    while not is_over() and time.monotonic() < deadline:
        done = scene.accepted()
        if crash_at and done >= crash_at[0]:
            crash_at.pop(0)
            crash(scene)
        if outage_at and done >= outage_at:
            outage_at = None
            make_database_unavailable(scene, weather.outage)
        time.sleep(0.2)
    killer.stop()
    return killer.kills


def _calm(is_calm: Callable[[], bool]) -> None:
    """Wait until leases, evidence and sweeps have settled the messages that the storm left."""
    deadline = time.monotonic() + CALM_LIMIT
    while not is_calm() and time.monotonic() < deadline:
        time.sleep(0.3)


def _count(scene: Stage, query: str) -> int | None:
    """Return the result of a count, or None while the database is unavailable."""
    try:
        with scene.database.reading() as connection:
            return int(connection.execute(sa.text(query)).scalar_one())
    except DatabaseUnavailable:
        return None


def _all_claimed(scene: Stage) -> bool:
    """Return true when each message has been claimed at least once."""
    known = _count(scene, "SELECT count(*) FROM wa.outbox WHERE attempt > 0")
    return known == scene.weather.messages


def _is_calm(scene: Stage) -> bool:
    unfinished = _count(scene, "SELECT count(*) FROM wa.outbox WHERE state IN ('queued', 'sending', 'uncertain')")
    known = _count(scene, "SELECT count(*) FROM wa.outbox")
    return unfinished == 0 and known == scene.weather.messages


def _all_read(scene: Stage) -> bool:
    query = "SELECT count(*) FROM whatsapp_messages WHERE direction = 'outgoing' AND status NOT IN ('read', 'failed')"
    return _count(scene, query) == 0


def _naive_left(scene: Stage) -> int | None:
    return _count(scene, "SELECT count(*) FROM naive_queue WHERE state = 'waiting'")


@contextmanager
def _home() -> Iterator[Path]:
    """Yield a temporary folder, which is deleted at the end unless WA_CHAOS_KEEP is set."""
    path = Path(tempfile.mkdtemp(prefix="wa-chaos-"))
    yield path
    if not os.environ.get("WA_CHAOS_KEEP"):
        shutil.rmtree(path, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=200.0, help="messages a second that the number may send")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--queue", choices=["postgres", "sqs"], default="postgres")
    parser.add_argument("--no-webhooks", action="store_true")
    parser.add_argument(
        "--outage", type=float, default=0.0, help="on SQS, also make the database unavailable for so many seconds"
    )
    parser.add_argument("--alone", action="store_true", help="run without the usual worker for comparison")
    asked = parser.parse_args()
    weather = Weather(
        asked.messages, asked.rate, asked.workers, asked.queue, not asked.no_webhooks, outage=asked.outage
    )
    print(weather, flush=True)
    storm = ours(weather)
    other = None if asked.alone else theirs(replace(weather, outage=0.0))
    print(f"{'':24}{'wa':>12}{'retry on error' if other else '':>18}")
    print(f"{'seconds':24}{storm.seconds:12.0f}{f'{other.seconds:.0f}' if other else '':>18}")
    print(f"{'workers killed':24}{storm.kills:12}{other.kills if other else '':>18}")
    compared = dict(other.finding.lines()) if other else {}
    for name, number in storm.finding.lines():
        print(f"{name:24}{number:12,}{compared.get(name, ''):>18}")
    for reason, count in storm.held_because.items():
        print(f"held: {count:,} because {reason}")
    broken = storm.finding.broken(webhooks=weather.webhooks, storage=not weather.outage)
    print(f"broken promises: {broken or 'none'}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
