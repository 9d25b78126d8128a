"""wa spool: records on this machine's disk that wait for the database or a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from wa_cli.cli import render
from wa_cli.cli.context import AppContext, print_note
from wa_cli.cli.parameters import AsJson, Format, chosen_format
from wa_cli.cli.tables import Column, Table
from wa_cli.counted import counted
from wa_cli.errors import PartlyDone
from wa_cli.telemetry import logs
from wa_cli.workers.spooled_webhooks import SpooledWebhooks

if TYPE_CHECKING:
    from wa_cli.outbox.spool import Spool

app = typer.Typer(no_args_is_help=True)


@app.command()
def status(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """Show spooled records (normally none).

    Example: wa spool status
    """
    context = AppContext.of(ctx)
    columns = [
        Column("holds", "Holds"),
        Column("files", "Files", "integer"),
        Column("records", "Records", "integer"),
        Column("oldest_seconds", "Oldest", "span"),
        Column("corrupt", "Set aside"),
        Column("folder", "Folder"),
    ]
    rows = [_row("outcomes", context.spools.outcomes), _row("webhooks", context.spools.webhooks)]
    render.show(Table("spool", "Spool", columns, rows), chosen_format(form, as_json))


def _row(holds: str, spool: Spool) -> dict[str, Any]:
    state = spool.state()
    return {
        "holds": holds,
        "files": state.files,
        "records": state.records,
        "oldest_seconds": state.oldest_seconds,
        "corrupt": ", ".join(state.corrupt) or None,
        "folder": str(spool.folder),
    }


@app.command()
def replay(ctx: typer.Context) -> None:
    """Settle the spool of dead processes, and requeue spooled webhooks. Running workers do this themselves.

    Exit 6 if records stay in the spool.

    Example: wa spool replay
    """
    from wa_cli.workers.spooled_outcomes import SpooledOutcomes

    logs.start()
    context = AppContext.of(ctx)
    outcomes = SpooledOutcomes(context.outbox, context.spools.outcomes, context.settings.outgoing_lease, logs.emit)
    webhooks = SpooledWebhooks(context.queues.incoming, context.spools.webhooks, logs.emit)
    print_note(f"{counted(outcomes.run_once(), 'outcome')} of the spool settled.")
    print_note(f"{counted(webhooks.run_once(), 'webhook')} put back on the queue.")
    states = [context.spools.outcomes.state(), context.spools.webhooks.state()]
    if left := sum(state.records for state in states):
        raise PartlyDone(f"{counted(left, 'record')} left in the spool.", command="wa spool status")
    if set_aside := sum(len(state.corrupt) for state in states):
        raise PartlyDone(f"{counted(set_aside, 'file')} of the spool set aside.", command="wa spool status")
