"""Tasks side by side: the first error ends them, and keeps its cause."""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import timedelta

import pytest

from tests.support.event_loop import in_event_loop
from wa_cli.runtime.tasks import all_until_one_fails, within


@in_event_loop
async def test_the_first_error_cancels_the_others_and_keeps_its_cause() -> None:
    """The remedy of a database error depends on the driver's error, which is its cause."""
    cause = ValueError("42703")
    is_cancelled = asyncio.Event()

    async def fail() -> None:
        raise KeyError("refused") from cause

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            is_cancelled.set()

    with pytest.raises(KeyError) as raised:
        await all_until_one_fails(run(), fail())

    assert raised.value.__cause__ is cause
    assert is_cancelled.is_set()


def test_work_within_a_limit_gives_its_result_its_error_or_a_time_out() -> None:
    assert within(timedelta(seconds=10), lambda: 5) == 5
    with pytest.raises(KeyError):
        within(timedelta(seconds=10), lambda: os.environ["WA_NOTHING"])
    released = threading.Event()
    with pytest.raises(TimeoutError):
        within(timedelta(milliseconds=1), released.wait)
    released.set()
