"""SIGTERM and Ctrl-C: the first one stops in order, the second one leaves at once.

After the first signal nothing new is begun and messages in flight are finished. After the second one the next worker
repairs messages in flight from the spool and from evidence.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from wa_cli.runtime.stop import Stop
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Emit

LEFT_AT_ONCE = "\nStopped at once. The next worker settles messages in flight from the spool and from evidence.\n"


def leave_code(number: int) -> int:
    """Return the exit code of a process that leaves on this signal."""
    return 128 + number


@contextmanager
def stopping_on_signals(stop: Stop, emit: Emit) -> Iterator[None]:
    """Set `stop` on the first SIGINT or SIGTERM, and end the process on the second."""
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []

    def arrived(number: signal.Signals) -> None:
        received.append(number)
        if len(received) > 1:
            sys.stderr.write(LEFT_AT_ONCE)
            sys.stderr.flush()
            os._exit(leave_code(number))
        emit(events.Stopping(number.name))
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, arrived, number)
    try:
        yield
        if stop:
            emit(events.Stopped())
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextmanager
def stopping_with_parent(stop: Stop, pipe: int | None) -> Iterator[None]:
    """Set `stop` when the process at the other end of the pipe closes it or has died."""
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
