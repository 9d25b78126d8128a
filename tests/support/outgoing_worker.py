"""The whole outgoing worker in the test's own process, against a sandbox: `works.run()`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.integration.conftest import LEASE, Bench
from tests.support.running_sandbox import RunningSandbox
from wa_cli.cloud.client import CloudClient
from wa_cli.messages.content.text import text
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.outbox.spool import Spool
from wa_cli.queues.base import Queue, QueueMessage
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.runtime.stop import Stop
from wa_cli.sandbox import NUMBER
from wa_cli.telemetry.events import Event
from wa_cli.workers import persist
from wa_cli.workers.degraded_mode import DegradedMode
from wa_cli.workers.intake import Intake
from wa_cli.workers.maintenance import Maintenance, UncertaintyLimits
from wa_cli.workers.sender import Sender, through
from wa_cli.workers.worker import OutgoingWorker

SECONDS = timedelta(seconds=1)


class Works:
    def __init__(self, database: Any, sandbox: RunningSandbox, folder: Path, queue: Queue | None = None) -> None:
        self.bench = Bench(database, NUMBER)
        self.sandbox = sandbox
        self.queue = queue or PostgresQueue("outgoing", database.transaction)
        self.spool = Spool(folder / "spool")
        self.told: list[Event] = []
        self.lease = 60 * SECONDS
        self.send_timeout = 5 * SECONDS
        self.degraded_after = timedelta(0)
        self.share = 1000.0

    def put(self, *recipients: str) -> None:
        messages = [OutgoingMessage(text("hi"), phone_number=to) for to in recipients]
        self.queue.put([QueueMessage(message.to_body(), message.customer) for message in messages])

    def run(
        self,
        *,
        drain: bool = True,
        token: str = "token",
        during: Callable[[Stop], Any] | None = None,
        timeout: float = 60.0,
    ) -> None:
        async def live() -> None:
            client = CloudClient(
                self.sandbox.url,
                version="v25.0",
                number=NUMBER,
                token=token,
                timeout=self.send_timeout.total_seconds(),
            )

            maintenance = Maintenance(self.bench.outbox, self.spool, UncertaintyLimits(), LEASE, self.told.append)
            degraded_mode = DegradedMode(
                self.queue,
                Spool(self.spool.folder),
                through(client),
                number=NUMBER,
                language="en_US",
                concurrency=50,
                lease=self.lease,
                send_timeout=self.send_timeout,
                share=lambda: self.share if maintenance.share is None else maintenance.share,
                patience=20 * SECONDS,
                emit=self.told.append,
            )

            def on_return() -> None:
                degraded_mode.end()
                maintenance.adopt()

            sender = Sender(
                self.bench.outbox,
                self.spool,
                through(client),
                concurrency=50,
                lease=self.lease,
                send_timeout=self.send_timeout,
                rate=10_000,
                emit=self.told.append,
                on_return=on_return,
            )
            record = persist.outgoing(self.bench.outbox, "en_US")
            intake = Intake(
                self.queue,
                self.bench.database,
                record,
                lease=self.lease,
                emit=self.told.append,
                probe=maintenance.live,
                on_return=on_return,
                degraded_mode=None if self.queue.in_database else degraded_mode,
                degraded_after=self.degraded_after,
            )
            worker = OutgoingWorker(intake, sender, maintenance, stop_timeout=20 * SECONDS, drain=drain)
            stop = Stop()
            try:
                async with asyncio.timeout(timeout):
                    if during is None:
                        await worker.run(stop)
                    else:
                        await asyncio.gather(worker.run(stop), during(stop))
            finally:
                await client.close()

        asyncio.run(live())

    def heard(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]
