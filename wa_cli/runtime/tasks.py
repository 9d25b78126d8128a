"""Tasks that run side by side."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")


async def all_until_one_fails(*parts: Awaitable[None]) -> None:
    """Run the parts side by side to their ends. The first error cancels the rest and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(_awaited(part))
    except BaseExceptionGroup as failures:
        first = failures.exceptions[0]
        raise first from first.__cause__


async def _awaited(part: Awaitable[None]) -> None:
    await part


def within(limit: timedelta, work: Callable[[], T]) -> T:
    """Return the result of `work`, or raise its error. Raises TimeoutError after `limit`, and leaves its thread behind."""
    results: SimpleQueue[tuple[T | None, Exception | None]] = SimpleQueue()

    def run() -> None:
        try:
            results.put((work(), None))
        except Exception as error:  # it is raised in the caller's thread
            results.put((None, error))

    threading.Thread(target=run, name="within", daemon=True).start()
    try:
        result, error = results.get(timeout=limit.total_seconds())
    except Empty:
        raise TimeoutError(f"no result within {limit.total_seconds():g} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]
