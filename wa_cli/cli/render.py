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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from wa_cli.clock import format_span
from wa_cli.errors import BadInput

FORMATS = ("table", "plain", "json", "ndjson", "csv", "tsv", "markdown", "html")
# Control characters, and the marks that turn text round: a customer's text must not steer our terminal.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Column:
    """`kind`: text, phone, integer, number, percent, span, instant, date. Spans are seconds."""

    key: str
    label: str
    kind: str = "text"

    @property
    def is_number(self) -> bool:
        return self.kind in ("integer", "number", "percent", "span")


@dataclass(frozen=True)
class Table:
    """Rows of one shape. `note` is said under the table, to people."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    note: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


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
        sys.stdout.write(text(table, chosen))


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
            raise BadInput(f"{form!r} is not a format.", hint=f"One of {', '.join(FORMATS)}.")


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
        case _:
            return clean(str(value))


def _values(table: Table) -> list[dict[str, Any]]:
    return [{column.key: plain_value(row[column.key]) for column in table.columns} for row in table.rows]


def _tabulated(table: Table, form: str) -> str:
    from tabulate import tabulate

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
        writer.writerow([_harmless(row[column.key]) for column in table.columns])
    return written.getvalue()


def _harmless(value: Any) -> Any:
    """Text that a spreadsheet will not run as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _html(table: Table) -> str:
    head = "".join(f"<th>{html.escape(c.label)}</th>" for c in table.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell(row[c.key], c.kind))}</td>" for c in table.columns) + "</tr>\n"
        for row in table.rows
    )
    caption = html.escape(table.title)
    return f"<table>\n<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def _write(table: Table, output: Path, form: str | None) -> None:
    ending = output.suffix.lstrip(".").lower()
    known = {"md": "markdown", "txt": "plain", "htm": "html", "jsonl": "ndjson"}
    chosen = form or known.get(ending, ending)
    try:
        if chosen == "xlsx":
            _write_spreadsheet(table, output)
        else:
            output.write_text(text(table, chosen), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{output} cannot be written: {error.strerror}.") from None


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
            made = WriteOnlyCell(sheet, value=row[column.key])
            if isinstance(row[column.key], str):
                made.data_type = "s"  # text stays text, also where it begins with =
            cells.append(made)
        sheet.append(cells)
    book.save(output)


def _print_rich(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console()
    drawn = RichTable(title=table.title, title_justify="left", box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for column in table.columns:
        drawn.add_column(
            column.label,
            justify="right" if column.is_number else "left",
            no_wrap=column.kind != "text",
            overflow="fold" if column.kind == "text" else "ellipsis",
        )
    for row in table.rows:
        drawn.add_row(
            *(Text(cell(row[c.key], c.kind), style="dim" if row[c.key] is None else "") for c in table.columns)
        )
    console.print(drawn)
    if not table.rows:
        console.print(Text("  nothing", style="dim"))
    if table.note:
        console.print(Text(table.note, style="dim"))
