"""wa worker: the long-running workers."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from wa_cli.cli import render, status_line
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import AsJson, Format, chosen_format
from wa_cli.cli.tables import Column, Table
from wa_cli.errors import BadInput
from wa_cli.runtime.outage import until_ready
from wa_cli.runtime.signals import stopping_on_signals, stopping_with_parent
from wa_cli.runtime.stop import Stop
from wa_cli.runtime.supervisor import Supervisor
from wa_cli.settings.schema import SQS
from wa_cli.telemetry import events, logs
from wa_cli.telemetry.events import Component, Program
from wa_cli.telemetry.meter import Meter

SILENT = "silent"

app = typer.Typer(no_args_is_help=True)


class Form(StrEnum):
    TEXT = "text"
    JSON = "json"


Drain = Annotated[bool, typer.Option("--drain", help="Stop when no work is left. Exit 8 if messages wait.")]
RequireStorage = Annotated[
    bool, typer.Option("--require-storage", help="On SQS, wait for an unavailable database instead of sending.")
]
Worker = Callable[[int | None], Coroutine[None, None, None]]
LogFormat = Annotated[Form | None, typer.Option("--log-format", help="Log format. Default: WA_LOG_FORMAT.")]
LogFile = Annotated[
    Path | None,
    typer.Option("--log-file", help="File for the log, beside stderr. Default: WA_LOG_FILE.", metavar="FILE"),
]
Media = Annotated[
    str | None,
    typer.Option(help="Media store. Default: WA_MEDIA, else none.", metavar="DIR|s3://BUCKET/PREFIX"),
]
HealthPort = Annotated[
    int | None, typer.Option("--health-port", help="Port of /health, for containers. Default: none.", max=65535)
]
MetricsPort = Annotated[
    int | None, typer.Option("--metrics-port", help="Port of /metrics, for Prometheus. Default: none.", max=65535)
]
Processes = Annotated[int, typer.Option("--processes", min=1, max=64, help="Number of worker processes.")]


@app.command()
def outgoing(
    ctx: typer.Context,
    drain: Drain = False,
    processes: Processes = 1,
    require_storage: RequireStorage = False,
    health_port: HealthPort = None,
    metrics_port: MetricsPort = None,
    log_format: LogFormat = None,
    log_file: LogFile = None,
) -> None:
    """Send queued messages and store each one.

    At a terminal a status line shows its progress, elsewhere the log has each message. Without --drain it waits for a
    database or a queue that is unavailable at the start.

    Ctrl-C finishes messages in flight. A second one stops at once.

    Example: wa worker outgoing --drain
    """
    context = AppContext.of(
        ctx, log_format=log_format, log_file=log_file, **_ports(processes, health_port, metrics_port)
    )
    logs.start(context.settings.log_format, file=context.settings.log_file)

    # A queue in the database is unavailable with it, and a draining worker ends only when everything is stored.
    degrades = context.queues.are_sqs and not (drain or require_storage)

    def check() -> None:
        context.endpoint.number  # noqa: B018 — reports a missing setting once, before anything is started
        context.databases.connect(logs.emit, required=not degrades)
        if processes == 1:  # each of several processes opens its own connection to the queue
            context.queues.outgoing.depth()

    if _is_ready(context, check, Component.OUTGOING_QUEUE, drain):
        _run(context, lambda parent: _outgoing(context, drain, degrades, parent), processes)


@app.command()
def incoming(
    ctx: typer.Context,
    drain: Drain = False,
    processes: Processes = 1,
    media: Media = None,
    health_port: HealthPort = None,
    metrics_port: MetricsPort = None,
    log_format: LogFormat = None,
    log_file: LogFile = None,
) -> None:
    """Store received messages and statuses.

    With --media customers' files are saved before Meta deletes them, without delaying messages.

    Example: wa worker incoming --media /srv/files
    """
    context = AppContext.of(
        ctx,
        log_format=log_format,
        log_file=log_file,
        media=media,
        **_ports(processes, health_port, metrics_port),
    )
    logs.start(context.settings.log_format, file=context.settings.log_file)

    def check() -> None:
        context.database  # noqa: B018 — connects
        if processes == 1:
            context.queues.incoming.depth()

    if _is_ready(context, check, Component.INCOMING_QUEUE, drain):
        _run(context, lambda parent: _incoming(context, drain, parent), processes)


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """List workers: host, release, state, rate and last progress.

    A silent worker has not reported for 30 seconds: it was killed, or it cannot reach the database. One of this host that
    still runs is waiting for the database.

    Example: wa worker list
    """
    from wa_cli.database.engine import run

    with AppContext.of(ctx).database.reading() as connection:
        rows = [_with_local_state(dict(row)) for row in run(connection, "outbox/workers").mappings()]
    columns = [
        Column("kind", "Kind"),
        Column("state", "State"),
        Column("rate", "Rate/s", "number"),
        Column("progress_at", "Progress", "instant"),
        Column("seen_at", "Reported", "instant"),
        Column("host", "Host"),
        Column("pid", "PID"),
        Column("started_at", "Since", "instant"),
        Column("version", "Release", is_quiet=True),
        Column("number", "Number", is_quiet=True),
    ]
    render.show(Table("workers", "Workers", columns, rows), chosen_format(form, as_json))


def _with_local_state(row: dict[str, Any]) -> dict[str, Any]:
    """Return a worker of the list. One of this host that is silent and still runs cannot reach the database."""
    is_waiting = row["state"] == SILENT and row["host"] == socket.gethostname() and _runs_since(row)
    return {**row, "state": "waiting for database"} if is_waiting else row


def _runs_since(row: Mapping[str, Any]) -> bool:
    """Return True if the process of this worker runs. Another one that has its number by now began later."""
    try:
        import psutil
    except ModuleNotFoundError:  # it comes with the embedded database
        return False
    try:
        return bool(psutil.Process(row["pid"]).create_time() <= row["started_at"].timestamp())
    except psutil.Error:
        return False


def _ports(processes: int, health: int | None, metrics: int | None) -> dict[str, int | None]:
    """Return the ports as settings. Raises BadInput for several processes, of which only one can have a port."""
    if processes > 1 and (health is not None or metrics is not None):
        raise BadInput(
            "--processes cannot be used with --health-port or --metrics-port.", hint="Start several workers instead."
        )
    return {"health_port": health, "metrics_port": metrics}


def _is_ready(context: AppContext, check: Callable[[], None], queue: Component, drain: bool) -> bool:
    """Return True once `check` raises nothing, and False if a signal came first. Without `drain` it waits for a database or a
    queue that is unavailable.
    """
    waits = not (drain or context.databases.is_embedded)
    return asyncio.run(until_ready(check, logs.emit, waits=waits, queue=queue))


def _run(context: AppContext, worker: Worker, processes: int) -> None:
    """Run the worker in this process, or in several supervised ones."""
    if processes == 1:
        asyncio.run(worker(None))
        return

    _load(context)
    supervisor = Supervisor(processes, logs.emit)
    parent = supervisor.divide()
    if parent is None:
        raise typer.Exit(supervisor.exit_code)
    asyncio.run(worker(parent))


def _load(context: AppContext) -> None:
    """Load the modules that the processes share. Each process opens its own connections."""
    from wa_cli.cloud import client
    from wa_cli.workers import degraded_mode, worker

    del client, degraded_mode, worker
    if context.settings.queue == SQS:
        from wa_cli.queues import sqs

        del sqs
    context.database.close()


async def _outgoing(context: AppContext, drain: bool, degrades: bool, parent: int | None) -> None:
    with _stoppable(parent) as stop, context.publishing("outgoing") as published:
        async with context.cloud() as client:
            worker = context.outgoing_worker(client, drain=drain, degrades=degrades, emit=published.emit)
            totals = _totals(Program.OUTGOING_WORKER, worker.meter, "sent", "failed")
            async with context.worker_endpoint(worker, published):
                logs.emit(_started(Program.OUTGOING_WORKER, drain, parent))
                with totals, _watched(context, parent, *status_line.outgoing(worker)):
                    await worker.run(stop)


async def _incoming(context: AppContext, drain: bool, parent: int | None) -> None:
    with _stoppable(parent) as stop, context.publishing("incoming") as published:
        async with context.downloader(published.emit) as downloader:
            worker = context.incoming_worker(downloader=downloader, drain=drain, emit=published.emit)
            totals = _totals(Program.INCOMING_WORKER, worker.meter, "messages", "statuses")
            async with context.worker_endpoint(worker, published):
                logs.emit(_started(Program.INCOMING_WORKER, drain, parent))
                with totals, _watched(context, parent, *status_line.incoming(worker)):
                    await worker.run(stop)


def _started(program: Program, drain: bool, parent: int | None) -> events.Started:
    return events.Started(program, until_drained=drain, pid=None if parent is None else os.getpid())


@contextmanager
def _stoppable(parent: int | None) -> Iterator[Stop]:
    """Yield a stop that is set by a signal, or by the end of the supervisor at the other end of the pipe `parent`."""
    stop = Stop()
    with stopping_on_signals(stop, logs.emit), stopping_with_parent(stop, parent):
        yield stop


@contextmanager
def _totals(program: Program, meter: Meter, *names: str) -> Iterator[None]:
    """Report the counts of the worker at its end, whatever ended it."""
    try:
        yield
    finally:
        logs.emit(events.Finished(program, meter.seconds, {name: meter.counts[name] for name in names}))


def _watched(
    context: AppContext,
    parent: int | None,
    now: Callable[[], status_line.Facts],
    asked: Callable[[], status_line.Facts],
) -> AbstractContextManager[None]:
    """Show the status line if this is the only process of its command."""
    if parent is None and status_line.is_wanted(context.settings.log_format):
        return status_line.line(now, asked)
    return nullcontext()
