"""wa report: a report is a file in sql/reports; it appears here by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from enum import StrEnum
from typing import Annotated, Any

import typer

from wa_cli.cli import render, wiring
from wa_cli.cli.parameters import AsJson, Format, Output, chosen_format
from wa_cli.cli.render import Column, Table
from wa_cli.cli.wiring import House
from wa_cli.clock import check_zone
from wa_cli.reports import catalogue
from wa_cli.reports.catalogue import Report

app = typer.Typer(no_args_is_help=True, help="Who waits, how fast we answer, what becomes of messages.")

Since = Annotated[str | None, typer.Option(help="From then: 7d, 2026-11-23, 2026-11-23T09:00.", metavar="TIME")]
Until = Annotated[str | None, typer.Option(help="Up to then, not included; default: now.", metavar="TIME")]
Zone = Annotated[str | None, typer.Option("--tz", help="Days and hours of this zone; default: WA_TIMEZONE.")]
Limit = Annotated[int | None, typer.Option(min=1, max=1_000_000, help="At most this many rows.")]
Explain = Annotated[bool, typer.Option("--explain", help="Print the definitions and the SQL instead.")]


class Side(StrEnum):
    INCOMING = "incoming"
    OUTGOING = "outgoing"


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """The reports there are.

    Example: wa report list
    """
    del ctx
    rows = [{"name": report.name, "about": report.about} for report in catalogue.reports()]
    columns = [Column("name", "Report"), Column("about", "What it says")]
    render.show(Table("reports", "Reports", columns, rows), chosen_format(form, as_json))


def _command(report: Report) -> Callable[..., None]:
    def command(
        ctx: typer.Context,
        since: Since = None,
        until: Until = None,
        zone: Zone = None,
        limit: Limit = None,
        of: Annotated[Side, typer.Option("--of", help="Which side a heatmap draws.")] = Side.INCOMING,
        explain: Explain = False,
        as_json: AsJson = False,
        form: Format = None,
        output: Output = None,
    ) -> None:
        if explain:
            _explain(report)
            return
        chosen = chosen_format(form, as_json)
        house = wiring.of(ctx)
        table = ask(house, report, since=since, until=until, zone=zone, limit=limit)
        if report.shape and output is None and chosen in (None, "table", "plain"):
            draw(report, table, of.value)
        else:
            render.show(table, chosen, output)
            if output is not None:
                wiring.say(f"Written: {len(table.rows):,} rows to {output}.")

    command.__doc__ = f"{report.about}\n\nExample: wa report {report.name} --since 7d"
    return command


for _report in catalogue.reports():
    app.command(_report.name)(_command(_report))


def ask(
    house: House,
    report: Report,
    *,
    since: str | None = None,
    until: str | None = None,
    zone: str | None = None,
    limit: int | None = None,
) -> Table:
    """The report's answer, as a table."""
    from wa_cli.config import Settings
    from wa_cli.reports import runner

    settings: Settings = house.settings
    asked = runner.range_of(report, since=since, until=until, zone=check_zone(zone or settings.timezone))
    rows = runner.run(house.database, report, asked, limit=limit, timeout=settings.report_timeout)
    begin, end = (moment.astimezone(UTC) for moment in (asked.since, asked.until))
    return Table(
        name=report.name,
        title=report.title,
        columns=[Column(column.key, column.label, column.kind) for column in report.columns],
        rows=rows,
        note=f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC; days and hours in {asked.zone}.",
        zone=asked.zone,
        parameters={"since": begin, "until": end, "tz": asked.zone},
    )


def draw(report: Report, table: Table, value: str) -> None:
    """A picture in the terminal: colour where someone is watching, shades of grey in characters everywhere."""
    from rich.console import Console
    from rich.text import Text

    from wa_cli.reports import heatmap

    _, down, across = report.shape
    grid = heatmap.grid(table.rows, down, across, value)
    console = Console(highlight=False)
    console.print(Text(f"{report.title}: {value}", style="italic"))
    for line, counts in zip(heatmap.lines(grid), _padded(grid.cells), strict=True):
        console.print(_coloured(line, counts, grid) if console.is_terminal else Text(line))
    console.print(Text(table.note or "", style="dim"))


def _padded(cells: Sequence[Sequence[int]]) -> list[Sequence[int]]:
    """Beside each printed line its counts: none for the head and the foot."""
    return [(), *cells, ()]


def _coloured(line: str, counts: Sequence[int], grid: Any) -> Any:
    from rich.text import Text

    colours = ("default", "#9be9a8", "#40c463", "#30a14e", "#216e39")
    text = Text(line)
    for place, count in enumerate(counts):
        text.stylize(colours[grid.shade(count)], 5 + place * 3, 7 + place * 3)
    return text


def _explain(report: Report) -> None:
    print(f"{report.title}: {report.about}\n")
    for sentence in report.definitions:
        print(f"  - {sentence}")
    print(f"\n{report.sql}")


def find(name: str) -> Report:
    """The report of that name."""
    found: Mapping[str, Report] = {report.name: report for report in catalogue.reports()}
    return found[name]
