"""The clock of the process, and times and durations as people write them.

Leases, schedules and everything else that several processes must agree on use the database's clock instead.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from wa_cli.errors import BadInput

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LARGEST_UNIX = 1e11  # seconds, the year 5138: a larger number is milliseconds
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_YEAR = 2200
LONGEST_SPAN = timedelta(days=36_500)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


def now() -> datetime:
    """Return the present instant, in UTC."""
    return datetime.now(UTC)


def naive_utc(moment: datetime) -> datetime:
    """Return an aware instant as the TIMESTAMP columns hold it: in UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def parse_unix(value: object) -> datetime | None:
    """Return the instant of a Unix time in seconds: a number, or text that is one.

    Milliseconds and microseconds are recognised by their size, and fractions are kept. Return None for a value that is not
    the time of a message: 0, a negative number, other text, a year after 2200.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
        for _ in range(2):
            seconds = seconds / 1000 if seconds >= LARGEST_UNIX else seconds
        found = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if seconds >= 1 and found.year < LATEST_YEAR else None


def parse_span(text: str, *, unit_required: bool = False) -> timedelta:
    """Return a duration as people write it: `25s`, `1h30m`, `7d`. A bare number is seconds unless a unit is required.

    Raises BadInput for anything else.
    """
    seconds = None if unit_required and text.strip().isdigit() else _seconds(text)
    if seconds is None:
        raise BadInput(f"{text!r} is not a duration.", hint="Write it like 30s, 15m, 24h or 7d.")
    if seconds > LONGEST_SPAN.total_seconds():
        raise BadInput(f"{text!r} is longer than {LONGEST_SPAN.days:,} days.")
    return timedelta(seconds=seconds)


def _seconds(text: str) -> float | None:
    cleaned = text.strip().lower().replace(" ", "")
    if re.fullmatch(r"\d+(\.\d+)?", cleaned):
        cleaned += "s"
    parts = _SPAN.findall(cleaned)
    if not parts or "".join(amount + unit for amount, unit in parts) != cleaned:
        return None
    return sum(float(amount) * UNITS[unit] for amount, unit in parts)


def check_year(instant: datetime) -> datetime:
    """Return the instant, in UTC. Raises BadInput if it is not between 1970 and 2200."""
    with suppress(OverflowError):
        if (utc := instant.astimezone(UTC)) >= EARLIEST and utc.year < LATEST_YEAR:
            return utc
    raise BadInput(f"{instant.date()} is not between {EARLIEST.year} and {LATEST_YEAR}.")


def parse_instant(text: str, zone: str) -> datetime:
    """Return an instant as people write it: an ISO 8601 time, by default in `zone`, or a duration from now.

    Raises BadInput for anything else.
    """
    from zoneinfo import ZoneInfo

    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        pass
    else:
        return check_year(instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(zone)))
    if _seconds(text) is None:
        raise BadInput(
            f"{text!r} is neither a time nor a duration.",
            hint='Write it like "2026-12-24 09:00", or 30m from now.',
        )
    return now() + parse_span(text)


def check_zone(name: str) -> str:
    """Return the name of a time zone. Raises BadInput if there is none of that name."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"{name!r} is not a time zone.", hint="Name one like Europe/Berlin or UTC.") from None
    return name


def format_span(span: timedelta) -> str:
    """Return a duration in its largest unit and the next one: `2d 3h`, `4m 10s`, `3h`, `350ms`."""
    seconds = abs(span.total_seconds())
    sign = "-" if span.total_seconds() < 0 else ""
    if 0.0005 <= seconds < 1:
        return f"{sign}{seconds * 1000:.0f}ms"
    left = int(seconds + 0.5)
    amounts: list[tuple[int, str]] = []
    for unit in ("d", "h", "m", "s"):
        amount, left = divmod(left, int(UNITS[unit]))
        if amount or amounts:
            amounts.append((amount, unit))
    return sign + (" ".join(f"{amount}{unit}" for amount, unit in amounts[:2] if amount) or "0s")
