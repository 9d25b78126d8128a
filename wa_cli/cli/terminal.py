"""A table at a terminal: columns side by side if they fit, else each row downwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from wa_cli.cli.tables import Column, Table, cell, local

_WIDEST_ROW = 7  # most columns of a single row that is shown side by side
_LEAST_WORDS, _WIDEST_NAME = 16, 24  # characters
_NAMES = ("text", "phone")  # kinds that wrap and are shown completely
_LINES, _LINES_DOWNWARDS = 2, 6  # lines of free text
_FEWEST_BARS, _SHORTEST_BAR, _LONGEST_BAR = 2, 6, 24


def print_table(table: Table) -> None:
    console, table = Console(), local(table.for_terminal())
    console.print(Text(table.title, style="italic"))
    if not table.rows:
        console.print(Text("  No rows.", style="dim"))
    else:
        shown, layout = _narrowed(table, console.width)
        console.print(_beside(shown, console, layout) if layout else _below(table, console))
        if layout and (omitted := [column.label for column in table.columns if column not in shown.columns]):
            hint = f"Not shown at this width: {', '.join(omitted)}. Use a wider terminal, or --format."
            console.print(Text(hint, style="dim"))
    if table.note:
        console.print(Text(table.note, style="dim"))


@dataclass(frozen=True)
class Layout:
    """The width of each column, the gap between two of them, and the rest of the line."""

    widths: Sequence[int]
    padding: int
    left: int


def _narrowed(table: Table, width: int) -> tuple[Table, Layout | None]:
    """Return the table without as few columns as necessary, and its layout, or None if it does not fit."""
    if len(table.rows) == 1 and len(table.columns) > _WIDEST_ROW:
        return table, None
    wide = sorted((column for column in table.columns if column.omitted), key=lambda column: column.omitted)
    for kept in range(len(wide), -1, -1):
        shown = replace(table, columns=[column for column in table.columns if column not in wide[kept:]])
        if layout := _fit(shown, width):
            return shown, layout
    return table, None


def _fit(table: Table, width: int) -> Layout | None:
    """Return the columns side by side, closer together if necessary, or None if they do not fit."""
    least = [_least(table, column) for column in table.columns]
    wanted = [_wanted(table, column) for column in table.columns]
    for padding in (1, 0):
        left = width - 1 - (1 + padding) * len(least) - sum(least)
        if left >= 0:
            widths = list(least)
            for goal in _goals(table, wanted):
                for place, most in goal.items():
                    more = max(0, min(left, most - widths[place]))
                    widths[place] += more
                    left -= more
            return Layout(widths, padding, left)
    return None


def _goals(table: Table, wanted: Sequence[int]) -> Iterator[dict[int, int]]:
    """Yield the wanted widths, one group after the other: figures and usual names, free text, then longer names."""
    words = {place for place, column in enumerate(table.columns) if column.kind == "words"}
    names = {place for place, column in enumerate(table.columns) if column.kind in _NAMES}
    yield {
        place: min(most, _WIDEST_NAME) if place in names else most
        for place, most in enumerate(wanted)
        if place not in words
    }
    yield {place: wanted[place] for place in words}
    yield {place: wanted[place] for place in names}


def _least(table: Table, column: Column) -> int:
    """Return the least width of a column. Free text and names wrap between words, and so does the heading. Figures do
    not.
    """
    head = max(map(cell_len, column.label.split()), default=0)
    cells = [_terminal_cell(row[column.key], column.kind) for row in table.rows]
    if column.kind == "words":
        return max(head, min(_LEAST_WORDS, max(map(cell_len, cells))))
    if column.kind in _NAMES:
        words = [word for text in cells for word in text.split()]
        return max(head, min(_WIDEST_NAME, max(map(cell_len, words), default=0)))
    return max(head, *map(cell_len, cells))


def _wanted(table: Table, column: Column) -> int:
    """Return the width at which nothing wraps."""
    cells = (cell_len(_terminal_cell(row[column.key], column.kind)) for row in table.rows)
    return max(cell_len(column.label), *cells)


def _beside(table: Table, console: Console, layout: Layout) -> RichTable:
    drawn = RichTable(box=box.SIMPLE_HEAD, header_style="bold", padding=(0, layout.padding, 0, 0))
    for column, width in zip(table.columns, layout.widths, strict=True):
        justify = "right" if column.is_number else "left"
        drawn.add_column(Text(column.label), justify=justify, width=width, overflow="fold")  # type: ignore[arg-type]
    bars = _bars(table, layout.left - layout.padding - 1)
    if bars:
        drawn.add_column(no_wrap=True)
    for place, row in enumerate(table.rows):
        cells = [
            _shown(row, column, console, width, _LINES)
            for column, width in zip(table.columns, layout.widths, strict=True)
        ]
        drawn.add_row(*cells, *bars[place : place + 1])
    return drawn


def _below(table: Table, console: Console) -> RichTable:
    drawn = RichTable(box=box.SIMPLE_HEAD, show_header=False, padding=(0, 1, 0, 0))
    drawn.add_column(overflow="fold")
    drawn.add_column(overflow="fold")
    label = max(cell_len(column.label) for column in table.columns)
    for row in table.rows:
        for column in table.columns:
            room = max(1, console.width - label - 5)
            drawn.add_row(Text(column.label, style="bold"), _shown(row, column, console, room, _LINES_DOWNWARDS))
        drawn.add_section()
    return drawn


def _shown(row: Mapping[str, Any], column: Column, console: Console, width: int, lines: int) -> Text:
    """Return a cell. Free text has a limited number of lines."""
    text = Text(_terminal_cell(row[column.key], column.kind), style="dim" if row[column.key] is None else "")
    if column.kind != "words":
        return text
    wrapped = text.wrap(console, width)
    if len(wrapped) > lines:
        kept = wrapped[:lines]
        kept[-1].append("…")
        kept[-1].truncate(width, overflow="ellipsis")
        return Text("\n").join(kept)
    return text


def _bars(table: Table, room: int) -> list[Text]:
    """Return bars for the drawn column, if there are several rows and enough room."""
    heads = [cell_len(column.label) for column in table.columns if column.key == table.bars]
    if table.bars is None or not heads or len(table.rows) < _FEWEST_BARS:
        return []
    values = [float(row[table.bars] or 0) for row in table.rows]
    room, longest = min(_LONGEST_BAR, room), max(values)
    if room < max(_SHORTEST_BAR, *heads) or longest <= 0:
        return []
    return [Text(_bar(room * value / longest), style="green") for value in values]


def _bar(cells: float) -> str:
    """Return a bar in eighths of a cell. A value above zero is always visible."""
    eighths = max(round(cells * 8), 1 if cells > 0 else 0)
    rest = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589"[eighths % 8]
    return ("\N{FULL BLOCK}" * (eighths // 8) + rest).rstrip()


def _terminal_cell(value: Any, kind: str) -> str:
    """Return a value as people read it in a narrow place: instants of this year without the year."""
    if kind == "instant" and isinstance(value, datetime) and value.year == datetime.now(UTC).year:
        return value.strftime("%m-%d %H:%M")
    return cell(value, kind)
