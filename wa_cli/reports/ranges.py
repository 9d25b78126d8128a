"""The range of a report, and times as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wa_cli.clock import check_year, now, parse_span
from wa_cli.errors import BadInput
from wa_cli.reports.catalogue import Report
from wa_cli.reports.hours import DAYS

_SPAN = re.compile(r"(\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*)+")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Range:
    """From `since` (included) to `until` (excluded), aware instants. Days and hours are those of `zone`."""

    since: datetime
    until: datetime
    zone: str


def range_of(report: Report, *, since: str | None, until: str | None, zone: str, at: datetime | None = None) -> Range:
    """Return the given range, or the report's own. Raises BadInput for an invalid time."""
    at = at or now()
    end = at + timedelta(seconds=1) if until is None else instant(until, zone, at)
    own = instant(report.since, zone, at if until is None else end)  # this long before the end
    begin = own if since is None else instant(since, zone, at)
    if begin >= end:
        raise BadInput(f"The range from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} is empty.")
    return Range(begin, end, zone)


def instant(text: str, zone: str, at: datetime) -> datetime:
    """Return the instant of a date (its midnight in `zone`), an ISO 8601 time, a duration before now like `7d`, `today`,
    `yesterday`, or the last `monday`. Raises BadInput for anything else.
    """
    word = text.strip().lower()
    if word.isdigit():
        raise BadInput(
            f"{text!r} is not a time.", hint="Write a duration with a unit, like 30m or 7d, or a date like 2026-11-23."
        )
    if _SPAN.fullmatch(word):
        return check_year(at - parse_span(word))
    if (days := _days_ago(word, at.astimezone(ZoneInfo(zone)).weekday())) is not None:
        day = at.astimezone(ZoneInfo(zone)).date() - timedelta(days=days)
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is not a time.", hint="Write 7d, monday, 2026-11-23 or 2026-11-23T09:00.") from None
    return check_year(found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone)))


def _days_ago(word: str, weekday: int) -> int | None:
    """Return the number of midnights since that day began, or None if the word is not a day."""
    if word in ("today", "yesterday"):
        return 0 if word == "today" else 1
    named = [place for place, day in enumerate(_WEEKDAYS) if word in (day, DAYS[place])]
    return (weekday - named[0]) % 7 if named else None
