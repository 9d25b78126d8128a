"""The HTTP service: Meta's webhook receiver and the messaging API."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from wa_cli.errors import BadInput, DatabaseUnavailable, QueueError, ReferenceTaken, Unconfirmed, WaError
from wa_cli.server.limits import BodyLimit
from wa_cli.telemetry.events import Emit
from wa_cli.version import __version__


def create(*routers: APIRouter, emit: Emit = lambda _: None) -> FastAPI:
    """Return the application with these routes. Errors of wa become HTTP answers here."""
    app = FastAPI(title="wa", version=__version__, docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit, emit=emit)
    for router in routers:
        app.include_router(router)

    @app.exception_handler(WaError)
    async def answer_error(request: Request, error: WaError) -> JSONResponse:
        del request
        if isinstance(error, Unconfirmed):  # the details are not for a caller who only sends
            message = "Queue unavailable. It is not known whether the message was queued."
            return JSONResponse({"error": message, "hint": error.hint}, status_code=503)
        if isinstance(error, (DatabaseUnavailable, QueueError)):
            return JSONResponse({"error": "Queue unavailable.", "hint": "Try again."}, status_code=503)
        status = 422 if isinstance(error, ReferenceTaken) else 400 if isinstance(error, BadInput) else 500
        return JSONResponse({"error": error.message, "hint": error.hint}, status_code=status)

    @app.exception_handler(RequestValidationError)
    async def answer_invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
        hint = None
        if not request.headers.get("content-type", "").startswith("application/json"):
            hint = "Send JSON, with the header Content-Type: application/json."
        return JSONResponse({"error": _sentence(error), "hint": hint}, status_code=422)

    @app.exception_handler(HTTPException)
    async def answer_http_error(request: Request, error: HTTPException) -> JSONResponse:
        del request
        return JSONResponse({"error": error.detail, "hint": None}, status_code=error.status_code, headers=error.headers)

    return app


def _sentence(error: RequestValidationError) -> str:
    """Return the fault of the request, without repeating its content."""
    problems = []
    for problem in error.errors()[:5]:
        where = ".".join(str(part) for part in problem["loc"] if part != "body")
        problems.append(f"{where}: {problem['msg']}" if where else str(problem["msg"]))
    return "; ".join(problems)
