"""The rate of the outgoing worker with queue, outbox, spool and rows, compared with the bare client and a plain loop.

The stand-in API answers after 100 ms. Database, sandbox, queue and worker share this machine, without webhooks.
Does not prove: anything about Meta's latency or limits, about a network between the parts, about AWS's own SQS, or about
a database whose disk is slower than this one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import sqlalchemy as sa

from tests.support.local_aws import ENVIRON, local_aws
from wa_cli.cloud.client import CloudClient
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.messages.content.text import text
from wa_cli.messages.outcomes import Accepted
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.messages.states import WindowRule
from wa_cli.migrations.runner import Migrator
from wa_cli.outbox.outbox import Outbox
from wa_cli.queues.base import Queue, QueueMessage
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.queues.sqs import SqsQueue
from wa_cli.sandbox import NUMBER

CONCURRENCY = 300
FED = 1500
LEASE = timedelta(seconds=60)
WA = [sys.executable, "-m", "wa_cli"]


# The rule for the 24-hour window, with which each claim reads the newest messages of its customers.
rules: list[WindowRule] = []


def queue_messages(start: int, end: int) -> list[QueueMessage]:
    rule = rules[0] if rules else None
    messages = [
        OutgoingMessage(text(f"message {place}"), phone=f"+1{place:09}", phone_number_id=NUMBER, window=rule)
        for place in range(start, end)
    ]
    return [QueueMessage(message.to_body(), message.customer) for message in messages]


def open_windows(database: Database, count: int) -> None:
    """Store three messages of each customer, the newest of today."""
    with database.transaction() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO whatsapp_messages (message_id, from_phone, to_phone, message_type, direction, timestamp)"
                " SELECT 'in.' || n || '.' || day, '+1' || lpad(n::text, 9, '0'), 'business', 'text', 'incoming',"
                "        now() - day * interval '1 day' - interval '1 hour'"
                "   FROM generate_series(0, :count) AS n, generate_series(0, 2) AS day"
            ),
            {"count": count},
        )


def fill(queue: Queue, count: int) -> float:
    """Queue `count` messages to as many customers. Return the messages per second."""
    began = time.perf_counter()
    for start in range(0, count, 1000):
        queue.put(queue_messages(start, min(count, start + 1000)))
    return count / (time.perf_counter() - began)


def feed(queue: Queue, count: int) -> None:
    """Queue the messages in small steps, because the local SQS scans every held message for each receive."""
    for start in range(0, count, 500):
        while queue.depth().waiting > FED:
            time.sleep(0.05)
        queue.put(queue_messages(start, min(count, start + 500)))


@dataclass
class Watched:
    """Resource use of a run: resident memory of the largest worker at each quarter, and CPU seconds by part."""

    resident: list[int] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)


def run_worker(
    environ: dict[str, str], processes: int, database: Database, count: int, parts: dict[str, int]
) -> Watched:
    """Run worker processes until every message is a row."""
    workers = [
        subprocess.Popen([*WA, "worker", "outgoing"], env=environ, stderr=subprocess.DEVNULL) for _ in range(processes)
    ]
    watched = Watched()
    before = {name: cpu_of(pid) for name, pid in parts.items()}
    marks = [count * quarter // 4 for quarter in (1, 2, 3, 4)]
    while marks:
        time.sleep(0.25)
        stored = rows_stored(database)
        if stored >= marks[0]:
            marks.pop(0)
            watched.resident.append(max(psutil.Process(worker.pid).memory_info().rss for worker in workers))
    watched.cpu = {name: cpu_of(pid) - before[name] for name, pid in parts.items()}
    watched.cpu["worker"] = sum(cpu_of(worker.pid) for worker in workers)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
    return watched


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process and its children."""
    process = psutil.Process(pid)
    found = 0.0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            found += times.user + times.system
    return found


def rows_stored(database: Database) -> int:
    with database.reading() as connection:
        return int(
            connection.execute(
                sa.text("SELECT count(*) FROM whatsapp_messages WHERE direction = 'outgoing'")
            ).scalar_one()
        )


def rate_of_rows(database: Database, count: int) -> float:
    """Return the rows per second between the first and the last row, so that start and drain do not count."""
    with database.reading() as connection:
        stored, seconds = connection.execute(
            sa.text(
                "SELECT count(*), extract(epoch FROM max(created_at) - min(created_at))"
                "  FROM whatsapp_messages WHERE direction = 'outgoing' AND status <> 'failed'"
            )
        ).one()
    assert stored == count, f"{stored} of {count} are stored"
    return float(count / float(seconds))


def limit(url: str, count: int) -> float:
    """Return the send rate of the same client without a queue and a database."""

    async def post() -> float:
        client = CloudClient(url, version="v25.0", number=NUMBER, token="token", concurrency=CONCURRENCY)
        waiting = iter(range(count))

        async def one_after_the_other() -> None:
            for place in waiting:
                outcome = await client.send(
                    text("hi"), phone=f"+1{place:09}", recipient=None, reference=uuid4(), attempt=1
                )
                assert isinstance(outcome, Accepted)

        began = time.perf_counter()
        await asyncio.gather(*(one_after_the_other() for _ in range(CONCURRENCY)))
        took = time.perf_counter() - began
        await client.close()
        return count / took

    return asyncio.run(post())


def plain_loop(url: str, database: Database, count: int) -> float:
    """Return the rate of a loop that sends one message at a time with httpx and inserts one row each."""
    began = time.perf_counter()
    with httpx.Client(headers={"Authorization": "Bearer token"}) as client:
        for place in range(count):
            body = {"messaging_product": "whatsapp", "to": f"+1{place:09}", **text("hi")}
            wamid = client.post(f"{url}/v25.0/{NUMBER}/messages", json=body).json()["messages"][0]["id"]
            with database.transaction() as connection:
                connection.execute(
                    sa.text(
                        "INSERT INTO whatsapp_messages (message_id, from_phone, to_phone, message_type, direction, status)"
                        " VALUES (:wamid, 'business', :to, 'text', 'outgoing', 'failed')"
                    ),
                    {"wamid": wamid, "to": body["to"]},
                )
    return count / (time.perf_counter() - began)


def claims(database: Database) -> list[tuple[str, float]]:
    """Return the median milliseconds of a claim of 100 with a million queued rows, for three kinds of customers."""
    outbox = Outbox(database, "bench")
    outbox.rate_limit.open_number(1e9)
    found = []
    for name, customer, turn in (
        ("a million customers", "n::text", "true"),
        ("100,000 behind one blocked customer", "CASE WHEN n < 100000 THEN 'one' ELSE n::text END", "n >= 100000"),
        ("1,000 customers, all busy", "(n %% 1000)::text", "false"),
    ):
        with database.autocommit() as connection:
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql("DELETE FROM wa.outbox WHERE number = 'bench'")
            connection.exec_driver_sql(
                "INSERT INTO wa.outbox (reference, number, customer, message_type, message, business_phone, turn)"
                f" SELECT gen_random_uuid(), 'bench', {customer}, 'text', '{{}}', 'business', {turn}"
                "   FROM generate_series(1, 1000000) AS n"
            )
            connection.exec_driver_sql("VACUUM ANALYZE wa.outbox")
        times = []
        for _ in range(15):
            with database.transaction() as connection:
                connection.execute(sa.text("UPDATE wa.rate_limits SET tokens = 1e6, refilled_at = clock_timestamp()"))
            began = time.perf_counter()
            outbox.claim(100, LEASE)
            times.append((time.perf_counter() - began) * 1000)
        found.append((name, sorted(times)[len(times) // 2]))
    return found


@contextmanager
def a_queue(kind: str, database: Database) -> Iterator[tuple[Queue, dict[str, str], dict[str, int]]]:
    """Yield a queue, the settings that select it, and the process id of the local SQS if it is used."""
    if kind == "postgres":
        yield PostgresQueue("outgoing", database), {}, {}
        return
    with local_aws() as aws:
        url = aws.queue(fifo=False)
        settings = {
            **ENVIRON,
            "WA_QUEUE": "sqs",
            "WA_OUTGOING_QUEUE_URL": url,
            "WA_INCOMING_QUEUE_URL": aws.queue(fifo=False),
        }
        yield SqsQueue("outgoing", url, aws.sqs, database.transaction), settings, {"sqs": aws.pid}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--queue", choices=["postgres", "sqs"], default="postgres")
    parser.add_argument("--windows", action="store_true", help="judge each message by its 24-hour window")
    parser.add_argument("--claims", action="store_true", help="also claims in front of a million queued rows")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="wa-bench-"))
    server = EmbeddedServer(home)
    server.ensure("bench")
    database = Database(server.url("bench"))
    Migrator(database).apply()
    if asked.windows:
        rules.append(WindowRule.REFUSE)
        open_windows(database, asked.messages)
    environ = {
        **os.environ,
        "WA_HOME": str(home),
        "WA_DATABASE_URL": server.url("bench"),
        "WA_CLOUD_API_URL": "sandbox",
        "WA_SANDBOX_PORT": "0",
        "WA_RATE": "100000",
        "WA_CONCURRENCY": str(CONCURRENCY),
    }
    sandbox = subprocess.Popen(
        [*WA, "sandbox", "serve", "--answer-after", "100ms", "--no-statuses"],
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert sandbox.stderr is not None
        sandbox.stderr.readline()
        url = (home / "sandbox" / "url").read_text()
        with a_queue(asked.queue, database) as (queue, settings, keeper):
            if asked.queue == "postgres":
                print(f"queueing, messages {asked.messages:<18,} {fill(queue, asked.messages):10,.0f} /s", flush=True)
            else:
                threading.Thread(target=feed, args=(queue, asked.messages), daemon=True).start()
            postmaster = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
            parts = {"postgres": postmaster, "sandbox": sandbox.pid, **keeper}
            watched = run_worker({**environ, **settings}, asked.processes, database, asked.messages, parts)
        ours = rate_of_rows(database, asked.messages)
        top = limit(url, min(asked.messages, 10_000))
        slow = plain_loop(url, database, 50)
        print(f"wa worker outgoing, {asked.processes} process(es), {asked.queue:<9}{ours:8,.0f} /s   1.0")
        print(f"the same client, nothing else         {top:10,.0f} /s   {top / ours:.2f}")
        print(f"a plain loop, one at a time           {slow:10,.1f} /s   {slow / ours:.3f}", flush=True)
        resident = ", ".join(f"{size / 2**20:,.0f}" for size in watched.resident)
        print(f"  resident at each quarter, MB        {resident}")
        spent = ", ".join(f"{name} {seconds / asked.messages * 1e6:,.0f}" for name, seconds in watched.cpu.items())
        print(f"  CPU a message, microseconds         {spent}", flush=True)
        for name, milliseconds in claims(database) if asked.claims else ():
            print(f"a claim of 100, {name:<36} {milliseconds:6.1f} ms", flush=True)
    finally:
        sandbox.send_signal(signal.SIGINT)
        sandbox.communicate(timeout=30)
        database.close()
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
