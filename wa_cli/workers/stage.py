"""A stage of a pipeline: it handles what has arrived, batch by batch."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

from wa_cli.runtime.watchdog import Watchdog

BATCH = 500

T = TypeVar("T")


class Stage(ABC, Generic[T]):
    """A stage of the sender: items wait in a queue and are handled in batches.

    `pending` counts the items that wait or are being handled. A stage never waits for a full batch.
    """

    name: ClassVar[str]

    def __init__(self) -> None:
        self.pending = 0
        self._arrived: asyncio.Queue[T] = asyncio.Queue()
        self._beat: Callable[[str], None] = lambda _: None

    def put(self, item: T) -> None:
        self.pending += 1
        self._arrived.put_nowait(item)

    async def run(self, watchdog: Watchdog | None = None) -> None:
        """Handle batches until it is cancelled."""
        if watchdog:
            self._beat = watchdog.beat
        while True:
            await self.run_once()
            if watchdog:
                watchdog.forget(self.name)

    async def run_once(self) -> int:
        """Wait for an item, and handle it with all others that have arrived. Return their number."""
        items = [await self._arrived.get()]
        while len(items) < BATCH and not self._arrived.empty():
            items.append(self._arrived.get_nowait())
        self.beat()
        await self.handle(items)
        self.pending -= len(items)
        for _ in items:
            self._arrived.task_done()
        return len(items)

    def beat(self) -> None:
        """Tell the watchdog of progress."""
        self._beat(self.name)

    async def join(self) -> None:
        """Wait until nothing is pending."""
        await self._arrived.join()

    @abstractmethod
    async def handle(self, items: list[T]) -> None:
        """Handle a batch of at least one item."""
