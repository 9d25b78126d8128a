"""Reports as pictures, in the terminal and in files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wa_cli.cli import output_file, tables
from wa_cli.cli.tables import Table
from wa_cli.errors import BadInput
from wa_cli.reports.catalogue import Report

if TYPE_CHECKING:
    from wa_cli.reports.heatmap import Grid

FORMS = ("svg", "png")
# Colours from the lowest to the highest value.
_COLOURS = ("default", "#9be9a8", "#40c463", "#30a14e", "#216e39")


def picture(report: Report, table: Table, metric: str, note: str = "") -> str | None:
    """Return the report as SVG, or None if it has no picture."""
    from wa_cli.reports import pictures

    if report.shape:
        return pictures.heatmap(_title(report, metric), _grid(report, table, metric), note)
    drawn = next((column for column in table.columns if column.key == table.bars), None)
    if drawn and len(table.rows) > 1:
        first = table.columns[0]
        local = tables.local(table)
        bars = [
            pictures.Bar(
                tables.cell(row[first.key], first.kind), row[drawn.key], tables.cell(row[drawn.key], drawn.kind)
            )
            for row in local.rows
        ]
        return pictures.bars(f"{table.title}: {drawn.label}", bars, note)
    return None


def write(report: Report, table: Table, metric: str, output: Path) -> None:
    """Write the picture to a file, .svg or .png. Raises BadInput if the report has none, or the folder is missing."""
    from wa_cli.reports import pictures

    drawn = picture(report, table, metric, (table.note or "").partition(". ")[0])
    if drawn is None:
        hint = "Use --by for more rows." if report.header.bars else "Use a suffix such as .csv, .xlsx or .html."
        raise BadInput(f"The report {report.name} has no picture of this.", hint=hint)
    output_file.write(output, [pictures.png(drawn) if output.suffix.lower() == ".png" else drawn])


def show(report: Report, table: Table, metric: str) -> None:
    """Print a picture: in colour at a terminal, with characters as shades elsewhere."""
    from rich.console import Console
    from rich.text import Text

    from wa_cli.reports import heatmap

    grid = _grid(report, table, metric)
    console = Console(highlight=False)
    console.print(Text(_title(report, metric), style="italic"))
    for line in heatmap.lines(grid, console.width):
        drawn = Text.assemble(*((piece.text, _COLOURS[piece.shade]) for piece in line))
        drawn.rstrip()
        console.print(drawn)
    console.print(Text(table.note or "", style="dim"))


def _title(report: Report, metric: str) -> str:
    label = next((column.label for column in report.columns if column.key == metric), metric)
    return f"{report.title}: {label.lower()}"


def _grid(report: Report, table: Table, metric: str) -> Grid:
    from wa_cli.reports import heatmap

    _, down, across = report.shape
    is_span = any(column.key == metric and column.kind == "span" for column in table.columns)
    return heatmap.grid(table.rows, down, across, metric, is_span=is_span)
