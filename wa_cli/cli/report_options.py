"""The options of reports: their help, the reports that use them, and their combinations."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from wa_cli.errors import BadInput
from wa_cli.reports.catalogue import Report

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


def idle(report: Report) -> set[str]:
    """Return the options that this report refuses, or that do nothing to it. Its help hides them."""
    works = {
        "since": not report.is_of_now,
        "until": not report.is_of_now,
        "customer": "customer" in report.filters,
        "employee": "employee" in report.filters,
        "by": bool(report.by) and not report.shape,
        "limit": report.uses("limit"),
        "business_hours": report.uses("open"),
        "of": bool(report.shape),
        "details": report.details is not None,
        "fail_over": report.is_judged,
    }
    return {name for name, does in works.items() if not does}


def helps(report: Report) -> dict[str, str]:
    """Return the help of options with words of this report's own."""
    said = {"by": f"Broken down by one of: {', '.join(report.by)}."}
    if report.columns:
        keys = ", ".join(column.key for column in report.columns)
        said["sort"] = f"By this column, downwards with - before it: {keys}."
    if report.threshold:
        label = next(column.label for column in report.columns if column.key == report.threshold.column)
        words = {"above": f"{label} is longer", "below": f"{label} is shorter", "age": "somebody waits longer"}
        said["fail_over"] = f"Exit 3 where {words[report.threshold.way]}; like 30m."
    if report.alarm:
        judged = (
            f"{said['fail_over'].partition(';')[0]}, or where a turn" if report.threshold else "Exit 3 where a turn"
        )
        said["fail_over"] = f"{judged} is open for longer, whatever its age; like 30m."
    return said


def check_together(
    report: Report, ctx: typer.Context, *, details: bool, by: str | None, judged: bool, watch: bool
) -> None:
    """Raise BadInput for options that contradict each other, or that would do nothing."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    given = {name for name, source in sources.items() if source and source.name == "COMMANDLINE"}
    if details and report.details is None:
        raise BadInput(f"The report {report.name} counts nothing that could be listed.")
    if details and (by or judged or "of" in given):
        raise BadInput("--list goes without --by, --of and --fail-over.")
    if by and report.shape:
        raise BadInput(f"What is drawn of the report {report.name} is said with --of.", hint=f"{', '.join(Side)}.")
    if watch and judged:
        raise BadInput("--watch never ends, and --fail-over is judged at the end.", hint="Leave one of them away.")
    if "sort" in given and report.shape:
        raise BadInput(f"The report {report.name} is drawn by weekday and hour: it cannot be sorted.")
    if useless := given & idle(report) & {"of", "business_hours"}:
        raise BadInput(f"--{useless.pop().replace('_', '-')} does nothing to the report {report.name}.")


def broken_down(by: str | None, of: Side, report: Report) -> str | None:
    """Return the chosen breakdown, or the one of the picture: the counts alone cost a quarter."""
    return "response" if report.shape and of is Side.RESPONSE else by
