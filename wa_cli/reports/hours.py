"""Business hours: `mon-fri 09:00-18:00; sat 10:00-14:00`, and holidays.

Hours are of the wall clock. When it is set forward or back, an interval ends when that clock says so, and is an hour
shorter or longer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from wa_cli.errors import BadInput

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HINT = "Write it like mon-fri 09:00-18:00; sat 10:00-14:00."
_PART = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+"
    r"(?P<from>\d{1,2}:\d{2})-(?P<to>\d{1,2}:\d{2})(?P<more>(?:\s*,\s*\d{1,2}:\d{2}-\d{1,2}:\d{2})*)"
)


@dataclass(frozen=True)
class Hours:
    """The intervals of each weekday from Monday on. 24:00 is the next midnight. `holidays` have none."""

    week: tuple[tuple[tuple[int, int], ...], ...]
    holidays: frozenset[date] = frozenset()

    def spans(self, since: datetime, until: datetime, zone: str) -> Iterator[tuple[datetime, datetime]]:
        """Yield the open intervals that touch [since, until), as instants in UTC, in order."""
        place = ZoneInfo(zone)
        day, last = since.astimezone(place).date() - timedelta(days=1), until.astimezone(place).date()
        while day <= last:
            for begin, end in () if day in self.holidays else self.week[day.weekday()]:
                start, finish = _instant(day, begin, place), _instant(day, end, place)
                if start < finish and finish > since and start < until:
                    yield start, finish
            day += timedelta(days=1)

    def between(self, since: datetime, until: datetime, zone: str) -> timedelta:
        """Return the time of the interval that is within business hours."""
        spans = self.spans(since, until, zone)
        inside = (min(finish, until) - max(start, since) for start, finish in spans)
        return sum((span for span in inside if span > timedelta(0)), timedelta(0))

    def as_json(self, since: datetime, until: datetime, zone: str) -> str:
        """Return the hours for SQL: a list of `start` and `finish`, as the TIMESTAMP columns hold them."""
        return json.dumps(
            [
                {"start": start.replace(tzinfo=None).isoformat(), "finish": finish.replace(tzinfo=None).isoformat()}
                for start, finish in self.spans(since, until, zone)
            ]
        )


def _instant(day: date, minutes: int, place: ZoneInfo) -> datetime:
    """Return the instant in UTC when the wall clock shows that many minutes after midnight. Of a time that comes twice,
    the first.
    """
    whole = day + timedelta(days=minutes // 1440)
    return datetime.combine(whole, time(minutes % 1440 // 60, minutes % 60), place).astimezone(UTC)


def parse(text: str, holidays: str = "") -> Hours:
    """Parse hours and holidays as people write them. Raises BadInput."""
    week: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for part in filter(None, (part.strip().lower() for part in text.split(";"))):
        found = _PART.fullmatch(part)
        if found is None:
            raise BadInput(f"{part!r} is not a business hours interval.", hint=_HINT)
        spans = [f"{found['from']}-{found['to']}", *filter(None, (s.strip() for s in found["more"].split(",")))]
        for place in _days(found["first"], found["last"] or found["first"]):
            week[place] += [_span(span) for span in spans]
    if not any(week):
        raise BadInput("The business hours are empty.", hint=_HINT)
    return Hours(tuple(_in_order(day) for day in week), parse_holidays(holidays))


def _days(first: str, last: str) -> list[int]:
    for name in (first, last):
        if name not in DAYS:
            raise BadInput(f"{name!r} is not a weekday.", hint=f"Use one of {', '.join(DAYS)}.")
    start, end = DAYS.index(first), DAYS.index(last)
    return [place % 7 for place in range(start, end + (7 if end < start else 0) + 1)]


def _span(text: str) -> tuple[int, int]:
    begin, end = (_minutes(part) for part in text.split("-"))
    if begin >= end:
        raise BadInput(
            f"{text!r} ends before it begins.", hint="Write hours over midnight like mon 18:00-24:00; tue 00:00-02:00."
        )
    return begin, end


def _minutes(text: str) -> int:
    hours, minutes = (int(part) for part in text.split(":"))
    if hours * 60 + minutes > 1440 or minutes > 59:
        raise BadInput(f"{text!r} is not a time of day.", hint=_HINT)
    return hours * 60 + minutes


def _in_order(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    ordered = sorted(set(spans))
    for (_, end), (begin, _) in pairwise(ordered):
        if begin < end:
            raise BadInput("Two business hours of one day overlap.", hint=_HINT)
    return tuple(ordered)


def parse_holidays(text: str) -> frozenset[date]:
    """Return the dates of a list. Raises BadInput."""
    return frozenset(_dates(text))


def _dates(text: str) -> Iterator[date]:
    for part in re.split(r"[\s,;]+", text.strip()):
        if part:
            try:
                yield date.fromisoformat(part)
            except ValueError:
                raise BadInput(f"{part!r} is not a date.", hint="Write dates like 2026-12-25, 2027-01-01.") from None
