"""Health and metrics of the service."""

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
from wa_cli.telemetry.metrics import CONTENT_TYPE, Metrics

LONGEST_LOOK = 5.0  # seconds
UNAVAILABLE = "database"


class _Pulse:
    """The names of the failing checks. Requests during an examination share its result."""

    def __init__(self, database: Database, failing: Callable[[], list[str]]) -> None:
        self.database = database
        self.failing = failing
        self._looking: asyncio.Task[list[str]] | None = None

    async def problems(self) -> list[str]:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(asyncio.to_thread(self._examine))
        looking = self._looking  # another request may have started an examination meanwhile
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
    """Return the routes. `failing` returns the names of the failing checks."""
    router = APIRouter(include_in_schema=False)
    pulse = _Pulse(database, failing)

    @router.get("/health")
    async def health() -> JSONResponse:
        """Ready: the database answers, and no check fails. The answer names failing checks.

        Webhooks are accepted even so, as long as the service is live.
        """
        problems = await pulse.problems()
        status = "unavailable" if UNAVAILABLE in problems else "failing" if problems else "ok"
        state: dict[str, Any] = {"status": status, "live": True, "ready": not problems}
        if problems:
            state["problems"] = problems
        return JSONResponse(state, status_code=503 if problems else 200)

    @router.get("/health/live")
    async def live() -> JSONResponse:
        """Live, for a supervisor that restarts a dead service and for a load balancer."""
        return JSONResponse({"status": "ok", "live": True})

    @router.get("/metrics", dependencies=[Depends(keys.required)])
    async def counted() -> Response:
        """Prometheus' text format."""
        return Response(await asyncio.to_thread(metrics.text), media_type=CONTENT_TYPE)

    return router
