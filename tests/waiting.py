"""For what other processes bring about: wait until it holds, and where nobody listens yet."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable


def until(condition: Callable[[], bool], what: str = "it", limit: float = 60.0) -> float:
    """Seconds until the condition holds. Raises TimeoutError where it does not come."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit:
            raise TimeoutError(f"{what} never came")
        time.sleep(0.02)
    return time.monotonic() - began


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
