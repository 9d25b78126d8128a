"""wa up: all parts in one foreground process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from wa_cli.assembly.service import require_server
from wa_cli.cli.context import AppContext
from wa_cli.cli.serve import Host, Port, listen
from wa_cli.runtime.signals import stopping_on_signals
from wa_cli.runtime.stop import Stop
from wa_cli.telemetry import events, logs

if TYPE_CHECKING:
    import socket

    from wa_cli.runtime.stop import Stop
    from wa_cli.sandbox.app import Options
    from wa_cli.telemetry.events import Emit


def up(ctx: typer.Context, host: Host = None, port: Port = None) -> None:
    """Run the sandbox, the service and both workers in the foreground.

    In another terminal: wa sandbox say +15551234567 "where is my order?"

    Example: wa up --port 8000
    """

    context = AppContext.of(ctx)
    require_server()
    chosen = replace(
        context.settings, host=host or context.settings.host, port=context.settings.port if port is None else port
    )
    context.use(replace(context.loaded, settings=chosen))
    asyncio.run(_up(context))


async def _up(context: AppContext) -> None:

    logs.start(context.settings.log_format, file=context.settings.log_file)
    stop = Stop()
    with stopping_on_signals(stop, logs.emit):
        async with everything(context, stop):
            await stop.wait()


@asynccontextmanager
async def everything(context: AppContext, stop: Stop, options: Options | None = None) -> AsyncIterator[str]:
    """Start the parts in order, and stop them in reverse. Yield the URL of the service. A failing part sets `stop`."""

    context.database  # noqa: B018 — reports its faults before anything else is started
    context.endpoint.app_secret  # noqa: B018
    bound = listen(context, context.settings.host, context.settings.port)
    with context.publishing("service") as published:
        async with _parts(context, bound, stop, options, published.emit) as url:
            yield url


@asynccontextmanager
async def _parts(
    context: AppContext, bound: socket.socket, stop: Stop, options: Options | None, emit: Emit
) -> AsyncIterator[str]:
    """Run the parts beside the block. Both workers count for the metrics of the service."""
    service, ingest = context.service(bound, emit=emit)
    # The system may have chosen the port, and the sandbox must know where to post.
    context.endpoint.service_port = service.port
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(context.cloud(options))
        downloader = await stack.enter_async_context(context.downloader(service.emit))
        await stack.enter_async_context(
            _running(context.incoming_worker(downloader=downloader, emit=service.emit).run, stop)
        )
        await stack.enter_async_context(_running(context.outgoing_worker(client, emit=service.emit).run, stop))
        await stack.enter_async_context(_running(ingest.run, stop))
        await stack.enter_async_context(_running(service.run, stop))
        logs.emit(events.Started(events.Program.EVERYTHING, url=service.url))
        yield service.url


@asynccontextmanager
async def _running(part: Callable[[Stop], Awaitable[None]], everyones: Stop) -> AsyncIterator[None]:
    """Run a part beside the block with a stop of its own, so that parts can be stopped one after the other."""

    own = Stop()

    async def watched() -> None:
        try:
            await part(own)
        finally:
            everyones.set()

    task = asyncio.create_task(watched())
    try:
        yield
    finally:
        own.set()
        await task
