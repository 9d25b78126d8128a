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
