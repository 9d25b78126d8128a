"""wa spool: records on this machine's disk that wait for the database or a queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wa_cli.cli import render
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import AsJson, Format, Yes, chosen_format, confirm
from wa_cli.cli.tables import Column, Table
from wa_cli.counted import counted
from wa_cli.errors import BadInput, PartlyDone
from wa_cli.outbox.spool_folders import OUTCOMES, WEBHOOKS
from wa_cli.telemetry import logs
from wa_cli.telemetry.logs import print_note
from wa_cli.workers.spooled_webhooks import SpooledWebhooks

if TYPE_CHECKING:
    from wa_cli.outbox.spool import Spool

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[
    Path | None,
    typer.Option(
        help="Spool folder to replay. Default: all of this installation.", metavar="FOLDER", show_default=False
    ),
]


@app.command()
def status(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """Show spooled records (normally none).

    Example: wa spool status
    """
    spools = AppContext.of(ctx).spools
    columns = [
        Column("holds", "Holds"),
        Column("files", "Files", "integer"),
        Column("records", "Records", "integer"),
        Column("oldest_seconds", "Oldest", "span"),
        Column("corrupt", "Set aside"),
        Column("folder", "Folder"),
    ]
    rows = [_row(kind, spool) for kind, found in spools.ours().items() for spool in found]
    stranded = [_row(f"stranded {kind}", spool) for kind, spool in spools.stranded()]
    hint = "Stranded records belong to another database or queue. Replay them with: wa spool replay --folder FOLDER"
    note = hint if stranded else None
    render.show(Table("spool", "Spool", columns, rows + stranded, note), chosen_format(form, as_json))


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
def replay(ctx: typer.Context, folder: Folder = None, yes: Yes = False) -> None:
    """Settle spooled outcomes, and requeue spooled webhooks.

    Running workers do this by themselves. Exit 6 if records stay in the spool.

    Example: wa spool replay
    """
    logs.start()
    context = AppContext.of(ctx)
    if folder is None:
        _settle_outcomes(context, context.spools.outcomes)
        _requeue_webhooks(context, context.spools.webhooks)
        left = [spool for found in context.spools.ours().values() for spool in found]
    else:
        kind, spool = context.spools.named(folder)
        _check_folder(spool)
        if not (yes or context.spools.is_marked_as_ours(spool)):
            confirm(f"{spool.folder} is not of this database. Put its {kind} into this database and queue?")
        {OUTCOMES: _settle_outcomes, WEBHOOKS: _requeue_webhooks}[kind](context, spool)
        left = [spool]
    _report_left(left)


def _settle_outcomes(context: AppContext, spool: Spool) -> None:
    from wa_cli.workers.spooled_outcomes import SpooledOutcomes

    outcomes = SpooledOutcomes(context.outbox, spool, context.settings.claim_lease, logs.emit)
    print_note(f"{counted(outcomes.run_once(), 'outcome')} of the spool settled.")


def _requeue_webhooks(context: AppContext, spool: Spool) -> None:
    webhooks = SpooledWebhooks(context.queues.incoming, spool, logs.emit)
    print_note(f"{counted(webhooks.run_once(), 'webhook')} put back on the queue.")


def _report_left(spools: list[Spool]) -> None:
    states = [spool.state() for spool in spools]
    if left := sum(state.records for state in states):
        raise PartlyDone(f"{counted(left, 'record')} left in the spool.", command="wa spool status")
    if set_aside := sum(len(state.corrupt) for state in states):
        raise PartlyDone(f"{counted(set_aside, 'file')} of the spool set aside.", command="wa spool status")


def _check_folder(spool: Spool) -> None:
    """Raise BadInput if the folder has no records. Files that wa did not write are never touched."""
    if not spool.state().files:
        raise BadInput(f"{spool.folder} has no spooled records.", hint="Choose a folder that wa spool status prints.")
