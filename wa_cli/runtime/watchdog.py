"""Progress of the loops of a process: the last progress, and the end of a process that makes none."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

HANG_LIMIT = 60.0
HANG_EXIT = 70


class Progress:
    """The time of a worker's last progress. Its parts note it, its heartbeat reports it."""

    def __init__(self) -> None:
        self._at: float | None = None

    def note(self) -> None:
        self._at = time.monotonic()

    @property
    def idle(self) -> timedelta | None:
        """The time since the last progress, or None if there was none yet."""
        return None if self._at is None else timedelta(seconds=time.monotonic() - self._at)


class Watchdog:
    """Ends a process if one of its loops has made no progress for `limit` seconds.

    Each loop calls `beat` in each round. Waiting for a dependency that is known to be unavailable is a round too.
    """

    def __init__(self, limit: float = HANG_LIMIT, on_hang: Callable[[str], None] | None = None) -> None:
        self._limit = limit
        self._beats: dict[str, float] = {}
        self._on_hang = on_hang or self._leave
        self._done = threading.Event()

    def beat(self, name: str) -> None:
        self._beats[name] = time.monotonic()

    def forget(self, name: str) -> None:
        self._beats.pop(name, None)

    def stuck(self) -> str | None:
        """Return the name of a loop that hangs, or None."""
        late = time.monotonic() - self._limit
        return next((name for name, at in list(self._beats.items()) if at < late), None)

    @contextmanager
    def watching(self) -> Iterator[Watchdog]:
        thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._done.set()

    def _watch(self) -> None:
        while not self._done.wait(min(1.0, self._limit / 4)):
            if (name := self.stuck()) is not None:
                self._on_hang(name)
                return

    @staticmethod
    def _leave(name: str) -> None:
        sys.stderr.write(f"The loop {name!r} made no progress for {HANG_LIMIT:.0f} s. Stopping. All threads:\n")
        faulthandler.dump_traceback(all_threads=True)
        sys.stderr.flush()
        os._exit(HANG_EXIT)


async def with_beats(work: Callable[[], object], beat: Callable[[], None]) -> None:
    """Run work in a thread that may take long and has time-outs of its own. Waiting for it counts as progress."""
    task = asyncio.create_task(asyncio.to_thread(work))
    while not task.done():
        beat()
        await asyncio.wait({task}, timeout=1.0)
    await task
