"""A heatmap: weekdays by hours, as coloured cells that read without colour too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SHADES = (" ", "\N{LIGHT SHADE}", "\N{MEDIUM SHADE}", "\N{DARK SHADE}", "\N{FULL BLOCK}")


@dataclass(frozen=True)
class Grid:
    """`cells[row][column]` are counts; `rows` and `columns` name the sides."""

    rows: list[str]
    columns: list[int]
    cells: list[list[int]]

    @property
    def largest(self) -> int:
        return max((count for line in self.cells for count in line), default=0)

    def shade(self, count: int) -> int:
        """How dark a cell is: 0 for nothing, 1 to 4 by its part of the largest."""
        return 0 if not count else 1 + min(3, (count - 1) * 4 // max(1, self.largest))


def grid(found: Sequence[Mapping[str, Any]], down: str, across: str, value: str) -> Grid:
    """The rows of a report as a grid of one of its counts."""
    rows = list(dict.fromkeys(str(row[down]) for row in found))
    columns = sorted({int(row[across]) for row in found})
    counts = {(str(row[down]), int(row[across])): int(row[value]) for row in found}
    return Grid(rows, columns, [[counts.get((row, column), 0) for column in columns] for row in rows])


def lines(drawn: Grid) -> list[str]:
    """The grid in characters alone: two to a cell, hours above."""
    head = "     " + "".join(f"{column:>2} " for column in drawn.columns)
    body = [
        f"{row:<4} " + "".join(SHADES[drawn.shade(count)] * 2 + " " for count in line)
        for row, line in zip(drawn.rows, drawn.cells, strict=True)
    ]
    return [head.rstrip(), *(line.rstrip() for line in body), f"     darkest: {drawn.largest:,} in an hour"]
