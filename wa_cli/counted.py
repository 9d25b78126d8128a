"""A count with its noun."""

from __future__ import annotations


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Return a text like `1 message` or `1,204 messages`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
