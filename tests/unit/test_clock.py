from datetime import timedelta

import pytest

from wa_cli.clock import format_span, now, parse_instant, parse_span
from wa_cli.errors import BadInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("25s", 25), ("1h30m", 5400), ("7d", 604800), ("350ms", 0.35), ("90", 90), ("1.5h", 5400), ("2w", 1209600)],
)
def test_durations_are_parsed(text: str, seconds: float) -> None:
    assert parse_span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "5x", "-3s", "1h foo", "h"])
def test_an_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_span(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.35, "350ms"), (59.6, "1m"), (3725, "1h 2m"), (200000, "2d 7h"), (10803, "3h"), (-60, "-1m")],
)
def test_durations_are_formatted_with_at_most_two_units(seconds: float, text: str) -> None:
    assert format_span(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2026-12-24 09:00", "UTC", "2026-12-24T09:00:00+00:00"),
        ("2026-12-24 09:00", "Europe/Berlin", "2026-12-24T08:00:00+00:00"),
        ("2026-07-01T09:00", "America/New_York", "2026-07-01T13:00:00+00:00"),
        ("2026-12-24T09:00+02:00", "America/New_York", "2026-12-24T07:00:00+00:00"),
    ],
)
def test_a_time_without_an_offset_is_in_the_given_time_zone(text: str, zone: str, instant: str) -> None:
    assert parse_instant(text, zone).isoformat() == instant


def test_a_duration_given_as_a_time_counts_from_now() -> None:
    assert timedelta(minutes=29) < parse_instant("30m", "UTC") - now() <= timedelta(minutes=30)


def test_a_text_that_is_neither_a_time_nor_a_duration_is_refused() -> None:
    with pytest.raises(BadInput, match="'tomorrow' is neither a time nor a duration"):
        parse_instant("tomorrow", "UTC")
