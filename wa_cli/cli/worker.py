"""wa worker: what runs all day."""

from __future__ import annotations

from typing import Annotated

import typer

from wa_cli.cli import wiring
from wa_cli.cli.wiring import House

app = typer.Typer(no_args_is_help=True, help="Send what is queued; store what customers write.")

Drain = Annotated[bool, typer.Option("--drain", help="End when nothing is left to do; exit 8 where something waits.")]


RequireStorage = Annotated[
    bool, typer.Option("--require-storage", help="On SQS, wait while the database is away instead of sending on.")
]


@app.command()
def outgoing(ctx: typer.Context, drain: Drain = False, require_storage: RequireStorage = False) -> None:
    """Send what is queued, and store every sent message.

    Ctrl-C finishes what is in flight; a second one leaves at once.

    Example: wa worker outgoing --drain
    """
    import asyncio

    asyncio.run(_outgoing(wiring.of(ctx), drain, require_storage))


@app.command()
def incoming(ctx: typer.Context, drain: Drain = False) -> None:
    """Store what customers write, and what became of our messages.

    Example: wa worker incoming
    """
    import asyncio

    asyncio.run(_incoming(wiring.of(ctx), drain))


async def _outgoing(house: House, drain: bool, require_storage: bool) -> None:
    from wa_cli.telemetry import events, logs
    from wa_cli.workers.lifecycle import Stop, stopping_on_signals

    logs.start()
    stop = Stop()
    with stopping_on_signals(stop, logs.tell):
        # What is wrong with them is said before anything else is started.
        _look_at_database(house, can_wait=not (drain or require_storage))
        house.outgoing_queue.depth()
        async with house.cloud() as client:
            worker = house.outgoing_worker(client, drain=drain, require_storage=require_storage)
            logs.tell(events.Started("The outgoing worker is running" + (" until nothing is left" if drain else "")))
            await worker.run(stop)


def _look_at_database(house: House, *, can_wait: bool) -> None:
    """Raise what is wrong with it, unless it is only away and there is a way round it."""
    from wa_cli.errors import DatabaseDown
    from wa_cli.telemetry import events, logs

    try:
        house.database  # noqa: B018 — asking is connecting
    except DatabaseDown as error:
        if not can_wait or house.settings.queue == "postgres":
            raise
        logs.tell(events.Away("The database", error.message))
        house.database = house.unchecked_database


async def _incoming(house: House, drain: bool) -> None:
    from wa_cli.telemetry import events, logs
    from wa_cli.workers.lifecycle import Stop, stopping_on_signals

    logs.start()
    stop = Stop()
    with stopping_on_signals(stop, logs.tell):
        worker = house.incoming_worker(drain=drain)
        logs.tell(events.Started("The incoming worker is running" + (" until nothing is left" if drain else "")))
        await worker.run(stop)
