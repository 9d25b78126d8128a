"""A table as a spreadsheet: numbers, times and durations have their types, and text is never a formula.

Instants are in the table's zone, which their column names, since a spreadsheet knows no zones. Durations are parts of
a day, shown as hours. A second sheet has the parameters.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from wa_cli.cli.tables import CONTROL, Column, Table, cell, local, plain_value, xml_text
from wa_cli.counted import counted
from wa_cli.errors import BadInput

if TYPE_CHECKING:
    from openpyxl.cell import Cell

# Limits of Excel since 2007: characters in a cell, rows in a sheet, characters in a sheet's name, the first year.
LONGEST_TEXT, MOST_ROWS, LONGEST_NAME, FIRST_YEAR = 32_767, 1_048_576, 31, 1900
_FORMATS = {
    "integer": "#,##0",
    "number": "#,##0.0",
    "percent": "0 %",
    "span": "[h]:mm:ss",
    "instant": "yyyy-mm-dd hh:mm:ss",
    "date": "yyyy-mm-dd",
}
_NARROWEST, _WIDEST = 8, 60  # characters
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\']")


def content(table: Table) -> bytes:
    """Return the bytes of the file. Raises BadInput if openpyxl is missing, or for more rows than a sheet holds."""
    try:
        from openpyxl import Workbook
        from openpyxl.styles import Font
        from openpyxl.utils import get_column_letter
    except ImportError:
        raise BadInput(
            "The package for spreadsheets is not installed.", command="pip install 'wa-ops[export]'"
        ) from None
    if len(table.rows) >= MOST_ROWS:
        raise BadInput(
            f"A spreadsheet has at most {counted(MOST_ROWS - 1, 'row')}, not {len(table.rows):,}.",
            hint="Use --output x.csv.",
        )
    table = local(table)
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_NOT_IN_NAMES.sub("_", table.name)[:LONGEST_NAME])
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.columns) or 1)}{len(table.rows) + 1}"
    for place, column in enumerate(table.columns, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = _width(table, column)
    bold = Font(bold=True)
    heads = [_cell(sheet, _head(table, column), "text") for column in table.columns]
    for head in heads:
        head.font = bold
    sheet.append(heads)
    for row in table.rows:
        sheet.append([_cell(sheet, row[column.key], column.kind) for column in table.columns])
    about = book.create_sheet("About")
    about.column_dimensions["B"].width = _WIDEST
    for name, value in _about(table):
        about.append([_cell(about, name, "text"), _cell(about, value, "text")])
    whole = io.BytesIO()
    book.save(whole)
    return whole.getvalue()


def _cell(sheet: Any, value: Any, kind: str) -> Cell:
    from openpyxl.cell import WriteOnlyCell

    value = _value(value, kind)
    if isinstance(value, str):
        made = WriteOnlyCell(sheet, value=_shortened(_text(value)))
        made.data_type = "s"  # text stays text, even if it begins with =
        return made
    made = WriteOnlyCell(sheet, value=value)
    if kind in _FORMATS and value is not None:
        made.number_format = _FORMATS[kind]
    return made


def _value(value: Any, kind: str) -> Any:
    """Return the value as a spreadsheet calculates with it."""
    if isinstance(value, datetime | date) and value.year < FIRST_YEAR:
        return value.isoformat()
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return value
    value = plain_value(value)
    if kind == "span" and value is not None:
        return float(value) / timedelta(days=1).total_seconds()
    if isinstance(value, (bool, int, str, type(None))) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)  # a JSON column of an additional report, or an infinite number


def _text(value: str) -> str:
    """Return text that XML allows, with line breaks as a cell has them."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return xml_text(CONTROL.sub("\N{REPLACEMENT CHARACTER}", lines))


def _shortened(text: str) -> str:
    """Return text that fits a cell. Excel counts UTF-16 units, so an emoji has two."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * LONGEST_TEXT:
        return text
    return units[: 2 * (LONGEST_TEXT - 1)].decode("utf-16-le", "ignore") + "…"


def cut_cells(table: Table) -> int:
    """Return the number of texts that are longer than a cell."""
    return sum(
        isinstance(value := row[column.key], str) and _shortened(_text(value)) != _text(value)
        for column in table.columns
        for row in table.rows
    )


def _head(table: Table, column: Column) -> str:
    return f"{column.label} ({table.zone})" if column.kind == "instant" else column.label


def _width(table: Table, column: Column) -> int:
    cells = [len(cell(row[column.key], column.kind)) for row in table.rows]
    return min(_WIDEST, max([_NARROWEST, len(_head(table, column)) + 2, *cells]))


def _about(table: Table) -> Iterator[tuple[str, str]]:
    yield "Table", table.title
    for name, value in table.parameters.items():
        yield name, str(plain_value(value))
    if table.note:
        yield "Note", table.note
    if cut := cut_cells(table):
        yield "Cut", f"{counted(cut, 'text')} cut to {LONGEST_TEXT:,} characters, the limit of a cell."
    yield "Times", f"In {table.zone}. Durations are hours, minutes and seconds."
