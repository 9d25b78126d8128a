"""The parts of a storm: a database, a sandbox with faults, the service, and worker processes that are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
import psutil

from tests.support.database_outage import Outage
from tests.support.local_aws import ENVIRON, local_aws
from tests.support.waiting import free_port, until
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.errors import DatabaseUnavailable, QueueError
from wa_cli.messages.content.text import text
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.migrations.runner import Migrator
from wa_cli.queues.base import Queue, QueueMessage
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.queues.sqs import SqsQueue
from wa_cli.sandbox import NUMBER

WA = [sys.executable, "-m", "wa_cli"]
FAULTS = "throttled=3%,failed=2%,gateway_accepted=1%,gateway_rejected=1%,cut_accepted=1%,cut_before=1%,slow=1%"
# Short leases and waits, in the proportions of the real ones, so that a storm ends in a minute.
HASTE = {
    "WA_SEND_TIMEOUT": "1.5s",
    "WA_CLAIM_LEASE": "4s",
    "WA_QUEUE_LEASE": "1.5s",
    "WA_UNCERTAIN_WAIT": "4s",
    "WA_SILENCE_LIMIT": "8s",
    "WA_STOP_TIMEOUT": "5s",
}


class Feedable(Protocol):
    """The part of a queue that `Stage.feed` needs."""

    def put(self, letters: Sequence[QueueMessage]) -> Any: ...


@dataclass(frozen=True)
class Weather:
    """The conditions of a storm. `queue` is postgres or sqs. `outage` is the length of a database outage in seconds.

    `limit` is the number of sends a second that the sandbox accepts. `customers` defaults to a quarter of `messages`.
    """

    messages: int = 10_000
    rate: float = 200.0
    workers: int = 3
    queue: str = "postgres"
    webhooks: bool = True
    crashes: int = 2
    kill_every: float = 1 / 3  # seconds
    outage: float = 0.0
    answer_after: str = "50ms"
    faults: str = FAULTS
    limit: float | None = None
    customers: int | None = None


class Stage:
    """The parts of one storm. Each part but the test itself is a separate process."""

    def __init__(self, home: Path, weather: Weather, server: EmbeddedServer, name: str) -> None:
        self.home = home
        self.weather = weather
        self.server = server
        self.name = name
        self.database = Database(server.url(name), pool_size=2)
        self.port = free_port()

    @property
    def log(self) -> Path:
        return self.home / "sandbox" / "log.jsonl"

    def environ(self, **more: str) -> dict[str, str]:
        plain = {key: value for key, value in os.environ.items() if not key.startswith("WA_")}
        return {
            **plain,
            **HASTE,
            "WA_HOME": str(self.home),
            "WA_DATABASE_URL": self.server.url(self.name),
            "WA_PORT": str(self.port),
            "WA_SANDBOX_PORT": "0",
            "WA_RATE": str(self.weather.rate),
            **more,
        }

    @contextmanager
    def process(self, command: Sequence[str], environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        """Run a part of the storm during the block. Its output is in `said.log` beside the data."""
        with (self.home / "said.log").open("ab") as said:
            part = subprocess.Popen(command, env=environ, stdout=said, stderr=said)
        try:
            yield part
        finally:
            part.send_signal(signal.SIGINT)
            try:
                part.wait(timeout=20)
            except subprocess.TimeoutExpired:
                part.kill()
                part.wait()

    @contextmanager
    def sandbox(self) -> Iterator[str]:
        """Run a sandbox with faults. Yield its URL."""
        command = [*WA, "sandbox", "serve", "--answer-after", self.weather.answer_after]
        command += ["--fault", self.weather.faults]
        if self.weather.limit:
            command += ["--limit", str(self.weather.limit)]
        if not self.weather.webhooks:
            command.append("--no-statuses")
        with self.process(command, self.environ(WA_CLOUD_API_URL="sandbox")):
            url = self.home / "sandbox" / "url"
            until(lambda: url.exists() and bool(url.read_text()) and self.log.exists(), "the sandbox")
            yield url.read_text()

    @contextmanager
    def queue(self) -> Iterator[tuple[Queue, dict[str, str]]]:
        """Yield the outgoing queue and the settings that name it."""
        if self.weather.queue == "postgres":
            yield PostgresQueue("outgoing", self.database), {}
            return
        with local_aws() as aws:
            outgoing, incoming = aws.queue(fifo=True), aws.queue(fifo=False)
            settings = {
                **ENVIRON,
                "WA_QUEUE": "sqs",
                "WA_OUTGOING_QUEUE_URL": outgoing,
                "WA_INCOMING_QUEUE_URL": incoming,
            }
            yield SqsQueue("outgoing", outgoing, aws.sqs, self.database.transaction), settings

    def feed(self, queue: Feedable, pace: float) -> set[str]:
        """Queue all messages, `pace` a second, and return their references. An unavailable queue is retried."""
        references = set()
        customers = self.weather.customers or max(1, self.weather.messages // 4)
        batch = 20
        for start in range(0, self.weather.messages, batch):
            began = time.monotonic()
            messages = [
                OutgoingMessage(text(f"message {place}"), phone=f"+1{place % customers:09}", phone_number_id=NUMBER)
                for place in range(start, min(self.weather.messages, start + batch))
            ]
            references |= {str(message.reference) for message in messages}
            _insist(lambda: queue.put([QueueMessage(message.to_body(), message.customer) for message in messages]))  # noqa: B023
            time.sleep(max(0.0, batch / pace - (time.monotonic() - began)))
        return references

    def accepted(self) -> int:
        return self.log.read_bytes().count(b'"kind":"accepted"')

    def close(self) -> None:
        self.database.close()


class Killer(threading.Thread):
    """A thread that kills one of the processes that `alive` lists, every so many seconds, until `stop` is called."""

    def __init__(self, alive: Callable[[], list[int]], every: float) -> None:
        super().__init__(daemon=True)
        self.alive = alive
        self.every = every
        self.kills = 0
        self._stop_now = threading.Event()

    def run(self) -> None:
        while not self._stop_now.wait(self.every):
            victims = self.alive()
            if victims:
                with suppress(ProcessLookupError):
                    os.kill(random.choice(victims), signal.SIGKILL)
                    self.kills += 1

    def stop(self) -> None:
        self._stop_now.set()
        self.join()


@contextmanager
def stage(home: Path, weather: Weather) -> Iterator[Stage]:
    """Yield a stage with its own database server, because the storm crashes the server."""
    server = EmbeddedServer(home)
    server.ensure("storm")
    scene = Stage(home, weather, server, "storm")
    try:
        Migrator(scene.database).apply()
        yield scene
    finally:
        scene.close()
        server.stop()


def children_of(pid: int) -> list[int]:
    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(pid).children()]
    return []


def crash(scene: Stage) -> None:
    """Kill the server at once, like a power cut, and start it again a second later."""
    scene.server.crash()
    time.sleep(1.0)
    scene.server.ensure(scene.name)


def make_database_unavailable(scene: Stage, seconds: float) -> None:
    """Refuse connections to the database for so many seconds."""
    outage = Outage(scene.server, scene.server.url(scene.name))
    outage.begin()
    time.sleep(seconds)
    outage.close()


def wait_for_service(url: str) -> None:
    def answers() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(url, timeout=2).status_code == 200
        return False

    until(answers, "the service")


def _insist(action: Callable[[], None]) -> None:
    while True:
        try:
            return action()
        except (DatabaseUnavailable, QueueError):
            time.sleep(0.2)
