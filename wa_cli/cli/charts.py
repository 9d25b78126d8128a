"""Reports as pictures, in the terminal and in files."""

from __future__ import annotations

from pathlib import Path

from wa_cli.cli import output_file, tables
from wa_cli.cli.tables import Table
from wa_cli.errors import BadInput
from wa_cli.reports.catalogue import Report

FORMS = ("svg", "png")
# Colours from the lowest to the highest value.
_COLOURS = ("default", "#9be9a8", "#40c463", "#30a14e", "#216e39")


def picture(report: Report, table: Table, of: str, note: str = "") -> str | None:
    """Return the report as SVG, or None if it has no picture."""
    from wa_cli.reports import heatmap, pictures

    if report.shape:
        _, down, across = report.shape
        return pictures.heatmap(f"{report.title}: {of}", heatmap.grid(table.rows, down, across, of), note)
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


def write(report: Report, table: Table, of: str, output: Path) -> None:
    """Write the picture to a file, .svg or .png. Raises BadInput if the report has none, or the folder is missing."""
    from wa_cli.reports import pictures

    drawn = picture(report, table, of, (table.note or "").partition(". ")[0])
    if drawn is None:
        hint = "Bars need two rows; --by gives more." if report.bars else "-o x.csv, x.xlsx, x.html"
        raise BadInput(f"The report {report.name} draws nothing of this.", hint=hint)
    output_file.write(output, [pictures.png(drawn) if output.suffix.lower() == ".png" else drawn])


def show(report: Report, table: Table, value: str) -> None:
    """Print a picture: in colour at a terminal, with characters as shades elsewhere."""
    from rich.console import Console
    from rich.text import Text

    from wa_cli.reports import heatmap

    _, down, across = report.shape
    grid = heatmap.grid(table.rows, down, across, value)
    console = Console(highlight=False)
    console.print(Text(f"{report.title}: {value}", style="italic"))
    for line in heatmap.lines(grid, console.width):
        drawn = Text.assemble(*((piece.text, _COLOURS[piece.shade]) for piece in line))
        drawn.rstrip()
        console.print(drawn)
    console.print(Text(table.note or "", style="dim"))
