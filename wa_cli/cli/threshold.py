"""--fail-above and --fail-below: a report as a check in a cron job, which fails if a customer waits too long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from wa_cli.cli.context import AppContext
from wa_cli.cli.report_query import Question, open_turns
from wa_cli.cli.tables import Table
from wa_cli.clock import format_span, now, parse_span
from wa_cli.counted import counted
from wa_cli.errors import BadInput, CheckFailed
from wa_cli.reports import ranges
from wa_cli.reports.catalogue import Report
from wa_cli.reports.header import Threshold
from wa_cli.reports.ranges import instant

OPEN_SINCE = timedelta(hours=48)  # older turns are found by the last message of each conversation


def parse(report: Report, fail_above: str | None, fail_below: str | None) -> timedelta | None:
    """Return the limit of the option that this report takes, or None. Raises BadInput for the other one."""
    given = {"--fail-above": fail_above, "--fail-below": fail_below}
    takes = "--fail-below" if report.judges_below else "--fail-above"
    for option, text in given.items():
        if text is not None and (option != takes or not report.is_judged):
            hint = f"Use {takes}." if report.is_judged else None
            raise BadInput(f"The report {report.name} cannot be used with {option}.", hint=hint)
    text = given[takes]
    return None if text is None else parse_span(text)


def since(report: Report, limit: timedelta | None) -> str | None:
    """Return a --since that is early enough to find such a wait, or None if the report's own range suffices."""

    if limit is None or report.threshold is None or report.threshold.way != "age":
        return None
    at = now()
    return f"{(at - instant(report.since, 'UTC', at) + limit).total_seconds():.0f}s"


def check_range(report: Report, begin: datetime, limit: timedelta) -> None:
    """Raise BadInput for a range that cannot contain such a wait."""
    if report.threshold and report.threshold.way == "age" and now() - begin <= limit:
        raise BadInput(
            f"The range is too short to contain a wait of {format_span(limit)}.", hint="Use an earlier --since."
        )


def judge(context: AppContext, report: Report, question: Question, table: Table, limit: timedelta) -> None:
    """Raise CheckFailed if a row of the whole table is above the limit, or below it for a remaining time, or if a turn of
    any age has been open for longer.
    """
    found = [
        _judged("row", _rows(context, report, table), limit, report.judges_below),
        _judged("open turn", [*_open_turns(context, report, question)], limit, is_below=False),
    ]
    if failed := [sentence for sentence in found if sentence]:
        raise CheckFailed(f"{'; '.join(failed)}.")


def _judged(what: str, spans: Sequence[timedelta], limit: timedelta, is_below: bool) -> str | None:
    """Return the number of spans above or below the limit in words, with the worst one, or None if there is none."""
    worse = [span for span in spans if (span < limit if is_below else span > limit)]
    if not worse:
        return None
    side, worst = ("below", min(worse)) if is_below else ("above", max(worse))
    return f"{len(worse):,} of {counted(len(spans), what)} {side} {format_span(limit)}, the worst {format_span(worst)}"


def _rows(context: AppContext, report: Report, table: Table) -> list[timedelta]:
    """Return the value of the judged column in each row, as working time if there are business hours and the report has
    it.
    """
    if report.threshold is None:
        return []
    working = report.threshold.working if context.business_hours is not None else None
    column = working or report.threshold.column
    spans = [_span(report.threshold, column, row) for row in table.rows]
    return [span for span in spans if span is not None]


def _span(threshold: Threshold, column: str, row: Mapping[str, Any]) -> timedelta | None:
    value = row[column]
    if value is None or (threshold.among and row[threshold.among] != "yes"):
        return None
    return now() - value if threshold.way == "age" else timedelta(seconds=float(value))


def _open_turns(context: AppContext, report: Report, question: Question) -> Iterator[timedelta]:
    """Return the wait of each open turn, in business hours if there are some."""
    at = now()
    asked = ranges.Range(at - OPEN_SINCE, at + timedelta(seconds=1), context.zone(question.zone))
    for turn in open_turns(context, report, question, asked, context.settings.report_timeout):
        begun = turn["since"]
        yield context.business_hours.between(begun, at, asked.zone) if context.business_hours else at - begun
