"""The application, listening: one socket, any number of processes, and nobody who is slow holds it up."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import resource
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from wa_cli.errors import ConfigError
from wa_cli.workers.lifecycle import Stop

# From its first byte a request is there whole by then, or its connection is cut off.
REQUEST_LIMIT = 10.0
HEADER_BYTES = 64 << 10
BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """The port, taken at once, so that a taken one is an error before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise ConfigError(f"{host} is no address of this machine.", hint="127.0.0.1, or 0.0.0.0 for all.") from None
        raise ConfigError(
            f"Port {port} of {host} cannot be listened on: {(error.strerror or str(error)).lower()}.",
            hint="Stop what listens there, or choose another with --port.",
        ) from None
    return bound


class Service:
    """The application on a socket that `listen` has taken; processes may share one."""

    def __init__(self, app: FastAPI, bound: socket.socket) -> None:
        self.socket = bound
        host, self.port = bound.getsockname()[:2]
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        config = uvicorn.Config(
            app,
            http=_Impatient,
            ws="none",
            log_level="error",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=10,
            server_header=False,
            proxy_headers=False,  # who asks is who is connected: a header must not make a stranger a neighbour
        )
        self._server = _QuietServer(config)

    async def run(self, stop: Stop) -> None:
        """Until `stop`, then until the requests in hand are answered."""
        _allow_many_connections()
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


class _Impatient(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """Cuts a connection whose request does not come: uvicorn itself waits for ever for the rest of one."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._whole: Any = None
        self._unread = 0
        self._timer: asyncio.TimerHandle | None = None
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        if self._timer is None:
            self._expect_request()
        before = self.cycle
        super().data_received(data)
        self._unread = self._unread + len(data) if self.cycle is before else 0
        if self.cycle is not self._whole and not self.cycle.more_body:
            self._whole = self.cycle
            self._forget_timer()
        elif self.cycle is self._whole and self._unread > HEADER_BYTES:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_timer()
        super().connection_lost(exc)

    def _expect_request(self) -> None:
        self._timer = self.loop.call_later(REQUEST_LIMIT, self.transport.abort)

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _allow_many_connections() -> None:
    """A thousand slow clients must not be all that this process can hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
