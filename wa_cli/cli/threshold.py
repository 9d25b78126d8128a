"""--fail-above and --fail-below: a report as a check in a cron job, which fails if a customer waits too long."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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

FULL = 100
OPEN_SINCE = timedelta(hours=48)  # older turns are found by the last message of each conversation


@dataclass(frozen=True)
class Limit:
    """The value of the option: a duration in seconds, or a share between 0 and 1."""

    value: float
    is_share: bool = False

    @classmethod
    def parse(cls, text: str, *, is_share: bool) -> Limit:
        """Return the limit as people write it: `95%`, or `30m`. Raises BadInput for anything else."""
        if not is_share:
            return cls(parse_span(text, unit_required=True).total_seconds())
        written = text.strip().removesuffix("%").strip()
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", written) or float(written) > FULL or "%" not in text:
            raise BadInput(f"{text!r} is not a share from 0% to 100%.", hint="Write it like 95%.")
        return cls(float(written) / FULL, is_share=True)

    @property
    def span(self) -> timedelta:
        return timedelta(seconds=self.value)

    def written(self, value: float) -> str:
        """Return a value of the same kind in words."""
        return f"{FULL * value:g} %" if self.is_share else format_span(timedelta(seconds=value))


def parse(report: Report, fail_above: str | None, fail_below: str | None) -> Limit | None:
    """Return the limit of the option that this report takes, or None. Raises BadInput for the other one."""
    given = {"--fail-above": fail_above, "--fail-below": fail_below}
    takes = "--fail-below" if report.judges_below else "--fail-above"
    for option, text in given.items():
        if text is not None and (option != takes or not report.is_judged):
            hint = f"Use {takes}." if report.is_judged else None
            raise BadInput(f"The report {report.name} cannot be used with {option}.", hint=hint)
    text = given[takes]
    return None if text is None else Limit.parse(text, is_share=report.judges_shares)


def since(report: Report, limit: Limit | None) -> str | None:
    """Return a --since that is early enough to find such a wait, or None if the report's own range suffices."""

    if limit is None or report.threshold is None or report.threshold.way != "age":
        return None
    at = now()
    return f"{(at - instant(report.since, 'UTC', at) + limit.span).total_seconds():.0f}s"


def check_range(report: Report, begin: datetime, limit: Limit) -> None:
    """Raise BadInput for a range that cannot contain such a wait."""
    if report.threshold and report.threshold.way == "age" and now() - begin <= limit.span:
        raise BadInput(
            f"The range is too short to contain a wait of {limit.written(limit.value)}.", hint="Use an earlier --since."
        )


def judge(context: AppContext, report: Report, question: Question, table: Table, limit: Limit) -> None:
    """Raise CheckFailed if a row of the whole table is above the limit, or below it for a remaining time or a share, or if
    a turn of any age has been open for longer.
    """
    found = [
        _judged("row", _rows(context, report, table), limit, report.judges_below),
        _judged("open turn", [*_open_turns(context, report, question)], limit, is_below=False),
    ]
    if failed := [sentence for sentence in found if sentence]:
        raise CheckFailed(f"{'; '.join(failed)}.")


def _judged(what: str, values: Sequence[float], limit: Limit, is_below: bool) -> str | None:
    """Return the number of values above or below the limit in words, with the worst one, or None if there is none."""
    worse = [value for value in values if (value < limit.value if is_below else value > limit.value)]
    if not worse:
        return None
    side, worst = ("below", min(worse)) if is_below else ("above", max(worse))
    of_all = f"{len(worse):,} of {counted(len(values), what)}"
    return f"{of_all} {side} {limit.written(limit.value)}, the worst {limit.written(worst)}"


def _rows(context: AppContext, report: Report, table: Table) -> list[float]:
    """Return the value of the judged column in each row, as working time if there are business hours and the report has
    it.
    """
    if report.threshold is None:
        return []
    working = report.threshold.working if context.business_hours is not None else None
    column = working or report.threshold.column
    values = [_value(report.threshold, column, row) for row in table.rows]
    return [value for value in values if value is not None]


def _value(threshold: Threshold, column: str, row: Mapping[str, Any]) -> float | None:
    value = row[column]
    if value is None or (threshold.among and row[threshold.among] != "yes"):
        return None
    return (now() - value).total_seconds() if threshold.way == "age" else float(value)


def _open_turns(context: AppContext, report: Report, question: Question) -> Iterator[float]:
    """Return the wait of each open turn, in business hours if there are some."""
    at = now()
    asked = ranges.Range(at - OPEN_SINCE, at + timedelta(seconds=1), context.zone(question.zone))
    for turn in open_turns(context, report, question, asked, context.settings.report_timeout):
        begun = turn["since"]
        waited = context.business_hours.between(begun, at, asked.zone) if context.business_hours else at - begun
        yield waited.total_seconds()
