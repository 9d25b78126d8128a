"""Migrate a busy table: the waiting times of its clients, compared with a textbook script on a copy of the table.

Eight processes insert messages and four read messages without pause. A report holds the table open for some seconds
when the migration begins. Clients, server and migration share this machine, so the same load is also measured without
a migration. Does not prove: anything about replicas, about a table that is much larger than this machine's memory, or
about statements that hold their own locks for long.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from uuid import uuid4

import psycopg2

from tests.support.postgres_versions import AS_FOUND
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.migrations.progress import Begun, Done
from wa_cli.migrations.progress import Event as Progress
from wa_cli.migrations.runner import Migrator

WRITERS, READERS = 8, 4
FILL = """
INSERT INTO whatsapp_messages (message_id, from_phone, to_phone, message_type, content, timestamp)
SELECT 'm' || n, '+1555' || n %% 50000, '15550100000', 'text', 'where is order ' || n || ' of the day',
       now() - n * interval '5 seconds'
  FROM generate_series(%s, %s) AS n
"""
INSERT = """
INSERT INTO whatsapp_messages (message_id, from_phone, to_phone, message_type, content, timestamp)
VALUES (%s, %s, '15550100000', 'text', 'hello', now())
"""
READ = "SELECT content FROM whatsapp_messages WHERE message_id = %s"
TEXTBOOK = """
ALTER TABLE whatsapp_messages ADD COLUMN direction VARCHAR(20) DEFAULT 'incoming'
    CONSTRAINT check_direction CHECK (direction IN ('incoming', 'outgoing'));
CREATE INDEX idx_messages_direction ON whatsapp_messages (direction);
ALTER TABLE whatsapp_messages ADD COLUMN delivered_at TIMESTAMP, ADD COLUMN read_at TIMESTAMP,
    ADD COLUMN employee_id UUID, ADD COLUMN template_name VARCHAR(100);
ALTER TABLE whatsapp_messages ALTER COLUMN message_id TYPE VARCHAR(128);
CREATE INDEX idx_messages_read ON whatsapp_messages (read_at) WHERE read_at IS NOT NULL;
CREATE INDEX idx_messages_employee ON whatsapp_messages (employee_id, timestamp) WHERE employee_id IS NOT NULL;
CREATE INDEX idx_messages_timestamp ON whatsapp_messages (timestamp);
CREATE INDEX idx_messages_conversation ON whatsapp_messages (from_phone, timestamp);
CREATE INDEX idx_messages_content_search ON whatsapp_messages USING gin (to_tsvector('simple', coalesce(content, '')))
"""


@dataclass
class Waits:
    """The seconds that each statement took. Long ones are also stored with the time of their end."""

    every: list[float] = field(default_factory=list)
    long: list[tuple[float, float]] = field(default_factory=list)

    def add(self, other: Waits) -> None:
        self.every += other.every
        self.long += other.long

    def share(self, part: float) -> float:
        ordered = sorted(self.every)
        return 1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]

    def __str__(self) -> str:
        over = sum(seconds > 0.1 for seconds in self.every)
        return (
            f"{len(self.every):,} statements, p50 {self.share(0.5):.1f} ms, p99.9 {self.share(0.999):.0f} ms,"
            f" longest {self.share(1.0):,.0f} ms, over 100 ms: {over}"
        )


def client(url: str, writes: bool, rows: int, over: Event, waits: multiprocessing.Queue[Waits]) -> None:
    connection = psycopg2.connect(url, application_name="writer" if writes else "reader")
    connection.autocommit = True
    cursor, mine = connection.cursor(), Waits()
    while not over.is_set():
        values = (uuid4().hex, f"+1555{random.randrange(50_000)}") if writes else (f"m{random.randrange(rows)}",)
        began = time.monotonic()
        cursor.execute(INSERT if writes else READ, values)
        seconds = time.monotonic() - began
        mine.every.append(seconds)
        if seconds > 0.1:
            mine.long.append((time.time(), seconds))
    waits.put(mine)


@contextmanager
def load(url: str, rows: int) -> Iterator[Waits]:
    """Run writers and readers during the block. The yielded waits are complete after its end."""
    context = multiprocessing.get_context("spawn")
    over, queue, total = context.Event(), context.Queue(), Waits()
    clients = [
        context.Process(target=client, args=(url, place < WRITERS, rows, over, queue))
        for place in range(WRITERS + READERS)
    ]
    for each in clients:
        each.start()
    time.sleep(3)
    yield total
    over.set()
    for _ in clients:
        total.add(queue.get())
    for each in clients:
        each.join()


SLOW = """
SELECT coalesce(wait_event_type || ' ' || wait_event, 'running'), count(*) FROM pg_stat_activity
 WHERE application_name IN ('writer', 'reader') AND state = 'active'
   AND clock_timestamp() - query_start > interval '60 milliseconds'
 GROUP BY 1
"""


@contextmanager
def slow_seen(url: str) -> Iterator[Counter[str]]:
    """Count the wait events of statements that take over 60 ms, sampled 50 times per second. Migrations cause locks."""
    seen: Counter[str] = Counter()
    over = threading.Event()
    connection = psycopg2.connect(url, application_name="observer")
    connection.autocommit = True

    def sample_waits() -> None:
        cursor = connection.cursor()
        while not over.wait(0.02):
            cursor.execute(SLOW)
            seen.update(dict(cursor.fetchall()))

    thread = threading.Thread(target=sample_waits)
    thread.start()
    yield seen
    over.set()
    thread.join()
    connection.close()


@contextmanager
def report_open(url: str, seconds: float) -> Iterator[None]:
    """Keep a transaction open that has read the table."""
    connection = psycopg2.connect(url, application_name="report")
    connection.cursor().execute("SELECT content FROM whatsapp_messages LIMIT 1")
    closing = threading.Timer(seconds, connection.close)
    closing.start()
    yield
    closing.join()


def measure(what: str, url: str, rows: int, work: Callable[[], None]) -> Waits:
    with load(url, rows) as waits, slow_seen(url) as seen:
        began = time.monotonic()
        work()
        seconds = time.monotonic() - began
        time.sleep(0.5)
    slow = ", ".join(f"{event} {count}" for event, count in seen.most_common(5)) or "none"
    print(f"{what}, {seconds:.0f} s: {waits}; seen over 60 ms: {slow}", flush=True)
    return waits


def migrate(url: str, held: float, steps: list[tuple[float, str]]) -> None:
    database = Database(url)

    def emit(event: Progress) -> None:
        match event:
            case Begun():
                steps.append((time.time(), f"{event.step.version} {event.place}: {event.step.title}"))
            case Done(seconds=seconds) if seconds > 2:
                print(f"    {steps[-1][1]}: {seconds:.0f} s", flush=True)

    with report_open(url, held):
        Migrator(database, emit, timeout=timedelta(hours=1)).apply()
    database.close()


def during(waits: Waits, steps: list[tuple[float, str]]) -> dict[str, list[float]]:
    """Return the long waits by the step in which they ended."""
    found: dict[str, list[float]] = {}
    for at, seconds in waits.long:
        step = next((name for began, name in reversed(steps) if began <= at), "before the first step")
        found.setdefault(step, []).append(seconds)
    return found


def textbook(url: str, held: float) -> None:
    connection = psycopg2.connect(url, application_name="textbook")
    connection.autocommit = True
    with report_open(url, held):
        for statement in TEXTBOOK.split(";"):
            connection.cursor().execute(statement)
    connection.close()


def run(server: EmbeddedServer, rows: int, held: float, alone: bool) -> None:
    server.ensure("hot")
    connection = psycopg2.connect(server.url("hot"))
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(AS_FOUND)
    for start in range(0, rows, 250_000):
        cursor.execute(FILL, (start, min(rows, start + 250_000) - 1))
    cursor.execute("VACUUM ANALYZE whatsapp_messages")
    connection.close()
    print(f"rows {rows:,}, writers {WRITERS}, readers {READERS}, a report open for {held:.0f} s", flush=True)
    if not alone:
        server.copy("hot", "textbook")
    measure("no migration", server.url("hot"), rows, lambda: time.sleep(30))
    steps: list[tuple[float, str]] = []
    ours = measure("wa migrate", server.url("hot"), rows, lambda: migrate(server.url("hot"), held, steps))
    for step, waits in during(ours, steps).items():
        print(f"    over 100 ms: {len(waits)} in {step}, the longest {1000 * max(waits):.0f} ms")
    if alone:
        return
    theirs = measure("the textbook", server.url("textbook"), rows, lambda: textbook(server.url("textbook"), held))
    print(f"longest wait: the textbook's is {theirs.share(1.0) / ours.share(1.0):.0f} times ours")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--held", type=float, default=5.0, help="seconds for which the report holds the table")
    parser.add_argument("--alone", action="store_true", help="without the textbook's script")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wa-migrate-", dir=os.environ.get("TMPDIR")) as home:
        server = EmbeddedServer(Path(home))
        try:
            run(server, asked.rows, asked.held, asked.alone)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
