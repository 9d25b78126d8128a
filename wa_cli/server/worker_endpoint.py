"""The HTTP endpoint of a worker: health for the probes of a container, and metrics."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from wa_cli.errors import ConfigError

# A worker beats every 5 seconds. Without a beat for this long, it does not reach the database.
FRESH = 30.0  # seconds


@dataclass(frozen=True)
class Routes:
    """The answers of the endpoint.

    `silence` returns the seconds since the last heartbeat, or None before the first one. `state` returns values for people.
    `metrics` returns the text for Prometheus, and `may_read` judges a peer and its headers.
    """

    silence: Callable[[], float | None]
    state: Callable[[], Mapping[str, Any]]
    metrics: Callable[[], bytes] | None = None
    may_read: Callable[[str | None, Mapping[str, str]], bool] = lambda _peer, _headers: True


@asynccontextmanager
async def worker_endpoint(routes: Routes, host: str, *, health: int | None, metrics: int | None) -> AsyncIterator[None]:
    """Answer on these ports until the end of the block. Raises ConfigError for a port that is in use."""
    ports: dict[int, list[web.RouteDef]] = {}
    if health is not None:
        ports.setdefault(health, []).extend(_health_routes(routes))
    if metrics is not None:
        ports.setdefault(metrics, []).append(web.get("/metrics", _metrics_route(routes)))
    runners: list[web.AppRunner] = []
    try:
        for port, defined in ports.items():
            runners.append(await _serve(defined, host, port))
        yield
    finally:
        for runner in runners:
            await runner.cleanup()


async def _serve(defined: list[web.RouteDef], host: str, port: int) -> web.AppRunner:
    app = web.Application()
    app.add_routes(defined)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise ConfigError(f"Cannot listen on {host}:{port}: {_reason(error)}.", hint="Choose another port.") from None
    return runner


def _reason(error: OSError) -> str:
    """Return the reason of the system. aiohttp writes a longer text into the error of a port in use."""
    return os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error.strerror or error)


def _health_routes(routes: Routes) -> list[web.RouteDef]:
    async def live(_: web.Request) -> web.Response:
        """Live: the loop runs. A worker that hangs ends itself."""
        return web.json_response({"status": "ok", "live": True})

    async def health(_: web.Request) -> web.Response:
        """Ready: the last heartbeat is in the database."""
        silence = routes.silence()
        is_ready = silence is not None and silence < FRESH
        answer = {"status": "ok" if is_ready else "unavailable", "live": True, "ready": is_ready, **routes.state()}
        return web.json_response(answer, status=200 if is_ready else 503)

    return [web.get("/health/live", live), web.get("/health", health)]


def _metrics_route(routes: Routes) -> Callable[[web.Request], Any]:
    async def metrics(request: web.Request) -> web.Response:
        if routes.metrics is None or not routes.may_read(request.remote, request.headers):
            return web.json_response({"error": "A key from WA_API_KEYS is required.", "hint": None}, status=401)
        text = await asyncio.to_thread(routes.metrics)
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    return metrics
