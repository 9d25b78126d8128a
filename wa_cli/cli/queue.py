"""wa queue: what waits, and what died."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from wa_cli.cli import render, wiring
from wa_cli.cli.parameters import AsJson, Format, Yes, chosen_format
from wa_cli.cli.render import Column, Table
from wa_cli.cli.wiring import House, say
from wa_cli.errors import BadInput

if TYPE_CHECKING:
    from wa_cli.queues.base import Queue

app = typer.Typer(no_args_is_help=True, help="What waits in the queues, and what died there.")


class Name(StrEnum):
    OUTGOING = "outgoing"
    INCOMING = "incoming"


QueueName = Annotated[Name, typer.Option("--queue", help="Which queue.")]


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
    queue: QueueName = Name.OUTGOING,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many.")] = 20,
    as_json: AsJson = False,
    form: Format = None,
) -> None:
    """Dead letters with their reasons, newest first.

    Example: wa queue dead --queue incoming
    """
    letters = _queue(wiring.of(ctx), queue).dead_letters(limit)
    columns = [
        Column("died_at", "Died", "instant"),
        Column("reason", "Reason", "words"),
        Column("body", "Body", "words"),
        Column("id", "Id"),
    ]
    rows = [{"died_at": x.died_at, "reason": x.reason, "body": x.body, "id": x.id} for x in letters]
    render.show(
        Table("dead-letters", f"Dead letters of the {queue} queue", columns, rows), chosen_format(form, as_json)
    )


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
def purge(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The queue's name, once more: what is purged is gone.")],
    yes: Yes = False,
) -> None:
    """Forget the dead letters of a queue.

    Example: wa queue purge incoming
    """
    if name not in list(Name):
        raise BadInput(f"There is no queue {name!r}.", hint="outgoing or incoming")
    queue = _queue(wiring.of(ctx), Name(name))
    if not yes:
        typer.confirm(f"Forget {queue.depth().dead} dead letters of the {name} queue?", abort=True, err=True)
    say(f"{queue.purge_dead()} dead letters of the {name} queue are gone.")


def _queue(house: House, name: Name) -> Queue:
    return house.outgoing_queue if name is Name.OUTGOING else house.incoming_queue
