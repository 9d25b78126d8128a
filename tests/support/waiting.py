"""Waiting for other processes, and a free port."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from subprocess import Popen
from typing import IO


def until(condition: Callable[[], bool], what: str = "it", limit: float = 60.0) -> float:
    """Wait until the condition holds. Return the seconds that it took. Raises TimeoutError after `limit` seconds."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit:
            raise TimeoutError(f"{what} never came")
        time.sleep(0.02)
    return time.monotonic() - began


def line_with(text: str, process: Popen[str], stream: IO[str] | None = None, limit: float = 60.0) -> str:
    """Return the next line of the process, by default of its stdout, that contains the text.

    A process that does not write it within `limit` seconds is killed. Raises AssertionError with its lines.
    """
    lines: list[str] = []
    timer = threading.Timer(limit, process.kill)
    timer.start()
    try:
        for line in stream or process.stdout or ():
            lines.append(line)
            if text in line:
                return line
    finally:
        timer.cancel()
    raise AssertionError(f"{text!r} never came:\n{''.join(lines)}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
