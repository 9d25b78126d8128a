"""Single values of Meta's JSON, read once and bounded: the result fits a column or is None."""

from __future__ import annotations

from typing import Any

# Meta's ids have at most 128 characters (wamid, user id). A much longer one is not an id, and does not fit an index.
LONGEST_ID = 512
LONGEST_PERSON = 150
_LARGEST_CODE = (1 << 31) - 1


def word(value: Any) -> str | None:
    """Return text that is not empty."""
    return value if isinstance(value, str) and value else None


def integer(value: Any) -> int | None:
    """Return a whole number that fits an integer column, such as an error code. `true` is not a number."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and abs(value) <= _LARGEST_CODE else None


def identity(value: Any) -> str:
    """Return a phone number or a user id as text, or an empty text if the value is neither."""
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return text if len(text) <= LONGEST_PERSON else ""
