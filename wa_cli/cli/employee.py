"""wa employee: people who answer customers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from wa_cli.cli import render
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import AsJson, Format, chosen_format
from wa_cli.cli.tables import Column, Table
from wa_cli.clock import now
from wa_cli.counted import counted
from wa_cli.errors import BadInput, system_reason
from wa_cli.telemetry.logs import print_note

if TYPE_CHECKING:
    from wa_cli.store.employees import Employees, Entry

app = typer.Typer(no_args_is_help=True)

ACTIVITY = timedelta(days=30)
FIELDS = ("id", "name", "team")
COLUMNS_HINT = "Use the columns id, name and team, named in the first line."

Who = Annotated[str, typer.Argument(help="Name, a word of it, or id.", metavar="EMPLOYEE")]
Identity = Annotated[
    UUID | None, typer.Option("--id", help="Id in your own system. Default: a new one.", metavar="UUID")
]


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name, as reports show it.", metavar="NAME")],
    identity: Identity = None,
    team: Annotated[str | None, typer.Option(help="Team, for reports by team.")] = None,
) -> None:
    """Add an employee and print the id.

    Example: wa employee add "Ana Diaz" --team support
    """
    print(_employees(ctx).add(name, identity, team).id)


@app.command("list")
def list_(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also employees who left.")] = False,
    as_json: AsJson = False,
    form: Format = None,
) -> None:
    """List employees with their messages of the last 30 days.

    Example: wa employee list
    """
    from wa_cli.store.employees import Employees

    found = Employees(AppContext.of(ctx).databases.reports).activity(now() - ACTIVITY, with_former=every)
    rows = [
        {
            "name": one.employee.name,
            "team": one.employee.team,
            "messages": one.messages,
            "last_at": one.last_at,
            "left_at": one.employee.left_at,
            "id": str(one.employee.id),
        }
        for one in found
    ]
    columns = [
        Column("name", "Name"),
        Column("team", "Team", is_quiet=True),
        Column("messages", "Messages", "integer"),
        Column("last_at", "Last", "instant"),
        Column("left_at", "Left", "instant", is_quiet=True),
        Column("id", "Id"),
    ]
    render.show(Table("employees-list", "Employees", columns, rows), chosen_format(form, as_json))


@app.command()
def rename(
    ctx: typer.Context, who: Who, name: Annotated[str, typer.Argument(help="New name.", metavar="NAME")]
) -> None:
    """Rename an employee, also in reports of the past.

    Example: wa employee rename "Ana Diaz" "Ana Weber"
    """
    before, after = _employees(ctx).rename(who, name)
    print_note(f"{before.name} is now {after.name}.")


@app.command()
def assign(
    ctx: typer.Context,
    who: Who,
    team: Annotated[str | None, typer.Argument(help="Team. Default: none.", metavar="[TEAM]")] = None,
) -> None:
    """Assign an employee to a team, also in reports of the past.

    Example: wa employee assign ana support
    """
    _, after = _employees(ctx).assign(who, team)
    print_note(f"{after.name} is in the team {after.team}." if after.team else f"{after.name} is in no team.")


@app.command()
def leave(ctx: typer.Context, who: Who) -> None:
    """Mark an employee as one who left. Reports keep the name.

    Example: wa employee leave "Ana Diaz"
    """
    _, after = _employees(ctx).leave(who)
    print_note(f"{after.name} left. The name is refused for new messages; reports keep it.")


@app.command()
def rejoin(ctx: typer.Context, who: Who) -> None:
    """Mark a former employee as active again.

    Example: wa employee rejoin "Ana Diaz"
    """
    _, after = _employees(ctx).rejoin(who)
    print_note(f"{after.name} is active again.")


@app.command("import")
def import_(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="CSV with the columns name, and optionally id and team.", metavar="FILE")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file and change nothing.")] = False,
) -> None:
    """Add and update employees from a CSV file, all or none of them.

    Example: wa employee import staff.csv --dry-run
    """
    entries = list(read_entries(file))
    saved = _employees(ctx).save(entries, rehearse=dry_run)
    would = "would be " if dry_run else ""
    print_note(
        f"{counted(saved.new, 'employee')} {would}added, {saved.changed} {would}changed, {saved.unchanged} unchanged."
    )


def read_entries(file: Path) -> Iterator[Entry]:
    """Yield the employees of a CSV file with commas or semicolons. Raises BadInput with the line."""
    lines = _csv_lines(file)
    names = [name.strip().lower() for name in next(lines, [])]
    if "name" not in names:
        raise BadInput(f"{file} has no column `name`.", hint=COLUMNS_HINT)
    if unknown := [name for name in names if name not in FIELDS]:
        raise BadInput(f"{file} has the unknown column {unknown[0]!r}.", hint=COLUMNS_HINT)
    for values in filter(any, lines):
        try:
            yield _entry(names, values)
        except BadInput as error:
            raise BadInput(f"{file}, line {lines.line_num}: {error.message}", hint=error.hint) from None


def _csv_lines(file: Path) -> Any:
    """Return a reader of the file's lines."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"Cannot read {file}: {system_reason(error)}.") from None
    except UnicodeDecodeError:
        raise BadInput(f"Cannot read {file}: it is not UTF-8 text.", hint="Save it as CSV UTF-8.") from None
    first = text.partition("\n")[0]
    return csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in first and "," not in first else ",")


def _entry(names: list[str], values: list[str]) -> Entry:
    from wa_cli.store.employees import Entry, checked

    if len(values) != len(names):
        raise BadInput(f"{counted(len(values), 'value')} instead of {len(names)}.")
    row = {name: value.strip() for name, value in zip(names, values, strict=True)}
    try:
        identity = UUID(row["id"]) if row.get("id") else None
    except ValueError:
        raise BadInput(f"{row['id']!r} is not a UUID.") from None
    return Entry(checked(row["name"]), identity, row.get("team") or None)


def _employees(ctx: typer.Context) -> Employees:
    """Return the employees of wa's own table. Raises BadInput if the business has a table of its own."""
    from wa_cli.store.employees import Employees

    context = AppContext.of(ctx)
    if context.settings.employees:
        raise BadInput(
            f"The employees are those of {context.settings.employees.name} (WA_EMPLOYEES).",
            hint="Change them there, or remove the setting.",
        )
    return Employees(context.database)
