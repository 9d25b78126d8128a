"""A query of a report, and its result as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import key_of
from wa_cli.cli.tables import Column, Table
from wa_cli.counted import counted
from wa_cli.errors import BadInput, DatabaseUnavailable, StatementCancelled, WaError
from wa_cli.reports import catalogue, ranges
from wa_cli.reports.catalogue import Report
from wa_cli.reports.ranges import Range

if TYPE_CHECKING:
    from wa_cli.reports.runner import Narrowed

EVERY = 1_000_000  # default number of rows
# Open turns of any age are found by a walk over all conversations, so the note has a short time limit.
NOTE_TIMEOUT = timedelta(seconds=1)


@dataclass(frozen=True)
class Question:
    """The options of a report as they were typed. None is the report's own default."""

    since: str | None = None
    until: str | None = None
    zone: str | None = None
    customer: str | None = None
    employee: str | None = None
    by: str | None = None
    limit: int | None = None
    sort: str | None = None
    is_one_of_all: bool = False  # then there are no options of a single report

    def range(self, context: AppContext, report: Report) -> Range:

        if report.header.is_of_now and (self.since is not None or self.until is not None):
            raise BadInput(f"The report {report.name} shows the present state and has no --since and --until.")
        return ranges.range_of(report, since=self.since, until=self.until, zone=context.zone(self.zone))

    def narrowed(self, context: AppContext, report: Report) -> Narrowed:
        from wa_cli.reports import runner

        return runner.narrow(
            context.databases.reports,
            report,
            customer=key_of(self.customer),
            employee=self.employee,
            by=self.by,
            hours=context.business_hours,
        )

    def parameters(self, context: AppContext, report: Report, asked: Range) -> dict[str, Any]:
        """Return the parameters for a file: the given ones, the range, and the breakdown."""
        given = {
            "customer": self.customer,
            "employee": self.employee,
            "by": self.by or next(iter(report.by), None),
            "limit": report.most(self.limit),
            "sort": self.sort,
            "business_hours": context.settings.business_hours if report.uses("open") else None,
        }
        begin, end = (moment.astimezone(UTC) for moment in (asked.since, asked.until))
        return {"since": begin, "until": end, "tz": asked.zone} | {key: value for key, value in given.items() if value}


def find(name: str, context: AppContext) -> Report:
    """Return the report of that name. Raises BadInput."""
    known = {report.name: report for report in catalogue.reports(context.settings.reports)}
    if name not in known:
        raise BadInput(f"Unknown report {name!r}.", hint=f"Use one of {', '.join(known)}.")
    return known[name]


def run_report(context: AppContext, report: Report, question: Question = Question()) -> Table:
    from wa_cli.reports import runner

    asked, narrowed = question.range(context, report), question.narrowed(context, report)
    rows = runner.run(
        context.databases.reports,
        report,
        asked,
        narrowed,
        limit=question.limit,
        sort=question.sort,
        timeout=context.settings.report_timeout,
    )
    total = len(rows)
    if total == report.most(question.limit):
        total = runner.count(
            context.databases.reports, report, asked, narrowed, timeout=context.settings.report_timeout
        )
    parameters = question.parameters(context, report, asked)
    older = _older_turns(context, report, question, asked) if report.header.beside == "older_turns" else None
    if parameters.get("by") == "day":
        rows = [_with_dates(report, row, asked.zone) for row in rows]
    return Table(
        name=report.name,
        title=_title(report, parameters.get("by")),
        columns=_columns(report, rows, parameters.get("by"), narrowed),
        rows=rows,
        note=" ".join(filter(None, _notes(context, report, question, asked, len(rows), total, older))),
        zone=asked.zone,
        parameters=parameters,
        bars=report.header.bars,
        total=total,
        hidden=older.sentence if older and older.count != 0 else None,
        facts={"older_turns": older.count} if older else {},
    )


def run_whole(context: AppContext, report: Report, question: Question) -> tuple[Table, Table]:
    """Return all rows, and those of them that are shown."""
    most = report.most(question.limit)
    whole = run_report(context, report, replace(question, limit=None if most is None else EVERY))
    parameters = {**whole.parameters, **({} if most is None else {"limit": most})}
    shown = replace(whole, rows=whole.rows[:most], parameters=parameters, hidden=None)
    return whole, replace(shown, note=" ".join(filter(None, (whole.note, shown.cut))))


def run_each(context: AppContext, question: Question) -> Iterator[tuple[Report, Table | WaError]]:
    """Yield each report over its own range unless one is given, or the error of one that failed. Raises
    DatabaseUnavailable.
    """
    known = catalogue.reports(context.settings.reports)
    question.range(context, known[0])  # an invalid range is reported once
    for report in known:
        try:
            yield report, run_report(context, report, _among_all(question, report))
        except WaError as error:
            if isinstance(error, DatabaseUnavailable) and not isinstance(error, StatementCancelled):
                raise
            yield report, error


def _among_all(question: Question, report: Report) -> Question:
    """Return the common options as this report takes them."""
    fitting = replace(question, by=report.header.page, is_one_of_all=True)
    return replace(fitting, since=None, until=None) if report.header.is_of_now else fitting


def explain(context: AppContext, report: Report, question: Question) -> str:
    """Return the definitions, the number of excluded rows by reason, and the statement."""
    from wa_cli.reports import runner

    asked, narrowed = question.range(context, report), question.narrowed(context, report)
    left_out = runner.exclusions(context.databases.reports, asked, narrowed, context.settings.report_timeout)
    return "\n".join(
        [
            f"{report.title}: {report.header.about}\n",
            *(f"  - {sentence}" for sentence in report.header.definitions),
            f"\nRows from {_span(asked)} that are not counted:",
            *(f"  {count:>9,}  {what}" for what, count in left_out.items() if report.uses_turns or "turns" not in what),
            f"\n{runner.runnable_sql(context.databases.reports, report, asked, narrowed, limit=question.limit)}",
        ]
    )


def _title(report: Report, by: str | None) -> str:
    is_said = not by or by == report.by[0] or by in report.title.lower() or bool(report.shape)
    return report.title if is_said else f"{report.title} by {by}"


def _notes(
    context: AppContext,
    report: Report,
    question: Question,
    asked: Range,
    count: int,
    total: int,
    older: OlderTurns | None,
) -> Iterator[str]:
    """Return the notes about the range, and about what the rows do not show."""
    yield f"{_span(asked)}."
    yield report.header.note
    if older:
        yield older.sentence
    if report.header.beside == "spool" and (
        waiting := sum(spool.state().records for spool in context.spools.ours()["outcomes"])
    ):
        yield f"The spool of this machine has {counted(waiting, 'outcome')} not stored yet."
    if question.employee and any(column.key == "incoming" for column in report.columns):
        yield "Incoming messages are not counted for one employee."
    if total > count:
        yield f"Showing {count:,} of {total:,}.{'' if question.is_one_of_all else ' Use --limit to show more.'}"


def open_turns(
    context: AppContext, report: Report, question: Question, asked: Range, timeout: timedelta
) -> Sequence[Mapping[str, Any]]:
    """Return every open turn of the report's customers, of any age: those of the range, and older ones."""
    from wa_cli.reports import runner

    if report.alarm is None:
        return []
    narrowed = question.narrowed(context, report)
    return runner.run(context.databases.reports, report.alarm, asked, narrowed, timeout=timeout)


@dataclass(frozen=True)
class OlderTurns:
    """The open turns that began before the range: their number, or None if it is unknown, and a sentence."""

    count: int | None
    sentence: str


def _older_turns(context: AppContext, report: Report, question: Question, asked: Range) -> OlderTurns:
    try:
        turns = open_turns(context, report, question, asked, NOTE_TIMEOUT)
    except StatementCancelled:
        return OlderTurns(None, "Turns that began before this range are not shown: use an earlier --since.")
    older = [turn["since"] for turn in turns if turn["since"] < asked.since]
    if not older:
        return OlderTurns(0, "No older turn is open.")
    first = min(older).astimezone(ZoneInfo(asked.zone))
    sentence = f"Not shown: {counted(len(older), 'older turn')}. Use --since {first:%Y-%m-%d} to show all."
    return OlderTurns(len(older), sentence)


def _span(asked: Range) -> str:
    begin, end = (moment.astimezone(ZoneInfo(asked.zone)) for moment in (asked.since, asked.until))
    return f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}, {asked.zone}"


def _with_dates(report: Report, row: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """Return periods of days as dates, in a file too."""
    days = {column.key for column in report.columns if column.kind == "period"}
    return {
        key: value.astimezone(ZoneInfo(zone)).date() if key in days and value is not None else value
        for key, value in row.items()
    }


def _columns(report: Report, rows: Sequence[Any], by: str | None, narrowed: Narrowed) -> list[Column]:
    """Return the columns of the header without empty ones, or those of the rows if the header has none."""
    if not report.columns:
        return [Column(key, key.replace("_", " ").capitalize()) for key in (rows[0] if rows else {})]
    given = {"business-hours": narrowed.hours is not None, "employee": narrowed.employee is not None}
    hidden = report.header.hidden(by=by, given=given)
    kinds = {"period": "date" if by == "day" else "instant"}
    phones = report.header.phones
    own = dict.fromkeys(phones.keys, "phone") if phones and phones.holds(by=by, given=given) else {}
    shown = [column for column in report.columns if column.key not in hidden]
    return [
        Column(
            c.key,
            c.label,
            own.get(c.key) or kinds.get(c.kind, c.kind),
            is_quiet=c.key in report.header.quiet,
            omitted=report.header.wide.index(c.key) + 1 if c.key in report.header.wide else 0,
        )
        for c in shown
    ]
