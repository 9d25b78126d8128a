"""A table for a person at a terminal: side by side where there is room, downwards where there is not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from wa_cli.cli.tables import Column, Table, cell, local

_WIDEST_ROW = 7
_LEAST_WORDS = 16
_FEWEST_BARS, _SHORTEST_BAR, _LONGEST_BAR = 2, 6, 24


def print_table(table: Table) -> None:
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
