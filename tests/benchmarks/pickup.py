"""From queued to claimed by an idle worker, in milliseconds, and how often an idle worker looks at the database.

Does not prove: anything about a database over a network, or about a worker that is busy.

    python -m tests.benchmarks.pickup --messages 100
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from tests.support.waiting import until
from wa_cli.counted import counted
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.messages.content.text import text
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.migrations.runner import Migrator
from wa_cli.queues.base import QueueMessage
from wa_cli.queues.postgres import PostgresQueue

IDLE_SECONDS = 20.0
SEED = 1


@contextmanager
def idle_worker(home: Path) -> Iterator[Database]:
    """Run an outgoing worker with the default settings on an embedded database."""
    server = EmbeddedServer(home)
    server.ensure("wa")
    database = Database(server.url("wa"))
    Migrator(database).apply()
    environ = {**os.environ, "WA_HOME": str(home), "WA_SANDBOX_PORT": "0"}
    command = [sys.executable, "-m", "wa_cli", "worker", "outgoing"]
    worker = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    try:
        until(lambda: count(database, "SELECT count(*) FROM wa.worker_heartbeats") > 0, "the worker")
        yield database
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
        database.close()
        server.stop()


def count(database: Database, query: str) -> int:
    with database.reading() as connection:
        return int(connection.execute(sa.text(query)).scalar_one())


def pick_up(database: Database, messages: int) -> list[float]:
    """Return the seconds from the end of each put to the claim of its message."""
    queue, chance = PostgresQueue("outgoing", database), random.Random(SEED)
    put_at: dict[str, datetime] = {}
    for number in range(messages):
        time.sleep(chance.uniform(0.3, 1.3))
        message = OutgoingMessage(text("hi"), phone=f"+1555{number:07}")
        queue.put([QueueMessage(message.to_body(), message.customer)])
        put_at[str(message.reference)] = datetime.now(UTC)
    until(lambda: count(database, "SELECT count(*) FROM wa.outbox WHERE state = 'sent'") == messages, "the answers")
    with database.reading() as connection:
        claimed = connection.execute(sa.text("SELECT reference::text, last_attempt_at FROM wa.outbox")).all()
    return [(at - put_at[reference]).total_seconds() for reference, at in claimed]


def looks_per_second(database: Database) -> float:
    """Return the transactions a second of the worker while nothing is queued."""
    query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'wa'"
    time.sleep(5)
    before = count(database, query)
    time.sleep(IDLE_SECONDS)
    return (count(database, query) - before - 1) / IDLE_SECONDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wa-pickup-") as folder, idle_worker(Path(folder)) as database:
        seconds = sorted(pick_up(database, asked.messages))
        looks = looks_per_second(database)
    percentiles = statistics.quantiles(seconds, n=100)
    print(
        f"pick-up of {counted(asked.messages, 'message')}, ms:"
        f" p50 {percentiles[49] * 1e3:.0f}  p95 {percentiles[94] * 1e3:.0f}  max {seconds[-1] * 1e3:.0f}"
    )
    print(f"transactions of an idle worker: {looks:.1f} a second")


if __name__ == "__main__":
    main()
