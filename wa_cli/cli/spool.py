"""wa spool: what waits on this machine's disk for the database."""

from __future__ import annotations

import typer

from wa_cli.cli import render, wiring
from wa_cli.cli.parameters import AsJson, Format, chosen_format
from wa_cli.cli.render import Column, Table
from wa_cli.cli.wiring import say

app = typer.Typer(no_args_is_help=True, help="Verdicts that wait on this machine's disk for the database.")


@app.command()
def status(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """What lies in the spool: in calm nothing.

    Example: wa spool status
    """
    spool = wiring.of(ctx).spool
    state = spool.state()
    columns = [
        Column("folder", "Folder"),
        Column("files", "Files", "integer"),
        Column("records", "Records", "integer"),
        Column("oldest_seconds", "Oldest", "span"),
        Column("corrupt", "Set aside"),
    ]
    row = {
        "folder": str(spool.folder),
        "files": state.files,
        "records": state.records,
        "oldest_seconds": state.oldest_seconds,
        "corrupt": ", ".join(state.corrupt) or None,
    }
    render.show(Table("spool", "Spool", columns, [row]), chosen_format(form, as_json))


@app.command()
def replay(ctx: typer.Context) -> None:
    """Settle what dead processes left; every running worker does this by itself.

    Example: wa spool replay
    """
    from wa_cli.telemetry import logs
    from wa_cli.workers.upkeep import Patience, Upkeep

    logs.start()
    house = wiring.of(ctx)
    upkeep = Upkeep(house.outbox, house.spool, Patience(), house.settings.outgoing_lease, logs.tell)
    say(f"{upkeep.adopt()} verdicts settled from the spool.")
