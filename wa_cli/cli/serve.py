"""wa serve: Meta's webhook receiver and the messaging API."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Annotated

import typer

from wa_cli.assembly.service import require_server
from wa_cli.cli.context import AppContext
from wa_cli.cli.worker import LogFile, LogFormat
from wa_cli.counted import counted
from wa_cli.errors import ConfigError
from wa_cli.runtime.signals import stopping_on_signals, stopping_with_parent
from wa_cli.runtime.stop import Stop
from wa_cli.runtime.supervisor import Supervisor
from wa_cli.runtime.tasks import all_until_one_fails
from wa_cli.telemetry import events, logs
from wa_cli.telemetry.events import Feature
from wa_cli.telemetry.logs import print_note

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

Host = Annotated[str | None, typer.Option(help="Listening address. Default: WA_HOST.")]
Port = Annotated[int | None, typer.Option(help="Port. Default: WA_PORT.", min=0, max=65535)]
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    ctx: typer.Context,
    host: Host = None,
    port: Port = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Number of processes on the port.")] = 1,
    insecure_no_signature: Annotated[
        bool, typer.Option("--insecure-no-signature", help="Accept unsigned webhooks, on loopback only.")
    ] = False,
    log_format: LogFormat = None,
    log_file: LogFile = None,
) -> None:
    """Run the webhook receiver and the messaging API.

    A webhook is answered with 200 when it is safe: on the queue or, during an outage, in the spool of this machine.

    Example: wa serve --port 8000 --processes 2
    """

    context = AppContext.of(ctx, log_format=log_format, log_file=log_file)
    require_server()
    address = host or context.settings.host
    if insecure_no_signature and address not in _LOOPBACK:
        raise ConfigError(
            f"Unsigned webhooks are accepted on loopback only, not on {address}.",
            hint="Leave out --insecure-no-signature or --host.",
        )

    logs.start(context.settings.log_format, file=context.settings.log_file)
    context.databases.connect(logs.emit, required=context.databases.is_embedded)
    if not insecure_no_signature:
        context.endpoint.app_secret  # noqa: B018 — reports a missing secret before anything is started
    bound = listen(context, address, context.settings.port if port is None else port)
    for feature in _unavailable_features(context, insecure_no_signature):
        logs.emit(events.FeatureUnavailable(feature))
    started = events.Started(
        events.Program.SERVICE, url=f"http://{address}:{bound.getsockname()[1]}", processes=processes
    )
    if processes == 1:
        logs.emit(started)
        asyncio.run(_serve(context, bound, insecure_no_signature, None))
    else:
        _serve_side_by_side(context, bound, insecure_no_signature, started)


def _unavailable_features(context: AppContext, insecure: bool) -> Iterator[events.Feature]:
    """Yield the features that do not work with these settings."""

    if insecure:
        yield Feature.SIGNATURES
    if context.endpoint.verify_token is None:
        yield Feature.HANDSHAKE
    if not context.keys.keys and not context.keys.open_to_this_machine:
        yield Feature.SENDING


def listen(context: AppContext, host: str, port: int) -> socket.socket:
    """Bind the port, after every setting has been checked."""
    context.keys  # noqa: B018
    context.spools.webhooks.check()
    from wa_cli.server import listening

    return listening.listen(host, port)


def _serve_side_by_side(context: AppContext, bound: socket.socket, insecure: bool, started: events.Started) -> None:
    """Serve in several processes on one socket, with common metrics."""

    counts = tempfile.mkdtemp(prefix="wa-metrics-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts  # prometheus_client reads it when it is loaded
    parent = os.getpid()
    try:
        _load()
        context.database.close()
        logs.emit(started)
        supervisor = Supervisor(started.processes, logs.emit)
        pipe = supervisor.divide()
        if pipe is None:
            raise typer.Exit(supervisor.exit_code)
        asyncio.run(_serve(context, bound, insecure, pipe))
    finally:
        if os.getpid() == parent:
            shutil.rmtree(counts, ignore_errors=True)


def _load() -> None:
    """Load the modules that the processes share. Each process opens its own connections."""
    from wa_cli.server import app, health, ingest, messaging, webhook

    del app, ingest, health, messaging, webhook


async def _serve(context: AppContext, bound: socket.socket, insecure: bool, parent: int | None) -> None:
    stop = Stop()
    with (
        stopping_on_signals(stop, logs.emit),
        stopping_with_parent(stop, parent),
        context.publishing("service") as published,
    ):
        service, ingest = context.service(bound, insecure=insecure, emit=published.emit)
        await all_until_one_fails(service.run(stop), ingest.run(stop))
        if left := context.spools.webhooks.state().records:
            print_note(
                f"{counted(left, 'webhook')} left in the spool. The next service or incoming worker puts them on the queue."
            )
