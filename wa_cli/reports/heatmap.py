"""A heatmap in characters: weekdays by hours, readable without colour, turned if the hours do not fit a line."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, NamedTuple

from wa_cli.clock import format_span

SHADES = (" ", "\N{LIGHT SHADE}", "\N{MEDIUM SHADE}", "\N{DARK SHADE}", "\N{FULL BLOCK}")


class Piece(NamedTuple):
    """Characters of a line, with their shade from 0 to 4."""

    text: str
    shade: int = 0


@dataclass(frozen=True)
class Grid:
    """The cells of a heatmap.

    `cells[row][column]` are counts, or seconds if `is_span`. `rows` and `columns` name the sides.
    """

    rows: list[str]
    columns: list[str]
    cells: list[list[float]]
    is_span: bool = False

    @cached_property
    def steps(self) -> list[float]:
        """Return the largest value of each shade but the darkest: quarters of the largest count. For durations, quarters
        of their number, since one outlier would make all others alike.
        """
        there = [value for line in self.cells for value in line if value]
        if self.is_span:
            return statistics.quantiles(there, n=4, method="inclusive") if len(there) > 1 else []
        return [max(there, default=0) * part / 4 for part in (1, 2, 3)]

    @property
    def legend(self) -> list[tuple[int, str]]:
        """Return the shades, each with its largest value."""
        largest: dict[int, float] = {}
        for value in (value for line in self.cells for value in line if value):
            shade = self.shade(value)
            largest[shade] = max(value, largest.get(shade, 0))
        return [(shade, f"to {self.readable(value)}") for shade, value in sorted(largest.items())]

    def turned(self) -> Grid:
        """Return the grid with rows as columns."""
        cells = [list(column) for column in zip(*self.cells, strict=True)]
        return replace(self, rows=self.columns, columns=self.rows, cells=cells)

    def shade(self, value: float) -> int:
        """Return the shade of a cell: 0 for nothing, 1 to 4."""
        return 0 if not value else 1 + sum(value > step for step in self.steps)

    def readable(self, value: float) -> str:
        """Return the value of a cell for people."""
        return format_span(timedelta(seconds=value)) if self.is_span else f"{value:,.0f}"


def grid(found: Sequence[Mapping[str, Any]], down: str, across: str, value: str, *, is_span: bool) -> Grid:
    """Return the rows of a report as a grid of one of its values."""
    rows = list(dict.fromkeys(str(row[down]) for row in found))
    columns = sorted({int(row[across]) for row in found})
    values = {(str(row[down]), int(row[across])): float(row[value] or 0) for row in found}
    cells = [[values.get((row, column), 0.0) for column in columns] for row in rows]
    return Grid(rows, [str(column) for column in columns], cells, is_span=is_span)


def lines(drawn: Grid, width: int) -> list[list[Piece]]:
    """Return the grid in characters, in lines of at most `width` if possible."""
    if _needed(drawn) > width and _needed(drawn.turned()) < _needed(drawn):
        drawn = drawn.turned()
    label, cell = _widths(drawn)
    head = [Piece(" " * label), *(Piece(f"{column:>{cell}} ") for column in drawn.columns)]
    body = [
        [Piece(f"{row:<{label}}"), *(Piece(SHADES[shade] * cell + " ", shade) for shade in map(drawn.shade, values))]
        for row, values in zip(drawn.rows, drawn.cells, strict=True)
    ]
    foot = [Piece(" " * label)]
    for shade, readable in drawn.legend:
        foot += [Piece(SHADES[shade] * 2, shade), Piece(f" {readable}  ")]
    return [head, *body, foot]


def _widths(drawn: Grid) -> tuple[int, int]:
    """Return the widths of the labels at the left and of a cell, in characters."""
    return 2 + max(map(len, drawn.rows), default=0), max(2, *map(len, drawn.columns), 0)


def _needed(drawn: Grid) -> int:
    label, cell = _widths(drawn)
    return label + len(drawn.columns) * (cell + 1) - 1
