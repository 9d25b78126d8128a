"""The options of reports: their help, the reports that use them, and their combinations."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from wa_cli.errors import BadInput
from wa_cli.reports.catalogue import Report

Employee = Annotated[str | None, typer.Option(help="Only this employee: name or id.", metavar="NAME")]
By = Annotated[
    str | None,
    typer.Option("--by", help="Breakdown. `wa report list` shows those of each report.", metavar="BREAKDOWN"),
]
Limit = Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Maximum number of rows.")]
Sort = Annotated[str | None, typer.Option(help="Sort by this column; prefix with - for descending.", metavar="KEY")]
BusinessHours = Annotated[
    str | None, typer.Option(help="mon-fri 09:00-18:00; sat 10:00-14:00. Default: WA_BUSINESS_HOURS.", metavar="HOURS")
]
Details = Annotated[bool, typer.Option("--details", help="Rows behind the figures instead of the figures.")]
FailAbove = Annotated[
    str | None,
    typer.Option("--fail-above", help="Exit 3 if a value is above this, such as 30m.", metavar="LIMIT"),
]
Watch = Annotated[float | None, typer.Option(min=0.5, help="Refresh interval in seconds.", metavar="SECONDS")]
Explain = Annotated[bool, typer.Option("--explain", help="Print definitions, excluded rows, and the SQL.")]


class Metric(StrEnum):
    INCOMING = "incoming"
    OUTGOING = "outgoing"
    RESPONSE = "response"


MetricOption = Annotated[Metric, typer.Option("--metric", help="Figure of the heatmap.")]
FailBelow = Annotated[
    str | None,
    typer.Option("--fail-below", help="Exit 3 if a value is below this, such as 30m or 95%.", metavar="LIMIT"),
]
# Former names of options, which still work.
FORMER = {"--fail-over": "--fail-above", "--of": "--metric", "--list": "--details"}


def idle(report: Report) -> set[str]:
    """Return the options that this report refuses, or that do nothing to it. Its help hides them."""
    works = {
        "since": not report.header.is_of_now,
        "until": not report.header.is_of_now,
        "customer": "customer" in report.header.filters,
        "employee": "employee" in report.header.filters,
        "by": bool(report.by) and not report.shape,
        "limit": report.uses("limit"),
        "business_hours": report.uses("open"),
        "metric": bool(report.shape),
        "details": report.details is not None,
        "fail_above": report.is_judged and not report.judges_below,
        "fail_below": report.judges_below,
    }
    return {name for name, does in works.items() if not does}


def helps(report: Report) -> dict[str, str]:
    """Return the help of options with words of this report's own."""
    texts = {"by": f"Breakdown: {', '.join(report.by)}."}
    if report.columns:
        keys = ", ".join(column.key for column in report.columns)
        texts["sort"] = f"Sort by this column; prefix with - for descending: {keys}."
    label = ""
    if report.threshold:
        label = next(column.label for column in report.columns if column.key == report.threshold.column)
        words = {"above": "is above", "below": "is below", "age": "is older than"}
        limit = "this share, such as 95%" if report.judges_shares else "this duration, such as 30m"
        judged = f"Exit 3 if {label} {words[report.threshold.way]} {limit}."
        texts["fail_below" if report.judges_below else "fail_above"] = judged
    if report.alarm:
        judged = f"{label} or " if report.threshold else ""
        texts["fail_above"] = f"Exit 3 if {judged}an open turn's wait is above this duration, like 30m."
    return texts


def check_together(
    report: Report, ctx: typer.Context, *, details: bool, by: str | None, judged: bool, watch: bool
) -> None:
    """Raise BadInput for options that contradict each other, or that would do nothing."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    given = {name for name, source in sources.items() if source and source.name == "COMMANDLINE"}
    if details and report.details is None:
        raise BadInput(f"The report {report.name} has no details.")
    if details and (by or judged or "metric" in given):
        raise BadInput("--details cannot be used with --by, --metric, --fail-above or --fail-below.")
    if by and report.shape:
        raise BadInput(f"The report {report.name} has no --by.", hint=f"Use --metric {' | '.join(Metric)}.")
    if watch and judged:
        name = "--fail-below" if report.judges_below else "--fail-above"
        raise BadInput(f"--watch and {name} cannot be used together.", hint=f"Use {name} in a cron job.")
    if "sort" in given and report.shape:
        raise BadInput(f"The report {report.name} is drawn by weekday and hour and cannot be sorted.")
    if useless := given & idle(report) & {"metric", "business_hours"}:
        raise BadInput(f"--{useless.pop().replace('_', '-')} has no effect on the report {report.name}.")


def broken_down(by: str | None, metric: Metric, report: Report) -> str | None:
    """Return the chosen breakdown. A heatmap of counts leaves out response times, which take three quarters of the time."""
    return "response" if report.shape and metric is Metric.RESPONSE else by
