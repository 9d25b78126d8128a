"""wa worker: what runs all day."""

from __future__ import annotations

from typing import Annotated

import typer

from wa_cli.cli import wiring
from wa_cli.cli.wiring import House

app = typer.Typer(no_args_is_help=True, help="Send what is queued; store what customers write.")

Drain = Annotated[bool, typer.Option("--drain", help="End when nothing is left to do; exit 8 where something waits.")]


@app.command()
def outgoing(ctx: typer.Context, drain: Drain = False) -> None:
    """Send what is queued, and store every sent message.

    Ctrl-C finishes what is in flight; a second one leaves at once.

    Example: wa worker outgoing --drain
    """
    import asyncio

    asyncio.run(_outgoing(wiring.of(ctx), drain))


@app.command()
def incoming(ctx: typer.Context, drain: Drain = False) -> None:
    """Store what customers write, and what became of our messages.

    Example: wa worker incoming
    """
    import asyncio

    asyncio.run(_incoming(wiring.of(ctx), drain))


async def _outgoing(house: House, drain: bool) -> None:
    from wa_cli.telemetry import events, logs
    from wa_cli.workers.lifecycle import Stop, stopping_on_signals

    logs.start()
    stop = Stop()
    with stopping_on_signals(stop, logs.tell):
        house.database  # noqa: B018 — what is wrong with it is said before anything else is started
        async with house.cloud() as client:
            worker = house.outgoing_worker(client, drain=drain)
            logs.tell(events.Started("The outgoing worker is running" + (" until nothing is left" if drain else "")))
            await worker.run(stop)


async def _incoming(house: House, drain: bool) -> None:
    from wa_cli.telemetry import events, logs
    from wa_cli.workers.lifecycle import Stop, stopping_on_signals

    logs.start()
    stop = Stop()
    with stopping_on_signals(stop, logs.tell):
        worker = house.incoming_worker(drain=drain)
        logs.tell(events.Started("The incoming worker is running" + (" until nothing is left" if drain else "")))
        await worker.run(stop)
