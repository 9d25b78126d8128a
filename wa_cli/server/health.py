"""Is the service alive, and can it do its work?"""

from __future__ import annotations

import asyncio

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from wa_cli.errors import WaError
from wa_cli.storage.engine import Database


def routes(database: Database) -> APIRouter:
    router = APIRouter()

    @router.get("/health")
    async def health() -> JSONResponse:
        """Live: it answers. Ready: the database answers it."""
        ready = await asyncio.to_thread(_answers, database)
        state = {"status": "ok" if ready else "unavailable", "live": True, "ready": ready}
        return JSONResponse(state, status_code=200 if ready else 503)

    return router


def _answers(database: Database) -> bool:
    try:
        with database.reading() as connection:
            return connection.execute(sa.text("SELECT true")).scalar() is True
    except WaError:
        return False
