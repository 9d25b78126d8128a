"""wa migrate: migrate a live database to the schema."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from wa_cli.cli import migrate_progress, render
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import AsJson, Format, Yes, chosen_format, confirm
from wa_cli.cli.progress import bar
from wa_cli.cli.tables import Column, Table
from wa_cli.clock import parse_span
from wa_cli.counted import counted
from wa_cli.errors import BadInput, ConfigError, PartlyDone
from wa_cli.migrations import catalogue, progress
from wa_cli.migrations.catalogue import Migration, Step
from wa_cli.migrations.progress import Report
from wa_cli.settings import schema
from wa_cli.telemetry.logs import print_note
from wa_cli.version import __version__

if TYPE_CHECKING:
    from wa_cli.migrations.backfill import Backfill
    from wa_cli.migrations.ledger import Entry
    from wa_cli.migrations.runner import LostDirections, Migrator
    from wa_cli.migrations.trial_writes import TrialResult

app = typer.Typer(invoke_without_command=True)

Timeout = Annotated[
    str,
    typer.Option("--timeout", help="Time that a step waits for other sessions, such as 90s or 2h.", metavar="DURATION"),
]
DIRECTION = "0002_direction"
OWN_TABLES = "0003_wa"


@app.callback()
def migrate(
    ctx: typer.Context,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the SQL for psql -f, and change nothing.")] = False,
    to: Annotated[str | None, typer.Option(help="Last migration to apply.", metavar="REVISION")] = None,
    timeout: Timeout = "10m",
    backfill_direction: Annotated[
        bool, typer.Option("--backfill-direction", help="Mark old rows from WA_BUSINESS_PHONE as outgoing.")
    ] = False,
    search_language: Annotated[
        str | None,
        typer.Option("--search-language", help="Index for wa search in a language, like english.", metavar="LANGUAGE"),
    ] = None,
) -> None:
    """Migrate a live database to the schema, without downtime.

    Each step is recorded when it is done. After an interruption the next run continues. The workers' writes are tried
    and rolled back, before and after the migration.

    Exit 6 if a view or a row prevents a step or the table refuses a write, 8 if another session holds the table for
    too long.

    Example: wa migrate --yes
    """
    if ctx.invoked_subcommand is not None:
        return
    context = AppContext.of(ctx)
    patience = parse_span(timeout)
    last = catalogue.find(to) if to is not None else None
    backfill = _backfill(context) if backfill_direction else None
    search_steps = _migrator(context).search_steps(search_language) if search_language is not None else []
    if dry_run:
        _print_fillable(backfill) if backfill else _print_script(context, last, search_steps)
        return
    _print_refusals(_migrator(context).preflight())
    pending = _migrator(context).pending(last)
    _print_plan(pending, last, search_steps, backfill)
    if not yes and not context.databases.is_embedded:
        _confirm(pending, search_steps, backfill)
    _stay_interruptible()
    with migrate_progress.shown() as report:
        migrator = _migrator(context, report, patience)
        skipped = migrator.apply(last)
        if search_language is not None:
            migrator.set_search_language(search_language)
    if pending:
        print_note(f"{_count(pending)} applied.")
    if last is None:
        _name_old_workers(context)
    if backfill:
        _fill(backfill)
    _judge(context, skipped, look_for_lost=any(migration.name == DIRECTION for migration in pending) and not backfill)
    if pending and not context.databases.is_embedded:
        _print_next_steps()


def _print_next_steps() -> None:
    """Print the checklist that follows a migration, which docs/deployment.md has whole."""
    print_note("Next:")
    print_note("  1. Restart service and workers, then list them: wa worker list")
    print_note('  2. Send a test message: wa send text +15551234567 "test" --wait')
    print_note("  3. Verify both directions, now and for an hour: wa verify --since 1h --watch 60")
    print_note("  4. Tomorrow: wa report storage --since 24h --fail-below 95%")


def _print_plan(
    pending: list[Migration], last: Migration | None, search_steps: Sequence[Step], backfill: Backfill | None
) -> None:
    if not pending:
        print_note(f"The database has every migration{f' up to {last.name}' if last else ''}.")
    for migration in pending:
        print_note(f"pending: {migration.name}: {_first_sentence(migration.up.why)}")
    for step in search_steps:
        print_note(f"pending: {step.title}")
    if backfill:
        _print_fillable(backfill)


def _confirm(pending: list[Migration], search_steps: Sequence[Step], backfill: Backfill | None) -> None:
    if pending:
        confirm(f"Apply {_count(pending)}?")
    elif search_steps:
        confirm("Change the search language?")
    elif backfill:
        confirm("Set the direction of these rows?")


def _name_old_workers(context: AppContext) -> None:
    """Name workers of another release: they go on with the new schema, and should be restarted."""
    from wa_cli.database.engine import run

    with context.databases.unchecked.reading() as connection:
        rows = run(connection, "outbox/workers").mappings().all()
    for row in rows:
        if row["version"] != __version__ and row["state"] != "silent":
            release = row["version"] or "an older release"
            print_note(f"running: {row['kind']} worker {row['host']}/{row['pid']} of {release}. Restart it.")


def _migrator(
    context: AppContext, report: Report = progress.quiet, timeout: timedelta = timedelta(minutes=10)
) -> Migrator:
    from wa_cli.migrations.runner import Migrator

    return Migrator(context.databases.unchecked, report, timeout=timeout, business=context.settings.business_phone)


def _judge(context: AppContext, skipped: list[str], *, look_for_lost: bool) -> None:
    """Raise PartlyDone if a step was skipped, the table refuses the workers' writes, or directions were lost."""
    from wa_cli.migrations import backfill

    migrator = _migrator(context)
    refused = migrator.try_writes()
    _print_refusals(refused)
    if look_for_lost and (lost := migrator.lost_directions()).rows:
        raise PartlyDone(_lost(lost), hint=backfill.HINT, command=backfill.COMMAND)
    if refused.refusals:
        raise PartlyDone(
            f"The table refuses writes of the workers, so messages would be lost: {_causes(refused)}.",
            hint=refused.remedy,
        )
    if skipped:
        raise PartlyDone(
            f"Some steps were skipped, and wa works without them. {'; '.join(skipped)}.",
            hint="Drop the view and create it again afterwards, or rename the other index, then run wa migrate.",
        )


def _lost(lost: LostDirections) -> str:
    between = f", from {lost.oldest:%Y-%m-%d} to {lost.newest:%Y-%m-%d}" if lost.oldest and lost.newest else ""
    more = ", …" if lost.rows > len(lost.some or ()) else ""
    return (
        f"{counted(lost.rows, 'outgoing message')} marked as incoming{between}, because a rollback dropped the direction:"
        f" {', '.join(lost.some or ())}{more}."
    )


def _print_refusals(outcome: TrialResult) -> None:
    for refusal in outcome.refusals:
        print_note(f"refused: {refusal}")
    for remark in outcome.remarks:
        print_note(f"remark: {remark}")


def _causes(outcome: TrialResult) -> str:
    return "; ".join(refusal.cause for refusal in outcome.refusals)


def _count(pending: list[Migration]) -> str:
    return f"{len(pending)} migration{'' if len(pending) == 1 else 's'}"


def _first_sentence(text: str) -> str:
    return f"{text.partition('. ')[0].rstrip('.')}."


def _stay_interruptible() -> None:
    """Let Ctrl-C cancel a long statement."""
    from wa_cli.database.engine import be_interruptible

    be_interruptible()


def _print_script(context: AppContext, last: Migration | None, search_steps: Sequence[Step]) -> None:
    from wa_cli.migrations import psql

    plan = _migrator(context).plan(last)
    if not plan:
        print_note("The database has every migration.")
    for piece in (*(psql.script(plan) if plan else ()), *psql.unrecorded(search_steps)):
        print(piece)


def _backfill(context: AppContext) -> Backfill:
    from wa_cli.migrations import backfill

    business = context.settings.business_phone
    if not business.lstrip("+").isdigit():
        raise ConfigError(
            f"WA_BUSINESS_PHONE is {business!r} and not a number, so outgoing rows cannot be recognised.",
            hint=backfill.HINT,
            command=f"{backfill.COMMAND} --dry-run",
        )
    return backfill.Backfill(context.databases.unchecked, business)


def _print_fillable(backfill: Backfill) -> None:
    found = backfill.count()
    between = f", from {found.oldest:%Y-%m-%d} to {found.newest:%Y-%m-%d}" if found.oldest and found.newest else ""
    print_note(
        f"to fill as outgoing: {counted(found.ours, 'row')} from +{backfill.business} that count as incoming{between}"
    )
    print_note(f"to fill as incoming: {counted(found.without_direction, 'row')} without a direction")
    if found.without_recipient:
        print_note(
            f"    without an addressee, so in no conversation: {counted(found.without_recipient, 'outgoing row')}"
        )


def _fill(backfill: Backfill) -> None:
    with bar("filling", backfill.count().rows) as advance:
        filled = backfill.fill(advance)
    print_note(f"{counted(filled, 'row')} filled.")
    if left := backfill.count().rows:
        raise PartlyDone(f"{counted(left, 'row')} in use and not filled.", hint="Run the command again to fill them.")


@app.command()
def status(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """Show applied, pending and incomplete migrations.

    Example: wa migrate status
    """
    from wa_cli.migrations import ledger

    with AppContext.of(ctx).databases.unchecked.reading() as connection:
        entries = ledger.entries(connection)
    known = catalogue.migrations()
    rows = [_row(migration, [e for e in entries if e.version == migration.name]) for migration in known]
    rows += [
        {"migration": e.version, "state": "from a newer release", "applied_at": e.finished_at, "note": ""}
        for e in entries
        if e.step == 0 and e.version not in {migration.name for migration in known}
    ]
    columns = [
        Column("migration", "Migration"),
        Column("state", "State"),
        Column("applied_at", "Applied", "instant"),
        Column("note", "Note", is_quiet=True),
    ]
    render.show(Table("migrations", "Migrations", columns, rows), chosen_format(form, as_json))


def _row(migration: Migration, entries: list[Entry]) -> dict[str, object]:
    """Return a migration and its state, with the reason of the state, or of a pending migration, as its note."""
    steps = {entry.step: entry for entry in entries}
    whole, skipped = steps.get(0), [entry for entry in entries if entry.state == "skipped"]
    todo = [step for step in migration.up.steps if steps.get(step.number) is None]
    if whole is None:
        state, note = "pending", _first_sentence(migration.up.why)
    elif whole.state == "running":
        state = f"incomplete, {len(migration.up.steps) - len(todo)} of {len(migration.up.steps)}"
        note = f"next: {todo[0].title}" if todo else "next: wa migrate"
    elif skipped:
        state, note = f"applied, {len(skipped)} skipped", "; ".join(entry.note or "" for entry in skipped)
    else:
        state, note = "applied", None
    return {"migration": migration.name, "state": state, "applied_at": whole and whole.finished_at, "note": note}


@app.command()
def rollback(
    ctx: typer.Context,
    to: Annotated[
        str | None, typer.Option(help="Roll back every migration after this one.", metavar="REVISION")
    ] = None,
    drop_direction: Annotated[
        bool, typer.Option("--drop-direction", help="Roll back every migration, and drop the column direction.")
    ] = False,
    yes: Yes = False,
    timeout: Timeout = "10m",
) -> None:
    """Roll back the newest migration, or those after --to.

    Columns of the business's table stay, with their content.

    The release before works with the newer schema, so going back to it needs no rollback.

    Example: wa migrate rollback
    """
    if to and drop_direction:
        raise BadInput(
            "--to and --drop-direction cannot be used together.",
            hint="Use --drop-direction alone to roll back every migration.",
        )
    context = AppContext.of(ctx)
    applied = _migrator(context).applied()
    wanted = _to_roll_back(applied, to, drop_direction)
    if not wanted and not drop_direction:
        print_note("Nothing to roll back.")
        return
    _check_rollback(context, wanted, drop_direction=drop_direction)
    if drop_direction and not yes:
        confirm("Dropping the column loses the direction of every message. Drop it?")
    if not yes:
        confirm(f"Roll back {_count(wanted)}{' and drop the column' if drop_direction else ''}?")
    _stay_interruptible()
    with migrate_progress.shown() as report:
        migrator = _migrator(context, report, parse_span(timeout))
        for name in migrator.rollback(len(wanted)):
            print_note(f"Rolled back: {name}")
        if drop_direction:
            migrator.drop_direction()
            print_note("The column direction is dropped.")
    if not drop_direction and any(migration.name == DIRECTION for migration in wanted):
        print_note(
            "The column direction stays, since its values are stored nowhere else. Drop it with --drop-direction."
        )


def _check_rollback(context: AppContext, wanted: list[Migration], *, drop_direction: bool) -> None:
    """Print what a rollback removes. Raises PartlyDone if it would lose messages or cannot finish."""
    migrator = _migrator(context)
    for migration in wanted:
        print_note(f"to roll back: {migration.name}: {_first_sentence(migration.down.why)}")
    if drop_direction or any(migration.name == OWN_TABLES for migration in wanted):
        _check_spools(context)
        _check_unfinished(migrator)
    if doomed := migrator.doomed_rows(wanted):
        print_note(f"Rows to delete: {', '.join(f'{_many(count)} of {table}' for table, count in doomed.items())}.")
    if drop_direction and (lost := migrator.outgoing_rows()):
        print_note(f"Lost with the column: the direction of {counted(lost, 'outgoing message')}.")
    if drop_direction and (views := migrator.uses_of_direction()):
        raise PartlyDone(
            f"Nothing was rolled back: {', '.join(views)} use the column direction.", hint="Drop them first."
        )


def _check_spools(context: AppContext) -> None:
    """Raise PartlyDone while spooled records of this machine need the tables that would be dropped."""
    ours = context.spools.ours()
    spools = ours["outcomes"] if context.settings.queue == schema.SQS else [*ours["outcomes"], *ours["webhooks"]]
    if held := [(spool.folder, state.records) for spool in spools if (state := spool.state()).records]:
        records_left = " and ".join(f"{counted(records, 'record')} in {folder}" for folder, records in held)
        raise PartlyDone(f"Nothing was rolled back: the spool has {records_left}.", hint="Run wa spool replay first.")


def _check_unfinished(migrator: Migrator) -> None:
    """Raise PartlyDone while messages would be lost with wa's own tables."""
    if left := {state: count for state, count in migrator.unfinished().items() if count}:
        words = ", ".join(f"{count:,} {state}" for state, count in left.items())
        raise PartlyDone(
            f"Nothing was rolled back: messages would be lost ({words}).",
            hint="Let the workers finish. Redrive or purge dead letters: wa queue redrive, wa queue purge.",
        )


def _many(count: int) -> str:
    return "more than 10,000" if count > 10_000 else f"{count:,}"


def _to_roll_back(applied: list[Migration], to: str | None, drop_direction: bool) -> list[Migration]:
    if drop_direction:
        return [migration for migration in applied if migration.name >= DIRECTION]
    if to is None:
        return applied[:1]
    last = catalogue.find(to)
    return [migration for migration in applied if migration.name > last.name]
