"""wa search: messages by their words, and customers by their number."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.text import Text

from wa_cli.cli import render, tables
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import AsJson, Customer, Format, Output, Until, Zone, chosen_format, key_of, written_number
from wa_cli.cli.tables import Column, Table
from wa_cli.clock import now
from wa_cli.counted import counted
from wa_cli.errors import BadInput, ConfigError, RowRefused
from wa_cli.reports.ranges import instant
from wa_cli.telemetry.logs import print_note

if TYPE_CHECKING:
    from wa_cli.cli.context import AppContext

_COLUMNS = [
    Column("at", "Time", "instant"),
    Column("direction", "Direction"),
    Column("customer", "Customer", "phone"),
    Column("name", "Name"),
    Column("employee", "Employee"),
    Column("type", "Type"),
    Column("content", "Content", "words"),
    Column("message_id", "Message id"),
]
_PEOPLE = [
    Column("customer", "Customer", "phone"),
    Column("name", "Name"),
    Column("last_at", "Last", "instant"),
    Column("content", "Last message", "words"),
]
_NUMBER = re.compile(r"\+[0-9][0-9 ().-]*")
_DIGITS = re.compile(r"[0-9][0-9 ().-]{5,}")
_SINCE = "365d"
UNDEFINED_OBJECT = "42704"  # PostgreSQL's code for an unknown text search configuration
_MARKED = re.compile("\x02(.*?)\x03", re.S)


def search(
    ctx: typer.Context,
    terms: Annotated[
        list[str],
        typer.Argument(help="order status, '\"a phrase\" -not', 'ord* or inv*', or a number with +.", metavar="WORDS"),
    ],
    since: Annotated[
        str | None, typer.Option(help="Start time: 7d, 2026-11-23. Default: 365d.", metavar="TIME")
    ] = None,
    until: Until = None,
    zone: Zone = None,
    customer: Customer = None,
    newest: Annotated[bool, typer.Option("--newest", help="Newest match first. Default: best match first.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Maximum number.")] = 50,
    as_json: AsJson = False,
    form: Format = None,
    output: Output = None,
) -> None:
    """Find messages by words, or customers by the start of their number.

    The best matches come first.

    Example: wa search "order status" --newest
    """

    chosen = chosen_format(form, as_json)
    words = " ".join(terms)
    if not words.strip():
        raise BadInput("The search is empty.", command='wa search "order status"')
    context = AppContext.of(ctx)
    zone = context.zone(zone)
    if _NUMBER.fullmatch(words.strip()):
        if since or until or customer or newest:
            raise BadInput(
                "--since, --until, --customer and --newest need words, not a number.",
                command=f'wa search "{words.strip()}"',
            )
        _people(context, words, limit, zone, chosen, output)
        return
    begin = instant(_SINCE if since is None else since, zone, now())
    end = now() if until is None else instant(until, zone, now())
    table = _matches(context, words, begin, end, zone, key_of(customer), newest=newest, limit=limit)
    if chosen is None and output is None and sys.stdout.isatty():
        _print(table)
    else:
        render.show(table, chosen, output)
    if not table.rows and _DIGITS.fullmatch(words.strip()):
        print_note(f'Find customers by number with: wa search "+{words.strip()}"')


def _matches(
    context: AppContext,
    words: str,
    begin: datetime,
    end: datetime,
    zone: str,
    customer: str | None,
    *,
    newest: bool,
    limit: int,
) -> Table:
    """Return the messages with these words, the best or the newest first."""
    language = context.settings.search_language
    try:
        found = context.conversations.search(
            words, begin, end, language=language, customer=customer, ranked=not newest, limit=limit
        )
    except RowRefused as error:
        if getattr(getattr(error.__cause__, "orig", None), "pgcode", None) != UNDEFINED_OBJECT:
            raise
        raise ConfigError(
            f"WA_SEARCH_LANGUAGE is {language!r}: {error.message}.",
            hint="Use simple, english, or another name from pg_ts_config.",
        ) from error
    rows = [{**row, "customer": written_number(row["customer"])} for row in found]
    cut = f" Only the {'newest' if newest else 'best'}. Use --limit to show more." if len(rows) == limit else ""
    return Table(
        "search",
        f"Messages with {words}",
        _COLUMNS,
        rows,
        note=f"{counted(len(rows), 'message')} since {begin.astimezone(ZoneInfo(zone)):%Y-%m-%d}, {zone}.{cut}",
        zone=zone,
        parameters={"words": words, "since": begin, "until": end, "limit": limit},
    )


def _people(context: AppContext, number: str, limit: int, zone: str, chosen: str | None, output: Any) -> None:
    digits = "".join(filter(str.isdigit, number))
    found = context.conversations.people(digits, limit)
    rows = [{**row, "customer": written_number(row["customer"])} for row in found]
    note = f"Newest conversation first, only {limit:,}. Use --limit to show more." if len(rows) == limit else None
    render.show(Table("people", f"Customers with {number}", _PEOPLE, rows, note=note, zone=zone), chosen, output)


def _print(table: Table) -> None:
    """Print matches for people: time and customer, and below it the text with the words marked."""

    console = Console(highlight=False)
    console.print(Text(table.title, style="italic"))
    for row in tables.local(table).rows:
        arrow = "→" if row["direction"] == "outgoing" else "←"
        who = " ".join(
            filter(None, (row["customer"], row["name"], f"by {row['employee']}" if row["employee"] else None))
        )
        console.print(Text(f"{row['at']:%Y-%m-%d %H:%M} {arrow} {tables.clean(who)}", style="dim"))
        console.print(_highlighted(row))
    console.print(Text(table.note or "", style="dim"))


def _highlighted(row: Mapping[str, Any]) -> Any:

    text, last = Text("  "), 0
    marked = row["marked"] or ""
    for match in _MARKED.finditer(marked):
        text.append(tables.clean(marked[last : match.start()]))
        text.append(tables.clean(match[1]), style="bold yellow")
        last = match.end()
    text.append(tables.clean(marked[last:]))
    return text
