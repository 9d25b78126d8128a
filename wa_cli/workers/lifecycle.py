"""How a worker lives: parts run side by side until a signal, then stop in order; a part that hangs ends the process.

First SIGTERM or Ctrl-C: nothing new is begun, what is in flight is finished. Second: leave now; what was in flight is
repaired from spool and evidence by the next worker.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from wa_cli.errors import DatabaseDown
from wa_cli.telemetry import events
from wa_cli.telemetry.logs import Tell
from wa_cli.workers.backoff import full_jitter

HANG_LIMIT = 60.0
HANG_EXIT = 70
# A worker that starts in an outage tries the database again after this many seconds at most.
START_CAP = 15.0


LEFT_AT_ONCE = "\nLeft at once: what was in flight is settled by the next worker, from spool and evidence.\n"


def leave_code(number: int) -> int:
    """The exit code of a process that leaves on this signal."""
    return 128 + number


class Stop:
    """Whether to stop, and the way to wait for it: `await stop.wait(0.5)` instead of a sleep."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float | None = None) -> bool:
        """Until it is set, or for that long; whether it is set."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        return self._event.is_set()


@contextmanager
def stopping_on_signals(stop: Stop, tell: Tell) -> Iterator[None]:
    """The first SIGINT or SIGTERM sets `stop`, the second ends the process."""
    loop = asyncio.get_running_loop()
    heard: list[signal.Signals] = []

    def arrived(number: signal.Signals) -> None:
        heard.append(number)
        if len(heard) > 1:
            sys.stderr.write(LEFT_AT_ONCE)
            sys.stderr.flush()
            os._exit(leave_code(number))
        tell(events.Stopping(number.name))
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, arrived, number)
    try:
        yield
        if stop:
            tell(events.Stopped())
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextmanager
def stopping_with_parent(stop: Stop, pipe: int | None) -> Iterator[None]:
    """When the process at the other end of the pipe closes it or is gone, stop in order."""
    loop = asyncio.get_running_loop()

    def closed(pipe: int) -> None:
        loop.remove_reader(pipe)
        stop.set()

    if pipe is not None:
        loop.add_reader(pipe, closed, pipe)
    try:
        yield
    finally:
        if pipe is not None:
            loop.remove_reader(pipe)


async def until_ready(check: Callable[[], None], tell: Tell, *, waits: bool) -> bool:
    """Run `check`, with `waits` again until the database answers. Return False if a signal came first."""
    stop, tries = Stop(), 0
    with stopping_on_signals(stop, tell):
        while not stop:
            try:
                check()
            except DatabaseDown as error:
                if not waits:
                    raise
                if not tries:
                    tell(events.Away("The database", error.message))
                tries += 1
                await stop.wait(full_jitter(tries, cap=START_CAP))
            else:
                if tries:
                    tell(events.Back("The database"))
                return True
    return False


class Progress:
    """When a worker last got on with its work. Its parts note it, its heartbeat tells it."""

    def __init__(self) -> None:
        self._at: float | None = None

    def note(self) -> None:
        self._at = time.monotonic()

    @property
    def idle(self) -> timedelta | None:
        """How long ago that was; None where there was none yet."""
        return None if self._at is None else timedelta(seconds=time.monotonic() - self._at)


class Watchdog:
    """Ends a process one of whose loops has not moved for a minute: silence helps nobody.

    Each loop calls `beat` when it comes round; waiting for a known outage is coming round too.
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
        """The loop that hangs, if one does."""
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
        sys.stderr.write(f"The loop {name!r} has not moved for {HANG_LIMIT:.0f} s: leaving. Where everything stood:\n")
        faulthandler.dump_traceback(all_threads=True)
        sys.stderr.flush()
        os._exit(HANG_EXIT)


async def with_beats(work: Callable[[], object], beat: Callable[[], None]) -> None:
    """Work in a thread that may take long and has time-outs of its own: waiting for it is progress."""
    task = asyncio.create_task(asyncio.to_thread(work))
    while not task.done():
        beat()
        await asyncio.wait({task}, timeout=1.0)
    await task


async def all_until_one_fails(*parts: Awaitable[None]) -> None:
    """Run the parts side by side to their ends; the first that fails cancels the rest and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(_awaited(part))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _awaited(part: Awaitable[None]) -> None:
    await part
