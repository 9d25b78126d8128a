"""A stop request, and waits that end with it."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Stop:
    """A request to stop. `await stop.wait(0.5)` takes the place of a sleep."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is set, or for that many seconds. Return True if it is set."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        return self._event.is_set()

    async def wait_for_either(self, event: asyncio.Event, *, seconds: float) -> None:
        """Wait until this or the event is set, at most that many seconds."""
        waiting = {asyncio.create_task(event.wait()), asyncio.create_task(self.wait(seconds))}
        _, late = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in late:
            task.cancel()
