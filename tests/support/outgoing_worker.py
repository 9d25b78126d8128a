"""The whole outgoing worker in the process of the test, against a sandbox: `works.run()`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.integration.conftest import Bench
from tests.support.running_sandbox import RunningSandbox
from wa_cli.assembly.outgoing import OutgoingParts, build_worker
from wa_cli.cloud.client import CloudClient
from wa_cli.messages.content.text import text
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.outbox.spool import Spool
from wa_cli.queues.base import Queue, QueueMessage
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.runtime.stop import Stop
from wa_cli.sandbox import NUMBER
from wa_cli.settings.schema import Settings
from wa_cli.telemetry.events import Event

SECONDS = timedelta(seconds=1)


class Works:
    """An outgoing worker with its queue, spool and outbox. `lease` applies to the queue and the outbox."""

    def __init__(self, database: Any, sandbox: RunningSandbox, folder: Path, queue: Queue | None = None) -> None:
        self.bench = Bench(database, NUMBER)
        self.sandbox = sandbox
        self.queue = queue or PostgresQueue("outgoing", database)
        self.spool = Spool(folder / "spool")
        self.emitted: list[Event] = []
        self.lease = 60 * SECONDS
        self.send_timeout = 5 * SECONDS

    def put(self, *recipients: str) -> None:
        messages = [OutgoingMessage(text("hi"), phone=to) for to in recipients]
        self.queue.put([QueueMessage(message.to_body(), message.customer) for message in messages])

    def settings(self) -> Settings:
        return Settings(
            concurrency=50,
            rate=10_000,
            claim_lease=self.lease,
            queue_lease=self.lease,
            send_timeout=self.send_timeout,
            stop_timeout=20 * SECONDS,
            degraded_after=timedelta(0),
        )

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
            parts = OutgoingParts(
                self.queue, self.bench.database, self.bench.outbox, self.spool, Spool(self.spool.folder), client
            )
            worker = build_worker(
                parts,
                self.settings(),
                self.emitted.append,
                drain=drain,
                degrades=not isinstance(self.queue, PostgresQueue),
            )
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

    def events_of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.emitted if isinstance(event, kind)]
