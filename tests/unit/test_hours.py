from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from wa_cli.errors import BadInput
from wa_cli.reports.hours import parse

BERLIN = "Europe/Berlin"


def open_hours(text: str, since: datetime, until: datetime, holidays: str = "") -> float:
    return sum(
        (min(finish, until) - max(start, since)) / timedelta(hours=1)
        for start, finish in parse(text, holidays).spans(since, until, BERLIN)
    )


def day(year: int, month: int, of: int) -> tuple[datetime, datetime]:
    start = datetime(year, month, of, tzinfo=ZoneInfo(BERLIN))
    return start, datetime(year, month, of + 1, tzinfo=ZoneInfo(BERLIN))


def test_the_open_hours_of_a_week_are_counted() -> None:
    monday = datetime(2026, 11, 23, tzinfo=ZoneInfo(BERLIN))

    assert open_hours("mon-fri 09:00-18:00; sat 10:00-14:00", monday, monday + timedelta(days=7)) == 49
    assert open_hours("mon-fri 09:00-12:00, 13:00-18:00", monday, monday + timedelta(days=7)) == 40
    assert open_hours("sat-mon 00:00-24:00", monday, monday + timedelta(days=7)) == 72
    assert open_hours("mon-fri 09:00-18:00", monday, monday + timedelta(days=7), "2026-11-24, 2026-11-28") == 36


@pytest.mark.parametrize(
    ("of", "text", "hours"),
    [
        ((2026, 3, 29), "sun 00:00-24:00", 23),  # the clock is set forward: the day has no 02:00
        ((2026, 3, 29), "sun 01:00-04:00", 2),
        ((2026, 10, 25), "sun 00:00-24:00", 25),  # and back: it has 02:00 twice
        ((2026, 10, 25), "sun 01:00-04:00", 4),
        ((2026, 10, 25), "sun 09:00-18:00", 9),
    ],
)
def test_open_hours_follow_daylight_saving_changes(of: tuple[int, int, int], text: str, hours: float) -> None:
    assert open_hours(text, *day(*of)) == hours


def test_only_spans_that_overlap_the_range_are_returned_in_utc() -> None:
    hours = parse("mon 09:00-18:00")
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)

    [(start, finish)] = hours.spans(noon, noon + timedelta(hours=1), BERLIN)

    assert (start, finish) == (datetime(2026, 11, 23, 8, tzinfo=UTC), datetime(2026, 11, 23, 17, tzinfo=UTC))
    assert parse("mon 09:00-10:00", "2026-11-23").holidays == {date(2026, 11, 23)}


@pytest.mark.parametrize(
    ("text", "holidays"),
    [
        ("", ""),
        ("always", ""),
        ("mon 9-18", ""),
        ("mon 18:00-09:00", ""),
        ("mon 09:00-25:00", ""),
        ("mon 09:61-10:00", ""),
        ("foo 09:00-18:00", ""),
        ("mon-bar 09:00-18:00", ""),
        ("mon 09:00-12:00, 11:00-14:00", ""),
        ("mon 09:00-18:00", "christmas"),
    ],
)
def test_invalid_business_hours_are_refused(text: str, holidays: str) -> None:
    with pytest.raises(BadInput):
        parse(text, holidays)
