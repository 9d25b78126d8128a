"""wa report: the reports. A report is a file in sql/reports or in WA_REPORTS, and appears here by itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from wa_cli.cli import charts, output_file, render, report_options, threshold
from wa_cli.cli.commands import converted
from wa_cli.cli.context import AppContext, or_unavailable
from wa_cli.cli.parameters import AsJson, Customer, Format, Output, Since, Until, Zone, chosen_format
from wa_cli.cli.progress import bar
from wa_cli.cli.report_options import (
    BusinessHours,
    By,
    Details,
    Employee,
    Explain,
    FailAbove,
    FailBelow,
    Limit,
    Metric,
    MetricOption,
    Sort,
    Watch,
    broken_down,
    check_together,
)
from wa_cli.cli.report_query import Question, find, run_each, run_report, run_whole
from wa_cli.cli.report_query import explain as explained
from wa_cli.cli.tables import Column, Table
from wa_cli.clock import now
from wa_cli.counted import counted
from wa_cli.errors import BadInput, ConfigError, PartlyDone, WaError
from wa_cli.reports import catalogue
from wa_cli.reports.catalogue import Report
from wa_cli.reports.page import Section, page
from wa_cli.settings import sources
from wa_cli.telemetry.logs import print_note

if TYPE_CHECKING:
    from wa_cli.reports.page import Section

_OURS = {report.name: report for report in catalogue.reports()}


class ReportGroup(TyperGroup):
    """The reports of wa, and those of the folder WA_REPORTS."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Replace former names of options, with a note."""
        for former, name in report_options.FORMER.items():
            if former in args:
                print_note(f"{former} is now {name}; the former name will be removed.")
        return super().parse_args(ctx, [report_options.FORMER.get(argument, argument) for argument in args])

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *_own_reports(ctx)]

    def get_command(self, ctx: Any, name: str) -> Any:
        known = super().get_command(ctx, name)
        report = _OURS.get(name) or (_own_reports(ctx).get(name) if known is None else None)
        if report is None:
            return known
        try:
            report.check()
            command: Any = known or converted(report.name, _command(report))
            idle, helps = report_options.idle(report), report_options.helps(report)
        except ConfigError as error:
            return _refusing(name, error)
        for option in command.params:
            option.hidden = option.name in idle
            option.help = helps.get(option.name, option.help)
        return command


def _own_reports(ctx: Any) -> dict[str, Report]:
    """Return the reports of the folder by name. Reads the settings for that."""
    loaded = sources.load(profile=ctx.find_root().params.get("profile"), flags={})
    known = catalogue.reports(loaded.settings.reports)
    return {report.name: report for report in known if report.name not in _OURS}


def _refusing(name: str, error: ConfigError) -> Any:
    """Return a command in place of a report whose file is invalid. Other reports work."""

    def refuse() -> None:
        raise error

    return TyperCommand(name, callback=refuse, help=error.message)


app = typer.Typer(cls=ReportGroup, no_args_is_help=True)


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """List the reports.

    Example: wa report list
    """
    rows = [_listed(report) for report in catalogue.reports(AppContext.of(ctx).settings.reports)]
    columns = [
        Column("name", "Report"),
        Column("range", "Range"),
        Column("by", "--by"),
        Column("about", "Description"),
    ]
    render.show(Table("reports", "Reports", columns, rows), chosen_format(form, as_json))


def _listed(report: Report) -> dict[str, str | None]:
    try:
        report.check()
        return {
            "name": report.name,
            "about": report.header.about,
            "by": "" if report.shape else " ".join(report.by),
            "range": report.since,
        }
    except ConfigError as error:
        return {"name": report.name, "about": error.message, "by": None, "range": None}


@app.command("sql")
def sql(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a report.", metavar="REPORT")],
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

    context = AppContext.of(ctx)
    report = find(name, context)
    question = Question(since, until, zone, customer, employee, by, limit)
    asked, narrowed = question.range(context, report), question.narrowed(context, report)
    print(runner.runnable_sql(context.databases.reports, report, asked, narrowed, limit=limit))


@app.command("all")
def all_(ctx: typer.Context, since: Since = None, until: Until = None, zone: Zone = None) -> None:
    """Print every report, each over its own range unless one is given.

    Example: wa report all --since monday
    """
    context = AppContext.of(ctx)
    failed = 0
    for report, answer in run_each(context, Question(since, until, zone)):
        if isinstance(answer, WaError):
            failed += _print_failure(report, answer)
            continue
        if not (sys.stdout.isatty() or report.shape):
            print(answer.title)
        show(report, answer)
        print()
    _check_complete(failed)


@app.command("html")
def html(
    ctx: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="File of the page.")] = Path("report.html"),
    since: Since = None,
    until: Until = None,
    zone: Zone = None,
) -> None:
    """Write all reports and pictures as one self-contained HTML page.

    Example: wa report html -o report.html --since monday
    """

    if output.suffix.lower() not in (".html", ".htm"):
        raise BadInput(f"The page is HTML, and {output} is not.", hint="Use --output report.html.")
    output_file.check(output)
    context = AppContext.of(ctx)
    sections, failed = [], 0
    with bar("reports", len(catalogue.reports(context.settings.reports))) as advance:
        for report, answer in run_each(context, Question(since, until, zone)):
            if isinstance(answer, WaError):
                failed += _print_failure(report, answer)
            else:
                sections.append(_section(report, answer))
            advance(1)
    made = f"Created {now():%Y-%m-%d %H:%M} UTC, with days and hours in {context.zone(zone)}."
    output_file.write(output, [page("WhatsApp messages", made, sections)])
    print_note(f"Wrote {len(sections)} reports to {output}.")
    _check_complete(failed)


def _print_failure(report: Report, error: WaError) -> int:
    """Print why a report failed. The others are made in any case."""
    print_note(f"{report.name}: {error.message}" + (f" {error.hint}" if error.hint else ""))
    return 1


def _check_complete(failed: int) -> None:
    if failed:
        raise PartlyDone(f"{failed} {'report' if failed == 1 else 'reports'} failed.")


def _section(report: Report, table: Table) -> Section:
    """Return a report for the page. A heatmap is drawn instead of its 168 rows, three times."""

    pictures = [
        charts.picture(report, table, metric.value) for metric in (Metric if report.shape else [Metric.INCOMING])
    ]
    listed = (
        "" if report.shape else f"<div class='wide'>{render.fragment(table)}</div>" if table.rows else "<p>No rows.</p>"
    )
    return Section(
        name=report.name,
        title=report.title,
        about=report.header.about,
        table=listed,
        picture="".join(filter(None, pictures)) or None,
        is_heatmap=bool(report.shape),
        note=table.note or "",
        definitions=report.header.definitions,
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
        metric: MetricOption = Metric.INCOMING,
        details: Details = False,
        fail_above: FailAbove = None,
        fail_below: FailBelow = None,
        watch: Watch = None,
        explain: Explain = False,
        as_json: AsJson = False,
        form: Format = None,
        output: Output = None,
    ) -> None:
        chosen = chosen_format(form, as_json)
        context = AppContext.of(ctx, business_hours=business_hours)
        longest = threshold.parse(report, fail_above, fail_below)
        check_together(report, ctx, details=details, by=by, judged=longest is not None, watch=watch is not None)
        if watch and output is not None:
            raise BadInput("--watch and --output cannot be used together.", hint="Leave out one of them.")
        if explain and (chosen or output or watch):
            raise BadInput("--explain cannot be used with --format, --output or --watch.")
        if output is not None:
            render.form_of(output, chosen)
        wanted = report.details if details and report.details else report
        question = Question(
            since=threshold.since(report, longest) if since is None and until is None else since,
            until=until,
            zone=zone,
            customer=customer,
            employee=employee,
            by=broken_down(by, metric, report) if wanted is report else None,
            limit=limit,
            sort=sort,
        )
        if explain:
            print(explained(context, wanted, question))
            return

        def once() -> Table:
            return run_report(context, wanted, question)

        if longest is not None:
            threshold.check_range(report, question.range(context, report).since, longest)
            whole, shown = run_whole(context, report, question)
            show(report, shown, chosen, output, metric.value)
            threshold.judge(context, report, question, whole, longest)
            return
        show(wanted, once(), chosen, output, metric.value)
        while watch is not None:
            time.sleep(watch)
            if (newer := or_unavailable(once)) is not None:
                _clear()
                show(wanted, newer, chosen, output, metric.value)

    command.__doc__ = (
        f"{report.header.about}\n\nExample: wa report {report.name}{'' if report.header.is_of_now else ' --since 7d'}"
    )
    return command


for _report in _OURS.values():
    app.command(_report.name)(_command(_report))


def _clear() -> None:

    console = Console()
    console.clear() if console.is_terminal else print()


def show(report: Report, table: Table, chosen: str | None = None, output: Any = None, metric: str = "incoming") -> None:
    """Print a report, or write it to a file."""
    if output is not None and render.form_of(output, chosen) in charts.FORMS:
        charts.write(report, table, metric, output)
    elif report.shape and output is None and chosen in (None, "table"):
        charts.show(report, table, metric)
        return
    else:
        render.show(table, chosen, output)
    if output is not None:
        print_note(f"Wrote {counted(len(table.rows), 'row')} to {output}. {table.note or ''}")
