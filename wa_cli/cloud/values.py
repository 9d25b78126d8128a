"""Single values of Meta's JSON, read once and bounded: whatever stands there, the answer fits a column or is None."""

from __future__ import annotations

from typing import Any

# Meta's ids have at most 128 characters (wamid, user id); what is far longer is none, and would not fit an index.
LONGEST_ID = 512
LONGEST_PERSON = 150
_LARGEST_CODE = (1 << 31) - 1


def word(value: Any) -> str | None:
    """Return text that is not empty."""
    return value if isinstance(value, str) and value else None


def integer(value: Any) -> int | None:
    """Return a whole number that fits an integer column, such as an error code. `true` is no number."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and abs(value) <= _LARGEST_CODE else None


def identity(value: Any) -> str:
    """Return a phone number or a user id as text; empty where there is none, or none that could be a person's."""
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return text if len(text) <= LONGEST_PERSON else ""
