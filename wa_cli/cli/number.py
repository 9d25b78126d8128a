"""wa number: the send rate of business numbers."""

from __future__ import annotations

from typing import Annotated

import typer

from wa_cli.cli import render
from wa_cli.cli.context import AppContext, print_note
from wa_cli.cli.parameters import AsJson, Format, chosen_format
from wa_cli.cli.tables import Column, Table
from wa_cli.errors import BadInput

app = typer.Typer(no_args_is_help=True)


@app.command()
def show(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """Show each business number with its send rate, and why it is blocked or paused.

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
        Column("paused_until", "Until", "instant"),
        Column("blocked_why", "Why", "words"),
    ]
    render.show(Table("numbers", "Numbers", columns, rows), chosen_format(form, as_json))


@app.command()
def pause(
    ctx: typer.Context, why: Annotated[str, typer.Option(help="Reason, for other people.")] = "paused by hand"
) -> None:
    """Pause a number. Its messages stay queued until it is resumed.

    Example: wa number pause --why "new token at noon"
    """
    context = AppContext.of(ctx)
    if not context.outbox.rate_limit.pause(why):
        raise BadInput(f"No worker has used the number {context.endpoint.known_number} yet.")
    print_note(f"The number {context.endpoint.known_number} is paused.")


@app.command()
def resume(ctx: typer.Context) -> None:
    """Resume a number that is paused or blocked.

    Example: wa number resume
    """
    context = AppContext.of(ctx)
    if not context.outbox.rate_limit.resume():
        raise BadInput(f"No worker has used the number {context.endpoint.known_number} yet.")
    print_note(f"The number {context.endpoint.known_number} is resumed.")
