"""wa migrate: bring a live database to the schema."""

from __future__ import annotations

from typing import Annotated

import typer

from wa_cli.cli import render, wiring
from wa_cli.cli.parameters import AsJson, Format, Yes, chosen_format, confirm
from wa_cli.cli.render import Column, Table
from wa_cli.cli.wiring import say
from wa_cli.errors import PartlyDone

app = typer.Typer(invoke_without_command=True)


@app.callback()
def migrate(
    ctx: typer.Context,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the SQL and change nothing.")] = False,
) -> None:
    """Bring a live database to the schema, without stopping it.

    Each step is noted as soon as it is done: an interrupted run is finished by the next. Nobody who uses the table
    waits for it.

    Example: wa migrate --yes
    """
    if ctx.invoked_subcommand is not None:
        return
    from wa_cli.migrations.runner import Migrator

    house = wiring.of(ctx)
    migrator = Migrator(house.unchecked_database, say)
    pending = migrator.pending()
    if dry_run:
        for migration in pending:
            print(migration.up.text)
        return
    if not pending:
        say("The database has every migration.")
    for migration in pending:
        say(f"pending: {migration.name}: {migration.up.why}")
    if pending and not yes and not house.is_embedded:
        confirm(f"Apply {len(pending)} migrations?")
    skipped = migrator.apply()
    if pending:
        say(f"{len(pending)} migrations applied.")
    if skipped:
        raise PartlyDone(
            "Not everything could be done; the rest works without it. " + "; ".join(skipped),
            hint="Drop the view, `wa migrate`, create the view again.",
        )


@app.command()
def status(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """What is applied, pending, or half done.

    Example: wa migrate status
    """
    from wa_cli.migrations import catalogue, ledger

    with wiring.of(ctx).unchecked_database.reading() as connection:
        entries = {(entry.version, entry.step): entry for entry in ledger.entries(connection)}
    rows = []
    for migration in catalogue.migrations():
        entry = entries.get((migration.name, 0))
        skipped = [e for (version, _), e in entries.items() if version == migration.name and e.state == "skipped"]
        state = "pending" if entry is None else "half done" if entry.state == "running" else "applied"
        rows.append(
            {
                "migration": migration.name,
                "state": f"{state}, {len(skipped)} steps skipped" if skipped else state,
                "applied_at": entry.finished_at if entry else None,
                "why": migration.up.why,
            }
        )
    columns = [
        Column("migration", "Migration"),
        Column("state", "State"),
        Column("applied_at", "Applied", "instant"),
        Column("why", "Why"),
    ]
    render.show(Table("migrations", "Migrations", columns, rows), chosen_format(form, as_json))


@app.command()
def rollback(ctx: typer.Context, yes: Yes = False) -> None:
    """Take back the newest migration. Columns of the business's table stay, with what they hold.

    Example: wa migrate rollback
    """
    from wa_cli.migrations.runner import Migrator

    if not yes:
        confirm("Take back the newest migration?")
    taken = Migrator(wiring.of(ctx).unchecked_database, say).rollback()
    say(f"Taken back: {taken}" if taken else "There is nothing to take back.")
