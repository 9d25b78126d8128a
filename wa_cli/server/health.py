"""Is the service alive, can it do its work, and how much has it done?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from wa_cli.database.engine import Database
from wa_cli.errors import WaError
from wa_cli.server.auth import Keys
from wa_cli.telemetry.metrics import Metrics

LONGEST_LOOK = 5.0  # seconds
UNAVAILABLE = "database"


class _Pulse:
    """What is wrong, by the names of checks: whoever asks while somebody looks waits for the same answer."""

    def __init__(self, database: Database, failing: Callable[[], list[str]]) -> None:
        self.database = database
        self.failing = failing
        self._looking: asyncio.Task[list[str]] | None = None

    async def problems(self) -> list[str]:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(asyncio.to_thread(self._examine))
        looking = self._looking  # by the time this look is over, somebody may have begun another
        done, _ = await asyncio.wait({looking}, timeout=LONGEST_LOOK)
        return looking.result() if done else [UNAVAILABLE]

    def _examine(self) -> list[str]:
        try:
            with self.database.reading() as connection:
                connection.execute(sa.text("SELECT true"))
            return self.failing()
        except WaError:
            return [UNAVAILABLE]


def routes(database: Database, metrics: Metrics, keys: Keys, failing: Callable[[], list[str]] = list) -> APIRouter:
    """`failing` names the checks that fail."""
    router = APIRouter(include_in_schema=False)
    pulse = _Pulse(database, failing)

    @router.get("/health")
    async def health() -> JSONResponse:
        """Live: it answers. Ready: the database answers it, and no check fails; the names of those that do are told.

        Webhooks are taken all the same, as long as the service lives.
        """
        problems = await pulse.problems()
        status = "unavailable" if UNAVAILABLE in problems else "failing" if problems else "ok"
        state: dict[str, Any] = {"status": status, "live": True, "ready": not problems}
        if problems:
            state["problems"] = problems
        return JSONResponse(state, status_code=503 if problems else 200)

    @router.get("/health/live")
    async def live() -> JSONResponse:
        """For whoever restarts what does not live, and for whoever hands on webhooks."""
        return JSONResponse({"status": "ok", "live": True})

    @router.get("/metrics", dependencies=[Depends(keys.required)])
    async def counted() -> Response:
        """Prometheus' text format."""
        return Response(await asyncio.to_thread(metrics.text), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router
