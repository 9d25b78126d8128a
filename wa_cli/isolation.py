"""Isolation of bad records: a batch that fails is halved until the failing record is alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from wa_cli.errors import DatabaseUnavailable, QueueError, WaError

T = TypeVar("T")

# These errors say nothing about a record: the same batch may pass later.
OUTAGES = (DatabaseUnavailable, QueueError)
LONGEST_REASON = 500


def isolate(items: Sequence[T], work: Callable[[Sequence[T]], object], refuse: Callable[[T, str], object]) -> None:
    """Do `work` on all items, in batches as large as possible.

    `work` does a whole batch or nothing of it. If it raises, the batch is halved, and an item that fails alone goes to
    `refuse` with the reason. DatabaseUnavailable and QueueError are raised unchanged.
    """
    if not items:
        return
    try:
        work(items)
    except OUTAGES:
        raise
    except Exception as error:
        if len(items) == 1:
            refuse(items[0], reason_of(error))
            return
        middle = len(items) // 2
        isolate(items[:middle], work, refuse)
        isolate(items[middle:], work, refuse)


def reason_of(error: Exception) -> str:
    """Return the cause of the error in one line, for a dead letter or a log."""
    text = error.message if isinstance(error, WaError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:LONGEST_REASON]
