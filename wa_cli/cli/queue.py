"""wa queue: what waits, and what died."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from wa_cli.cli import render, wiring
from wa_cli.cli.parameters import AsJson, Format, Yes, chosen_format
from wa_cli.cli.render import Column, Table
from wa_cli.cli.wiring import House, say

if TYPE_CHECKING:
    from wa_cli.queues.base import Queue

app = typer.Typer(no_args_is_help=True, help="What waits in the queues, and what died there.")


class Name(StrEnum):
    OUTGOING = "outgoing"
    INCOMING = "incoming"


QueueName = Annotated[Name, typer.Argument(help="Which queue.")]


@app.command()
def status(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """How much waits, is in flight, delayed or dead, in both directions.

    Example: wa queue status
    """
    counted = wiring.of(ctx).backlog.status()
    columns = [
        Column("queue", "Queue"),
        Column("waiting", "Waiting", "integer"),
        Column("in_flight", "In flight", "integer"),
        Column("delayed", "Delayed", "integer"),
        Column("dead", "Dead", "integer"),
        Column("oldest_seconds", "Oldest", "span"),
    ]
    rows = [{"queue": name, **counts} for name, counts in counted.items()]
    render.show(Table("queue-status", "Queues", columns, rows), chosen_format(form, as_json))


@app.command()
def dead(
    ctx: typer.Context,
    queue: Annotated[Name | None, typer.Argument(help="Which queue; both where none is named.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Of each queue at most this many.")] = 20,
    as_json: AsJson = False,
    form: Format = None,
) -> None:
    """Dead letters with their reasons, newest first.

    Example: wa queue dead incoming
    """
    house = wiring.of(ctx)
    rows = [
        {"queue": name.value, "died_at": x.died_at, "reason": x.reason, "body": x.body, "id": x.id}
        for name in ([queue] if queue else list(Name))
        for x in _queue(house, name).dead_letters(limit)
    ]
    columns = [
        Column("queue", "Queue"),
        Column("died_at", "Died", "instant"),
        Column("reason", "Reason", "words"),
        Column("body", "Body", "words"),
        Column("id", "Id"),
    ]
    render.show(Table("dead-letters", "Dead letters", columns, rows), chosen_format(form, as_json))


@app.command()
def redrive(
    ctx: typer.Context,
    queue: QueueName = Name.OUTGOING,
    limit: Annotated[int, typer.Option(min=1, help="Move at most this many.")] = 100,
) -> None:
    """Put dead letters back on the queue they died on.

    Example: wa queue redrive --limit 20
    """
    moved = _queue(wiring.of(ctx), queue).redrive(limit)
    say(f"{moved} dead letters wait again on the {queue} queue.")


@app.command()
def purge(ctx: typer.Context, queue: QueueName, yes: Yes = False) -> None:
    """Forget the dead letters of a queue, which has to be named: what is purged is gone.

    Example: wa queue purge incoming
    """
    of = _queue(wiring.of(ctx), queue)
    if not yes:
        typer.confirm(f"Forget {of.depth().dead} dead letters of the {queue} queue?", abort=True, err=True)
    say(f"{of.purge_dead()} dead letters of the {queue} queue are gone.")


def _queue(house: House, name: Name) -> Queue:
    return house.outgoing_queue if name is Name.OUTGOING else house.incoming_queue
