"""Asks a report's question: read-only, on one snapshot, within a time-out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from wa_cli.clock import now, parse_span
from wa_cli.errors import BadInput
from wa_cli.reports.catalogue import Report
from wa_cli.storage.engine import Database

_SPAN = re.compile(r"[\d.\s]+(ms|s|m|h|d|w)?([\d.]+(ms|s|m|h|d|w))*")


@dataclass(frozen=True)
class Range:
    """From `since` (included) to `until` (excluded), aware instants; days and hours are those of `zone`."""

    since: datetime
    until: datetime
    zone: str


def range_of(report: Report, *, since: str | None, until: str | None, zone: str, at: datetime | None = None) -> Range:
    """The range that was asked for, or the report's own. Raises BadInput for what is no time."""
    at = at or now()
    begin = instant(since or report.parameters.get("since", "30d"), zone, at)
    end = instant(until, zone, at) if until else at + timedelta(seconds=1)
    if begin >= end:
        raise BadInput(f"The range from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} holds no time.")
    return Range(begin, end, zone)


def instant(text: str, zone: str, at: datetime) -> datetime:
    """A date (its midnight in `zone`), an ISO 8601 time, or a span before now like `7d`."""
    if _SPAN.fullmatch(text.strip()):
        try:
            return at - parse_span(text)
        except OverflowError:
            raise BadInput(f"{text!r} is too long a time.") from None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no time.", hint="Write 7d, 2026-11-23 or 2026-11-23T09:00.") from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))


def run(
    database: Database, report: Report, asked: Range, *, limit: int | None = None, timeout: timedelta
) -> Sequence[Mapping[str, Any]]:
    """The report's rows, in the order of its columns."""
    if limit is not None and ":limit" not in report.sql:
        raise BadInput(f"The report {report.name} has a fixed number of rows: it takes no limit.")
    values = {
        "since": _utc(asked.since),
        "until": _utc(asked.until),
        "now": _utc(now()),
        "tz": asked.zone,
        "limit": limit or int(report.parameters.get("limit", 1000)),
    }
    statement = sa.text(report.sql)
    wanted = {key: value for key, value in values.items() if f":{key}" in report.sql}
    with database.reading(timeout) as connection:
        return [dict(row) for row in connection.execute(statement, wanted).mappings()]


def _utc(moment: datetime) -> datetime:
    """As the TIMESTAMP columns hold it."""
    return moment.astimezone(UTC).replace(tzinfo=None)
