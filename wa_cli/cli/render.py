"""One model of a table, and every way to show it: for a person at a terminal, for a pipe, for a file.

What the screen shows is what the file holds: all forms come from the same rows.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from wa_cli.clock import format_span
from wa_cli.errors import BadInput

FORMATS = ("table", "plain", "json", "ndjson", "csv", "tsv", "markdown", "html")
# Control characters, and the marks that turn text round: a customer's text must not steer our terminal.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_PHONE = re.compile(r"\+[0-9]+")
_WIDEST_ROW = 7
_LEAST_WORDS = 16
_SHORT_KINDS = ("phone", "instant", "date")
_FEWEST_BARS, _SHORTEST_BAR, _LONGEST_BAR = 2, 6, 24
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Column:
    """`kind`: text, words, phone, integer, number, percent, span, instant, date. Spans are seconds.

    Words are somebody's free text, of any length: a terminal shows their beginning, every other form all of them.
    """

    key: str
    label: str
    kind: str = "text"

    @property
    def is_number(self) -> bool:
        return self.kind in ("integer", "number", "percent", "span")


@dataclass(frozen=True)
class Table:
    """Rows of one shape. `note` is said under the table, to people, who read instants in `zone`; files hold UTC."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    note: str | None = None
    zone: str = "UTC"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    bars: str | None = None  # the column that a terminal draws beside the others


def clean(text: str) -> str:
    """Text without what would steer a terminal; line breaks become spaces."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", " ").replace("\n", " ").replace("\t", " "))


def show(table: Table, form: str | None = None, output: Path | None = None) -> None:
    """Print the table, or write it to a file whose ending says the form."""
    if output is not None:
        _write(table, output, form)
        return
    chosen = form or ("table" if sys.stdout.isatty() else "plain")
    if chosen == "table":
        _print_rich(table)
    else:
        said = text(table, chosen)
        sys.stdout.write(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", said) if sys.stdout.isatty() else said)


def text(table: Table, form: str) -> str:
    """The table as text of that form."""
    match form:
        case "json":
            return json.dumps(document(table), ensure_ascii=False, indent=2) + "\n"
        case "ndjson":
            return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _values(table))
        case "csv" | "tsv":
            return _separated(table, "," if form == "csv" else "\t")
        case "markdown" | "plain":
            return _tabulated(table, "github" if form == "markdown" else "plain")
        case "html":
            return _html(table)
        case _:
            raise BadInput(f"{form!r} is not a format.", hint=f"One of {', '.join(FORMATS)}; for a file xlsx too.")


def document(table: Table) -> dict[str, Any]:
    """What JSON says: schema, parameters, columns with their units, rows."""
    units = {"span": "seconds", "percent": "fraction", "instant": "ISO 8601, UTC"}
    return {
        "schema": f"wa.{table.name}/1",
        "title": table.title,
        "parameters": {key: plain_value(value) for key, value in table.parameters.items()},
        "columns": [
            {"key": c.key, "kind": c.kind, **({"unit": units[c.kind]} if c.kind in units else {})}
            for c in table.columns
        ],
        "rows": _values(table),
    }


def plain_value(value: Any) -> Any:
    """A value as JSON carries it: instants in ISO 8601, spans in seconds."""
    match value:
        case timedelta():
            return value.total_seconds()
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return float(value)
        case UUID() | Path():
            return str(value)
        case _:
            return value


def cell(value: Any, kind: str) -> str:
    """A value as people read it."""
    if value is None:
        return "—"
    match kind:
        case "integer":
            return f"{value:,}"
        case "number":
            return f"{value:,.1f}"
        case "percent":
            return f"{100 * value:.0f} %"
        case "span":
            return format_span(value if isinstance(value, timedelta) else timedelta(seconds=float(value)))
        case "instant":
            return str(value.strftime("%Y-%m-%d %H:%M"))
        case "date":
            return str(value.strftime("%Y-%m-%d"))
        case _:
            return clean(str(value))


def local(table: Table) -> Table:
    """The table with its instants in the zone of the people who read it."""
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(table.zone)
    return replace(
        table,
        rows=[
            {
                key: value.astimezone(zone) if isinstance(value, datetime) and value.tzinfo else value
                for key, value in row.items()
            }
            for row in table.rows
        ],
    )


def _values(table: Table) -> list[dict[str, Any]]:
    return [{column.key: plain_value(row[column.key]) for column in table.columns} for row in table.rows]


def _tabulated(table: Table, form: str) -> str:
    from tabulate import tabulate

    table = local(table)
    cells = [[cell(row[c.key], c.kind) for c in table.columns] for row in table.rows]
    if form == "github":
        cells = [[value.replace("|", "\\|") for value in row] for row in cells]
    lines = tabulate(
        cells,
        headers=[c.label for c in table.columns],
        tablefmt=form,
        disable_numparse=True,
        colalign=["right" if c.is_number else "left" for c in table.columns] if cells else None,
    )
    return lines + "\n"


def _separated(table: Table, separator: str) -> str:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=separator, lineterminator="\n")
    writer.writerow([column.key for column in table.columns])
    for row in _values(table):
        writer.writerow([_harmless(row[column.key], column.kind) for column in table.columns])
    return written.getvalue()


def _harmless(value: Any, kind: str) -> Any:
    """Text that a spreadsheet will not run as a formula. A number with its + is none."""
    if not isinstance(value, str) or not value.startswith(_FORMULA) or (kind == "phone" and _PHONE.fullmatch(value)):
        return value
    return f"'{value}"


def _html(table: Table) -> str:
    table = local(table)
    classes = {
        c.key: "number" if c.is_number else "plain" if c.kind in _SHORT_KINDS else "words" for c in table.columns
    }
    head = "".join(f"<th class='{classes[c.key]}'>{html.escape(c.label)}</th>" for c in table.columns)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td class='{classes[c.key]}' data-label='{html.escape(c.label)}'>{html.escape(cell(row[c.key], c.kind))}</td>"
            for c in table.columns
        )
        + "</tr>\n"
        for row in table.rows
    )
    caption = f"<caption>{html.escape(table.title)}</caption>"
    kind = "wordy" if any(column.kind == "words" for column in table.columns) else "plain"
    return f"<table class='{kind}'>\n{caption}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


@contextmanager
def written(output: Path) -> Iterator[None]:
    """While a file is written: what the system says to it is a sentence. Raises BadInput."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"{output} cannot be written: {error.strerror}.") from None


def _write(table: Table, output: Path, form: str | None) -> None:
    ending = output.suffix.lstrip(".").lower()
    if not form and not ending:
        raise BadInput(
            f"The name {str(output)!r} does not end in a format.", hint="Like .csv, .xlsx, .json, .md or .html."
        )
    known = {"md": "markdown", "txt": "plain", "htm": "html", "jsonl": "ndjson"}
    chosen = form or known.get(ending, ending)
    with written(output):
        if chosen == "xlsx":
            _write_spreadsheet(table, output)
        else:
            output.write_text(text(table, chosen), encoding="utf-8")


def _write_spreadsheet(table: Table, output: Path) -> None:
    try:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
    except ImportError:
        raise BadInput("Spreadsheets need one more package.", hint="pip install 'wa-cli[export]'") from None
    book = Workbook(write_only=True)
    sheet = book.create_sheet(table.name[:31])
    sheet.append([column.label for column in table.columns])
    for row in _values(table):
        cells = []
        for column in table.columns:
            value = row[column.key]
            made = WriteOnlyCell(sheet, value=_CONTROL.sub("\ufffd", value) if isinstance(value, str) else value)
            if isinstance(value, str):
                made.data_type = "s"  # text stays text, also where it begins with =
            cells.append(made)
        sheet.append(cells)
    book.save(output)


def _print_rich(table: Table) -> None:
    """For a person: side by side where there is room, downwards where there is not."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console, table = Console(), local(table)
    room = _room_for_words(table, console.width)

    def shown(row: Mapping[str, Any], column: Column) -> Text:
        text = Text(_terminal_cell(row[column.key], column.kind), style="dim" if row[column.key] is None else "")
        if column.kind == "words" and room >= _LEAST_WORDS:
            text.truncate(room, overflow="ellipsis")
        return text

    console.print(Text(table.title, style="italic"))
    if not table.rows:
        console.print(Text("  nothing", style="dim"))
        return
    drawn = RichTable(box=box.SIMPLE_HEAD, header_style="bold", padding=(0, 1, 0, 0))
    if room < _LEAST_WORDS or (len(table.rows) == 1 and len(table.columns) > _WIDEST_ROW):
        drawn.show_header = False
        for row in table.rows:
            for column in table.columns:
                drawn.add_row(Text(column.label, style="bold"), shown(row, column))
            drawn.add_section()
    else:
        for column in table.columns:
            drawn.add_column(
                column.label,
                justify="right" if column.is_number else "left",
                no_wrap=column.kind not in ("text", "words"),
                overflow="fold",
            )
        bars = _bars(table, console.width)
        if bars:
            drawn.add_column("", no_wrap=True)
        for place, row in enumerate(table.rows):
            drawn.add_row(*(shown(row, column) for column in table.columns), *bars[place : place + 1])
    console.print(drawn)
    if table.note:
        console.print(Text(table.note, style="dim"))


def _bars(table: Table, width: int) -> list[Any]:
    """Beside each row the length of its drawn column, where there are several and room for it."""
    from rich.text import Text

    if table.bars is None or len(table.rows) < _FEWEST_BARS:
        return []
    values = [float(row[table.bars] or 0) for row in table.rows]
    room = min(_LONGEST_BAR, width - _asked(table) - 2 * len(table.columns) - 4)
    longest = max(values, default=0.0)
    if room < _SHORTEST_BAR or longest <= 0:
        return []
    return [Text(_bar(room * value / longest), style="green") for value in values]


def _bar(cells: float) -> str:
    """So many cells, in eighths; what is not nothing is seen."""
    eighths = max(round(cells * 8), 1 if cells > 0 else 0)
    rest = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589"[eighths % 8]
    return ("\N{FULL BLOCK}" * (eighths // 8) + rest).rstrip()


def _room_for_words(table: Table, width: int) -> int:
    """How many characters of a line are left for free text beside the other columns, two between each.

    Text may wrap, so it asks for a word's length at most; what may not wrap asks for all of its own.
    """
    asked = _asked(table)
    words = sum(1 for column in table.columns if column.kind == "words")
    free = width - asked - 2 * len(table.columns) - 1  # two between columns, one at the edge
    return free // words if words else (_LEAST_WORDS if free >= 0 else 0)


def _asked(table: Table) -> int:
    """How many characters the columns need that are not free text."""
    asked = 0
    for column in table.columns:
        cells = [_terminal_cell(row[column.key], column.kind) for row in table.rows]
        longest = max([len(column.label), *map(len, cells)])
        if column.kind == "text":
            longest = max([len(word) for text in (column.label, *cells) for word in text.split()] or [0])
        asked += 0 if column.kind == "words" else longest
    return asked


def _terminal_cell(value: Any, kind: str) -> str:
    """As people read it where width is dear: this year's instants without the year."""
    if kind == "instant" and isinstance(value, datetime) and value.year == datetime.now(UTC).year:
        return value.strftime("%m-%d %H:%M")
    return cell(value, kind)
