"""wa report: a report is a file in sql/reports, or in a folder of your own; it appears here by itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from wa_cli import config
from wa_cli.cli import drawing, render, wiring
from wa_cli.cli.parameters import AsJson, Format, Output, chosen_format, key_of
from wa_cli.cli.tables import Column, Table
from wa_cli.cli.wiring import House
from wa_cli.clock import check_zone, format_span, now, parse_span
from wa_cli.errors import BadInput, CheckFailed
from wa_cli.reports import catalogue
from wa_cli.reports.catalogue import Report

if TYPE_CHECKING:
    from wa_cli.reports.page import Section
    from wa_cli.reports.runner import Narrowed, Range

Since = Annotated[str | None, typer.Option(help="From then: 7d, monday, 2026-11-23, 2026-11-23T09:00.", metavar="TIME")]
Until = Annotated[str | None, typer.Option(help="Up to then, not included; default: now.", metavar="TIME")]
Zone = Annotated[str | None, typer.Option("--tz", help="Days and hours of this zone; default: WA_TIMEZONE.")]
Customer = Annotated[str | None, typer.Option(help="This customer alone: number or user id.", metavar="PHONE")]
Employee = Annotated[str | None, typer.Option(help="This employee alone: name or id.", metavar="NAME")]
By = Annotated[str | None, typer.Option("--by", help="Broken down by that; wa report list says by what.")]
Limit = Annotated[int | None, typer.Option(min=1, max=1_000_000, help="At most this many rows.")]
Sort = Annotated[str | None, typer.Option(help="By this column's key; downwards with - before it.", metavar="KEY")]
BusinessHours = Annotated[
    str | None, typer.Option(help="Like: mon-fri 09:00-18:00; sat 10:00-14:00. Default: WA_BUSINESS_HOURS.")
]
Details = Annotated[bool, typer.Option("--list", help="List what was counted instead.")]
FailOver = Annotated[
    str | None,
    typer.Option(help="Exit 3 where somebody waits longer, or a window closes sooner; like 30m.", metavar="SPAN"),
]
Watch = Annotated[float | None, typer.Option(min=0.5, help="Ask again every so many seconds.", metavar="SECONDS")]
Explain = Annotated[bool, typer.Option("--explain", help="Print definitions, what is left out, and the SQL.")]


class Side(StrEnum):
    INCOMING = "incoming"
    OUTGOING = "outgoing"
    RESPONSE = "response"


Of = Annotated[Side, typer.Option("--of", help="What a heatmap draws.")]


_OURS = {report.name: report for report in catalogue.reports()}


class ReportGroup(TyperGroup):
    """The reports of wa, and those of the folder that the settings name."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *_own_reports(ctx)]

    def get_command(self, ctx: Any, name: str) -> Any:
        known = super().get_command(ctx, name)
        report = _OURS.get(name) or (_own_reports(ctx).get(name) if known is None else None)
        if report is None:
            return known
        command: Any = known or _as_click(report)
        for option in command.params:
            option.hidden = option.name in _idle_options(report)
        return command


def _idle_options(report: Report) -> set[str]:
    """What its help need not show: options that this report refuses, or that do nothing to it."""
    works = {
        "customer": "customer" in report.filters,
        "employee": "employee" in report.filters,
        "by": bool(report.by),
        "limit": report.uses("limit"),
        "business_hours": report.uses("open"),
        "of": bool(report.shape),
        "details": report.details is not None,
        "fail_over": report.threshold is not None,
    }
    return {name for name, does in works.items() if not does}


def _own_reports(ctx: Any) -> dict[str, Report]:
    """By name, from the folder in the settings, which are read for that."""
    loaded = config.load(profile=ctx.find_root().params.get("profile"), flags={})
    known = catalogue.reports(loaded.settings.reports)
    return {report.name: report for report in known if report.name not in _OURS}


def _as_click(report: Report) -> Any:
    alone = typer.Typer()
    alone.command(report.name)(_command(report))
    return typer.main.get_command(alone)


app = typer.Typer(
    cls=ReportGroup, no_args_is_help=True, help="Who waits, how fast we answer, what becomes of messages."
)


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """The reports there are.

    Example: wa report list
    """
    known = catalogue.reports(wiring.of(ctx).settings.reports)
    rows = [
        {"name": report.name, "about": report.about, "by": " ".join(report.by), "range": report.parameters.get("since")}
        for report in known
    ]
    columns = [
        Column("name", "Report"),
        Column("range", "Range"),
        Column("by", "--by"),
        Column("about", "What it says"),
    ]
    render.show(Table("reports", "Reports", columns, rows), chosen_format(form, as_json))


@app.command("sql")
def sql(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A report's name.")],
    since: Since = None,
    until: Until = None,
    zone: Zone = None,
    customer: Customer = None,
    employee: Employee = None,
    by: By = None,
    limit: Limit = None,
) -> None:
    """Print a report's SQL with its values in it, for psql.

    Example: wa report sql unanswered --since 7d | psql "$(wa db url)"
    """
    from wa_cli.reports import runner

    house = wiring.of(ctx)
    report = find(name, house)
    asked = _range(house, report, since, until, zone)
    narrowed = _narrowed(house, report, customer, employee, by)
    print(runner.runnable_sql(report, asked, narrowed, limit=limit))


@app.command("all")
def all_(ctx: typer.Context, since: Since = None, until: Until = None, zone: Zone = None) -> None:
    """Every report, one after the other, each over its own range unless one is given.

    Example: wa report all --since monday
    """
    house = wiring.of(ctx)
    for report in catalogue.reports(house.settings.reports):
        table = ask(house, report, since=since, until=until, zone=zone, by=report.page)
        if not (sys.stdout.isatty() or report.shape):
            print(table.title)
        show(report, table)
        print()


@app.command("html")
def html(
    ctx: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("report.html"),
    since: Since = None,
    until: Until = None,
    zone: Zone = None,
) -> None:
    """All reports and drawings as one page, that needs nothing else: for a phone, a mail, or paper.

    Example: wa report html -o report.html --since monday
    """
    from wa_cli.reports.page import page

    house = wiring.of(ctx)
    check_zone(zone or house.settings.timezone)
    sections = [
        _section(report, ask(house, report, since=since, until=until, zone=zone, by=report.page))
        for report in catalogue.reports(house.settings.reports)
    ]
    made = f"Made {now():%Y-%m-%d %H:%M} UTC; days and hours in {zone or house.settings.timezone}."
    with render.written(output):
        output.write_text(page("WhatsApp messages", made, sections), encoding="utf-8")
    wiring.say(f"Written: {len(sections)} reports to {output}.")


def _section(report: Report, table: Table) -> Section:
    """A report for the page: a heatmap is drawn instead of its 168 rows, thrice."""
    from wa_cli.reports.page import Section

    pictures = [drawing.picture(report, table, side.value) for side in (Side if report.shape else [Side.INCOMING])]
    listed = (
        ""
        if report.shape
        else f"<div class='wide'>{render.text(replace(table, note=None), 'html')}</div>"
        if table.rows
        else "<p>Nothing.</p>"
    )
    return Section(
        name=report.name,
        title=report.title,
        about=report.about,
        table=listed,
        picture="".join(filter(None, pictures)) or None,
        note=table.note or "",
        definitions=report.definitions,
    )


def _command(report: Report) -> Callable[..., None]:
    def command(
        ctx: typer.Context,
        since: Since = None,
        until: Until = None,
        zone: Zone = None,
        customer: Customer = None,
        employee: Employee = None,
        by: By = None,
        limit: Limit = None,
        sort: Sort = None,
        business_hours: BusinessHours = None,
        of: Of = Side.INCOMING,
        details: Details = False,
        fail_over: FailOver = None,
        watch: Watch = None,
        explain: Explain = False,
        as_json: AsJson = False,
        form: Format = None,
        output: Output = None,
    ) -> None:
        chosen = chosen_format(form, as_json)
        house = wiring.of(ctx, business_hours=business_hours)
        threshold = _threshold(report, fail_over)
        _check_together(
            report, details=details, by=by, judged=threshold is not None, watch=watch is not None, sort=sort
        )
        wanted = report.details if details and report.details else report
        if explain:
            _explain(house, wanted, _range(house, report, since, until, zone))
            return

        def once() -> Table:
            table = ask(
                house,
                wanted,
                since=since or _since(report, threshold),
                until=until,
                zone=zone,
                customer=customer,
                employee=employee,
                by=_broken_down(report, by, of) if wanted is report else None,
                limit=limit,
                sort=sort,
            )
            show(wanted, table, chosen, output, of.value)
            return table

        table = once()
        while watch is not None:
            time.sleep(watch)
            _clear()
            table = once()
        if threshold is not None:
            _judge(report, table, threshold)

    command.__doc__ = f"{report.about}\n\nExample: wa report {report.name} --since 7d"
    return command


for _report in _OURS.values():
    app.command(_report.name)(_command(_report))


def _check_together(
    report: Report, *, details: bool, by: str | None, judged: bool, watch: bool, sort: str | None
) -> None:
    """Raise BadInput where options contradict each other: none is passed over in silence."""
    if details and report.details is None:
        raise BadInput(f"The report {report.name} counts nothing that could be listed.")
    if details and (by or judged):
        raise BadInput("--list goes without --by and --fail-over.")
    if watch and judged:
        raise BadInput("--watch never ends, and --fail-over is judged at the end.", hint="Leave one of them away.")
    if sort and report.shape:
        raise BadInput(f"The report {report.name} is drawn by weekday and hour: it cannot be sorted.")


def _broken_down(report: Report, by: str | None, of: Side) -> str | None:
    """What was asked for, or what the drawing needs: the counts alone cost a quarter."""
    return "response" if by is None and report.shape and of is Side.RESPONSE else by


def _since(report: Report, threshold: timedelta | None) -> str | None:
    """The report's own range, but for a threshold that reaches further back: who waits that long must be in it."""
    own = report.parameters.get("since")
    if threshold is None or own is None or (report.threshold or ("", ""))[1] != "age":
        return own
    return f"{(threshold + parse_span(own)).total_seconds():.0f}s"


def _clear() -> None:
    from rich.console import Console

    console = Console()
    console.clear() if console.is_terminal else print()


def _threshold(report: Report, fail_over: str | None) -> timedelta | None:
    if fail_over is None:
        return None
    if report.threshold is None:
        raise BadInput(f"The report {report.name} has nothing that --fail-over could judge.")
    return parse_span(fail_over)


def _judge(report: Report, table: Table, threshold: timedelta) -> None:
    """Raise CheckFailed where a row is over the threshold, or under it for what runs out."""
    column, way = report.threshold or ("", "")
    judged = [row for row in table.rows if row.get("waiting") != "no"]
    worst = [span for row in judged if (span := _span(row[column], way)) is not None]
    over = [span for span in worst if (span < threshold if way == "below" else span > threshold)]
    if over:
        most = min(over) if way == "below" else max(over)
        label = next(c.label for c in table.columns if c.key == column)
        words = "under" if way == "below" else "over"
        raise CheckFailed(
            f"{len(over)} of {len(table.rows)} {words} {format_span(threshold)}: {label} {format_span(most)}."
        )


def _span(value: Any, way: str) -> timedelta | None:
    if value is None:
        return None
    return now() - value if way == "age" else timedelta(seconds=float(value))


def _range(house: House, report: Report, since: str | None, until: str | None, zone: str | None) -> Range:
    from wa_cli.reports import runner

    return runner.range_of(report, since=since, until=until, zone=check_zone(zone or house.settings.timezone))


def _narrowed(house: House, report: Report, customer: str | None, employee: str | None, by: str | None) -> Narrowed:
    from wa_cli.reports import runner

    hours = house.business_hours
    return runner.narrow(
        house.report_database, report, customer=key_of(customer), employee=employee, by=by, hours=hours
    )


def ask(
    house: House,
    report: Report,
    *,
    since: str | None = None,
    until: str | None = None,
    zone: str | None = None,
    customer: str | None = None,
    employee: str | None = None,
    by: str | None = None,
    limit: int | None = None,
    sort: str | None = None,
) -> Table:
    """The report's answer, as a table."""
    from wa_cli.reports import runner

    asked = _range(house, report, since, until, zone)
    given_by = by or next(iter(report.by), None)
    narrowed = _narrowed(house, report, customer, employee, by)
    rows = runner.run(
        house.report_database, report, asked, narrowed, limit=limit, sort=sort, timeout=house.settings.report_timeout
    )
    if given_by == "day":
        rows = [_with_dates(report, row, asked.zone) for row in rows]
    begin, end = (moment.astimezone(UTC) for moment in (asked.since, asked.until))
    given = {"customer": customer, "employee": employee, "by": given_by, "limit": limit, "sort": sort}
    return Table(
        name=report.name,
        title=report.title,
        columns=_columns(report, rows, given_by, narrowed),
        rows=rows,
        note=f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC; days and hours in {asked.zone}."
        + _beside(house, report)
        + _left_out(report, narrowed, len(rows), limit),
        zone=asked.zone,
        parameters={"since": begin, "until": end, "tz": asked.zone} | {k: v for k, v in given.items() if v},
        bars=report.bars,
    )


def _with_dates(report: Report, row: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """Periods that are days, as their dates: in a file too."""
    from zoneinfo import ZoneInfo

    days = {column.key for column in report.columns if column.kind == "period"}
    return {key: value.astimezone(ZoneInfo(zone)).date() if key in days else value for key, value in row.items()}


def _beside(house: House, report: Report) -> str:
    """What the database does not know: what lies on this machine's disk and is in no report yet."""
    if report.beside != "spool":
        return ""
    return f" In this machine's spool: {house.spool.state().records:,} answers that are not stored yet."


def _left_out(report: Report, narrowed: Narrowed, count: int, limit: int | None) -> str:
    """What the rows do not show, and nobody would see from them."""
    most = limit or int(report.parameters.get("limit", 0))
    cut = f" The first {count:,} rows: --limit shows more." if report.uses("limit") and count == most else ""
    ours = " What one employee wrote: nothing incoming is counted." if narrowed.employee else ""
    return f"{ours}{cut}"


def _columns(report: Report, rows: Sequence[Any], by: str | None, narrowed: Narrowed) -> list[Column]:
    """As the header has them, less those that say nothing this time; else as the rows are."""
    if not report.columns:
        return [Column(key, key.replace("_", " ").capitalize()) for key in (rows[0] if rows else {})]
    silent = set()
    if by in ("all", None) and "all" in report.by:
        silent.add("what")
    if by == "counts":
        silent.add("response")
    if by != "day":
        silent.add("day")
    if narrowed.employee is not None:  # who waits, waits for nobody in particular
        silent |= {"waiting", "longest_wait"}
    if narrowed.hours is None:
        silent |= {"working_p50", "working_p90"}
    kinds = {"period": "date" if by == "day" else "instant"}
    own = {"what": "phone"} if by == "customer" else {}
    shown = [column for column in report.columns if column.key not in silent]
    return [Column(c.key, c.label, own.get(c.key) or kinds.get(c.kind, c.kind)) for c in shown]


def show(report: Report, table: Table, chosen: str | None = None, output: Any = None, of: str = "incoming") -> None:
    """Print it as it is meant to be looked at, or write it to a file."""
    if output is not None and output.suffix.lower() in (".svg", ".png"):
        drawing.write(report, table, of, output)
    elif report.shape and output is None and chosen in (None, "table"):
        drawing.show(report, table, of)
        return
    else:
        render.show(table, chosen, output)
    if output is not None:
        wiring.say(f"Written: {len(table.rows):,} rows to {output}. {table.note or ''}")


def _explain(house: House, report: Report, asked: Range) -> None:
    from wa_cli.reports import runner

    print(f"{report.title}: {report.about}\n")
    for sentence in report.definitions:
        print(f"  - {sentence}")
    counted = runner.exclusions(house.report_database, asked, house.settings.report_timeout)
    print(f"\nNot counted, of the rows from {_moment(asked.since)} to {_moment(asked.until)}:")
    for what, count in counted.items():
        print(f"  {count:>9,}  {what}")
    print(f"\n{report.sql}")


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def find(name: str, house: House | None = None) -> Report:
    """The report of that name. Raises BadInput."""
    known = {report.name: report for report in catalogue.reports(house.settings.reports if house else None)}
    if name not in known:
        raise BadInput(f"There is no report {name!r}.", hint=f"One of {', '.join(known)}.")
    return known[name]
