"""A heatmap: weekdays by hours, as coloured cells that read without colour too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from wa_cli.clock import format_span

SHADES = (" ", "\N{LIGHT SHADE}", "\N{MEDIUM SHADE}", "\N{DARK SHADE}", "\N{FULL BLOCK}")


@dataclass(frozen=True)
class Grid:
    """`cells[row][column]` are counts, or seconds where `is_span`; `rows` and `columns` name the sides."""

    rows: list[str]
    columns: list[int]
    cells: list[list[float]]
    is_span: bool = False

    @property
    def largest(self) -> float:
        return max((value for line in self.cells for value in line), default=0)

    def shade(self, value: float) -> int:
        """How dark a cell is: 0 for nothing, 1 to 4 by its part of the largest."""
        return 0 if not value else 1 + min(3, int((value - (0 if self.is_span else 1)) * 4 / max(1.0, self.largest)))

    def said(self, value: float) -> str:
        """The value of a cell, for people."""
        return format_span(timedelta(seconds=value)) if self.is_span else f"{value:,.0f}"


def grid(found: Sequence[Mapping[str, Any]], down: str, across: str, value: str) -> Grid:
    """The rows of a report as a grid of one of its values."""
    rows = list(dict.fromkeys(str(row[down]) for row in found))
    columns = sorted({int(row[across]) for row in found})
    values = {(str(row[down]), int(row[across])): float(row[value] or 0) for row in found}
    cells = [[values.get((row, column), 0.0) for column in columns] for row in rows]
    return Grid(rows, columns, cells, is_span=value == "response")


def lines(drawn: Grid) -> list[str]:
    """The grid in characters alone: two to a cell, hours above."""
    head = "     " + "".join(f"{column:>2} " for column in drawn.columns)
    body = [
        f"{row:<4} " + "".join(SHADES[drawn.shade(value)] * 2 + " " for value in line)
        for row, line in zip(drawn.rows, drawn.cells, strict=True)
    ]
    unit = ", the median there" if drawn.is_span else " in an hour"
    return [head.rstrip(), *(line.rstrip() for line in body), f"     darkest: {drawn.said(drawn.largest)}{unit}"]
