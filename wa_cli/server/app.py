"""The HTTP service: Meta's webhook receiver and the messaging API."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from wa_cli import __version__
from wa_cli.errors import BadInput, ConfigError, DatabaseDown, QueueError, WaError
from wa_cli.workers.lifecycle import Stop


def create(*routers: object) -> FastAPI:
    """The application of these routes; our errors become answers here."""
    app = FastAPI(title="wa", version=__version__, docs_url=None, redoc_url=None)
    for router in routers:
        app.include_router(router)  # type: ignore[arg-type]

    @app.exception_handler(WaError)
    async def say(request: Request, error: WaError) -> JSONResponse:
        del request
        status = 400 if isinstance(error, BadInput) else 503 if isinstance(error, (DatabaseDown, QueueError)) else 500
        return JSONResponse({"error": error.message, "hint": error.hint}, status_code=status)

    @app.exception_handler(RequestValidationError)
    async def say_what_is_wrong(request: Request, error: RequestValidationError) -> JSONResponse:
        hint = None
        if not request.headers.get("content-type", "").startswith("application/json"):
            hint = "Send JSON, with the header Content-Type: application/json."
        return JSONResponse({"error": _sentence(error), "hint": hint}, status_code=422)

    @app.exception_handler(HTTPException)
    async def say_no(request: Request, error: HTTPException) -> JSONResponse:
        del request
        return JSONResponse({"error": error.detail, "hint": None}, status_code=error.status_code)

    return app


def _sentence(error: RequestValidationError) -> str:
    """What is wrong with the request, without repeating it."""
    told = []
    for problem in error.errors()[:5]:
        where = ".".join(str(part) for part in problem["loc"] if part != "body")
        told.append(f"{where}: {problem['msg']}" if where else str(problem["msg"]))
    return "; ".join(told)


class Service:
    """The application, listening. The port is taken when this is made, so that a taken one is an error at once."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self.socket = _bind(host, port)
        self.port: int = self.socket.getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=10,
            server_header=False,
        )
        self._server = _QuietServer(config)

    async def run(self, stop: Stop) -> None:
        """Until `stop`, then until the requests in hand are answered."""
        serving = asyncio.create_task(self._server.serve(sockets=[self.socket]))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        self._server.should_exit = True
        await serving


class _QuietServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the lifecycle's."""
        yield


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"Port {port} of {host} cannot be listened on: {(error.strerror or str(error)).lower()}.",
            hint="Stop what listens there, or choose another with --port.",
        ) from None
    return bound
