"""wa number: the send rate of business numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wa_cli.cli import render
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import AsJson, Format, chosen_format
from wa_cli.cli.tables import Column, Table
from wa_cli.errors import BadInput
from wa_cli.telemetry.logs import print_note

if TYPE_CHECKING:
    from wa_cli.outbox.rate_limit import RateLimit

app = typer.Typer(no_args_is_help=True)


@app.command()
def show(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """Show each business number: state, send rate, reason of a block.

    Example: wa number show
    """
    from wa_cli.database.engine import run

    with AppContext.of(ctx).database.reading() as connection:
        rows = [dict(row) for row in run(connection, "outbox/numbers").mappings()]
    columns = [
        Column("number", "Number"),
        Column("state", "State"),
        Column("queued", "Queued", "integer"),
        Column("rate", "Rate/s", "number"),
        Column("ceiling", "Limit", "number"),
        Column("paused_until", "Paused until", "instant"),
        Column("blocked_why", "Reason", "words"),
    ]
    render.show(Table("numbers", "Numbers", columns, rows), chosen_format(form, as_json))


NumberId = Annotated[
    str | None, typer.Argument(help="Id of the business number. Default: WA_PHONE_NUMBER_ID.", metavar="[ID]")
]


@app.command()
def pause(
    ctx: typer.Context,
    number: NumberId = None,
    why: Annotated[str, typer.Option(help="Reason, for other people.")] = "paused by hand",
) -> None:
    """Pause a number. Its messages stay queued until it is resumed.

    Example: wa number pause --why "new token at noon"
    """
    limit = _rate_limit(ctx, number)
    if not limit.pause(why):
        raise _unused(limit.number)
    print_note(f"The number {limit.number} is paused.")


@app.command()
def resume(ctx: typer.Context, number: NumberId = None) -> None:
    """Resume a number that is paused or blocked.

    Example: wa number resume
    """
    limit = _rate_limit(ctx, number)
    if not limit.resume():
        raise _unused(limit.number)
    print_note(f"The number {limit.number} is resumed.")


def _rate_limit(ctx: typer.Context, number: str | None) -> RateLimit:
    from wa_cli.outbox.rate_limit import RateLimit

    context = AppContext.of(ctx)
    return RateLimit(context.database, number or context.endpoint.number)


def _unused(number: str) -> BadInput:
    return BadInput(f"No worker has used the number {number} yet.", hint="List the numbers with wa number show.")
