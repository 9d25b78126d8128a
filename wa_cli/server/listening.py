"""The listening socket and its connections: one socket, any number of processes, and limits for slow clients."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import resource
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any

import httptools
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from wa_cli.errors import ConfigError, system_reason
from wa_cli.runtime.stop import Stop
from wa_cli.server.limits import Buffered
from wa_cli.telemetry.events import Emit

BACKLOG = 2048
# Seconds from its first byte until a request must be complete, and until an answer must be read.
REQUEST_LIMIT = 10.0
HEADER_BYTES, MOST_HEADERS = 64 << 10, 100
LATE_REQUEST, LATE_READER = "request not finished in time", "answer not taken in time"
# Requests that may wait behind a running one. Proxies and Meta send the next one after the answer.
MOST_PIPELINED = 16
# Bytes that a connection and a request cost, beside their content.
CONNECTION_COST, REQUEST_COST = 16 << 10, 8 << 10


def listen(host: str, port: int) -> socket.socket:
    """Bind the port at once, so that a taken port is an error before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With this protocol asyncio sets TCP_NODELAY. Without it each answer waits 40 ms for the client's delayed ACK.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise ConfigError(
                f"{host} is not an address of this machine.", hint="Use 127.0.0.1, or 0.0.0.0 for all."
            ) from None
        raise ConfigError(
            f"Cannot listen on port {port} of {host}: {system_reason(error)}.",
            hint="Stop the program on that port, or choose another with --port.",
        ) from None
    return bound


class Service:
    """The application on a socket that `listen` has bound. Processes may share one.

    `emit` counts for its `/metrics` too.
    """

    def __init__(self, app: FastAPI, bound: socket.socket, emit: Emit = lambda _: None) -> None:
        self.socket = bound
        self.emit = emit
        host, self.port = bound.getsockname()[:2]
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        config = uvicorn.Config(
            app,
            http=partial(BoundedConnection, buffered=Buffered(emit)),  # type: ignore[arg-type]
            ws="none",
            log_level="error",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=10,
            server_header=False,
            proxy_headers=False,  # the client is the connected one: a header must not turn a stranger into a local caller
        )
        self._server = _QuietServer(config)

    async def run(self, stop: Stop) -> None:
        """Serve until `stop`, then until running requests are answered."""
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
        """Leave signals to `runtime.signals`."""
        yield


class BoundedConnection(HttpToolsProtocol):
    """Closes a connection that does not end its request, sends too far ahead, or does not read its answers.

    uvicorn itself waits for the rest of a request for ever, and lets any number of requests queue behind a running
    one.
    """

    def __init__(self, *arguments: Any, buffered: Buffered, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._buffered = buffered
        self._peer = ""
        self._charged = 0
        self._unparsed = 0  # bytes since the parser last completed something
        self._headers = 0
        self._is_begun = False
        self._is_cut = False
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        self._begin_timer(LATE_REQUEST)
        self._charge()

    def connection_lost(self, exc: Exception | None) -> None:
        for reason in list(self._timers):
            self._end_timer(reason)
        self._buffered.change(self._peer, -self._charged)
        self._charged = 0
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unparsed += len(data)
        super().data_received(data)
        if self._is_cut:
            return
        if self._unparsed > HEADER_BYTES:
            self._cut("headers too long")
        elif self._is_begun:
            self._begin_timer(LATE_REQUEST)
        self._charge()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._begin_timer(LATE_READER)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._end_timer(LATE_READER)

    # Callbacks of the parser.

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MOST_PIPELINED:
            self._stop_parsing("too many pipelined requests")
        self._is_begun, self._headers = True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers += 1
        if self._headers > MOST_HEADERS:
            self._stop_parsing("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._unparsed = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unparsed = 0
        super().on_body(body)
        if self.pipeline and len(self.cycle.body) > HEADER_BYTES:
            self._stop_parsing("pipelined body too long")

    def on_message_complete(self) -> None:
        self._unparsed, self._is_begun = 0, False
        self._end_timer(LATE_REQUEST)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._charge()

    # Limits.

    def _charge(self) -> None:
        """Report the bytes that this connection holds, and close it if they are too many."""
        cycles = [cycle for cycle, _ in self.pipeline]
        if self.cycle is not None and not self.cycle.response_complete and self.cycle not in cycles:
            cycles.append(self.cycle)
        held = CONNECTION_COST + self._unparsed + sum(REQUEST_COST + len(cycle.body) for cycle in cycles)
        if not self.transport.is_closing():
            self._buffered.change(self._peer, held - self._charged)
            self._charged = held
            if self._buffered.is_too_much(self._peer, held):
                self._cut("too much in memory")

    def _stop_parsing(self, reason: str) -> None:
        """Close the connection in the middle of the parser's input. An exception ends its work."""
        self._cut(reason)
        raise httptools.HttpParserError(reason)

    def _cut(self, reason: str) -> None:
        if not self._is_cut:
            self._is_cut = True
            self._buffered.cut_off(reason)
            self.transport.abort()

    def _begin_timer(self, reason: str) -> None:
        if reason not in self._timers:
            self._timers[reason] = self.loop.call_later(REQUEST_LIMIT, self._cut, reason)

    def _end_timer(self, reason: str) -> None:
        if timer := self._timers.pop(reason, None):
            timer.cancel()


def _allow_many_connections() -> None:
    """Raise the limit of open files, so that a thousand slow clients do not exhaust it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
