"""Is the service alive, can it do its work, and how much has it done?"""

from __future__ import annotations

import asyncio

import sqlalchemy as sa
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from wa_cli.errors import WaError
from wa_cli.server.auth import Keys
from wa_cli.storage.engine import Database
from wa_cli.telemetry.metrics import Metrics

LONGEST_LOOK = 5.0


class _Pulse:
    """Whether the database answers: whoever asks while somebody looks waits for the same answer."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._looking: asyncio.Task[bool] | None = None

    async def beats(self) -> bool:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(asyncio.to_thread(self._look))
        looking = self._looking  # by the time this look is over, somebody may have begun another
        done, _ = await asyncio.wait({looking}, timeout=LONGEST_LOOK)
        return bool(done) and looking.result()

    def _look(self) -> bool:
        try:
            with self.database.reading() as connection:
                return connection.execute(sa.text("SELECT true")).scalar() is True
        except WaError:
            return False


def routes(database: Database, metrics: Metrics, keys: Keys) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    pulse = _Pulse(database)

    @router.get("/health")
    async def health() -> JSONResponse:
        """Live: it answers. Ready: the database answers it; webhooks are taken all the same, as long as it lives."""
        ready = await pulse.beats()
        state = {"status": "ok" if ready else "unavailable", "live": True, "ready": ready}
        return JSONResponse(state, status_code=200 if ready else 503)

    @router.get("/health/live")
    async def live() -> JSONResponse:
        """For whoever restarts what does not live, and for whoever hands on webhooks."""
        return JSONResponse({"status": "ok", "live": True})

    @router.get("/metrics", dependencies=[Depends(keys.required)])
    async def counted() -> Response:
        """Prometheus' text format."""
        return Response(await asyncio.to_thread(metrics.text), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router
