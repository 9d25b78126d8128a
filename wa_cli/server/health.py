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


def routes(database: Database, metrics: Metrics, keys: Keys) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/health")
    async def health() -> JSONResponse:
        """Live: it answers. Ready: the database answers it."""
        ready = await asyncio.to_thread(_answers, database)
        state = {"status": "ok" if ready else "unavailable", "live": True, "ready": ready}
        return JSONResponse(state, status_code=200 if ready else 503)

    @router.get("/metrics", dependencies=[Depends(keys.required)])
    async def counted() -> Response:
        """Prometheus' text format."""
        return Response(await asyncio.to_thread(metrics.text), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _answers(database: Database) -> bool:
    try:
        with database.reading() as connection:
            return connection.execute(sa.text("SELECT true")).scalar() is True
    except WaError:
        return False
