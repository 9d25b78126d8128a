"""The service in a thread of the test, on a real port: `service.post(body)`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.support.event_loop import in_thread
from wa_cli.assembly import gauges
from wa_cli.cloud import signature
from wa_cli.database.engine import Database
from wa_cli.outbox.spool import Spool
from wa_cli.queues.base import Queue
from wa_cli.runtime.stop import Stop
from wa_cli.server import app, health, messaging, webhook
from wa_cli.server.auth import Keys
from wa_cli.server.employees import EmployeeLookup
from wa_cli.server.ingest import Ingest, SeenWebhooks
from wa_cli.server.listening import Service, listen
from wa_cli.store.employees import id_of
from wa_cli.submit import Submitter
from wa_cli.telemetry.emitter import Emitter
from wa_cli.telemetry.events import Event
from wa_cli.telemetry.log_throttle import LogThrottle
from wa_cli.telemetry.metrics import Metrics
from wa_cli.workers.spooled_webhooks import SpooledWebhooks

SECRET = "app-secret"


class RunningService:
    def __init__(
        self,
        queue: Queue,
        database: Database,
        spool: Spool,
        *,
        dedup_cache: SeenWebhooks | None,
        keys: Keys,
        backlog: Any,
        failing: Callable[[], list[str]],
    ) -> None:
        self.emitted: list[Event] = []
        metrics = Metrics(gauges.of_process(gauges.WEBHOOK_SPOOL, spool, backlog.status, database))
        emit = Emitter(metrics, LogThrottle(self.emitted.append))
        self.spooled_webhooks = SpooledWebhooks(queue, spool, emit)
        self.ingest = Ingest(queue, self.spooled_webhooks, emit=emit, dedup_cache=dedup_cache)
        self.outgoing = backlog.outgoing
        self._app = app.create(
            webhook.routes(self.ingest, app_secret=SECRET, verify_token="verify-me", emit=emit),
            messaging.routes(
                Submitter(self.outgoing, number="42", rate=80, waiting=lambda: 0),
                backlog,
                keys,
                EmployeeLookup(partial(id_of, database, by_whole_words=True)),
                language="en_US",
            ),
            health.routes(database, metrics, keys, failing),
            emit=emit,
        )
        self.service = Service(self._app, listen("127.0.0.1", 0), emit)
        self.stop = Stop()

    @property
    def url(self) -> str:
        return self.service.url

    @property
    def openapi(self) -> dict[str, Any]:
        return self._app.openapi()

    def post(self, body: bytes | str, **headers: str) -> httpx.Response:
        """Post a webhook, with a valid signature unless a header replaces it."""
        raw = body.encode() if isinstance(body, str) else body
        signed = {signature.HEADER: signature.sign(raw, SECRET), **headers}
        return httpx.post(f"{self.url}/webhook", content=raw, headers=signed, timeout=30)

    def events_of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.emitted if isinstance(event, kind)]


def running_service(
    queue: Queue,
    database: Database,
    folder: Path,
    backlog: Any,
    *,
    dedup_cache: SeenWebhooks | None = None,
    keys: Keys | None = None,
    quota: int = 1 << 30,
    with_recovery: bool = True,
    failing: Callable[[], list[str]] = list,
) -> AbstractContextManager[RunningService]:
    """Run the service. With `with_recovery=False` only the test recovers the spooled webhooks."""

    @asynccontextmanager
    async def live() -> AsyncIterator[RunningService]:
        spool = Spool(folder, quota=quota)
        running = RunningService(
            queue,
            database,
            spool,
            dedup_cache=dedup_cache,
            keys=keys or Keys({}, open_to_this_machine=True),
            backlog=backlog,
            failing=failing,
        )
        parts = [running.service.run(running.stop)]
        if with_recovery:
            parts.append(running.ingest.run(running.stop))
        ended = asyncio.gather(*parts)
        try:
            yield running
        finally:
            running.stop.set()
            await ended
            spool.close()

    return in_thread(live())
