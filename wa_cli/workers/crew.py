"""Several processes that do the same work side by side, forked from one that only looks after them.

The parent has loaded the program once, so that a process that dies is replaced in a moment. It forwards signals; when it
dies itself, its children notice and stop in order.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

from wa_cli.telemetry import events
from wa_cli.telemetry.events import Event

Tell = Callable[[Event], None]

SHORT_LIFE = 0.5
REST = 1.0
# How a command ends for good: done, usage, a check, configuration, partly done, still pending.
FINAL = (0, 2, 3, 4, 6, 8)
PENDING = 8


class Crew:
    """`count` processes. `divide` returns in each of them; in the parent it returns when all have ended."""

    def __init__(self, count: int, tell: Tell) -> None:
        self.count = count
        self.tell = tell
        self._born: dict[int, float] = {}
        self._codes: list[int] = []
        self._stopping = False
        self._read, self._write = os.pipe()

    def divide(self) -> int | None:
        """In a child the end of a pipe that closes when the parent is gone; in the parent, at the end of all, None."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._forward)
        for _ in range(self.count):
            if self._fork():
                return self._read
        while self._born:
            pid, status = os.wait()
            lived = time.monotonic() - self._born.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            if self._has_ended(code):
                self._codes.append(code)
                if code not in (0, PENDING):
                    self._stop(signal.SIGTERM)
            else:
                self.tell(events.WorkerDied(pid, code))
                if self._fork(REST if lived < SHORT_LIFE else 0.0):
                    return self._read
        return None

    @property
    def exit_code(self) -> int:
        """The worst of those that ended by themselves."""
        return max(self._codes, default=0)

    def _has_ended(self, code: int) -> bool:
        """Whether it is not to be replaced: it is done, or the next one would end the same way."""
        return self._stopping or code in FINAL

    def _fork(self, rest: float = 0.0) -> bool:
        """A new process; whether this is it."""
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self._born[pid] = time.monotonic()
            return False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.setpgid(0, 0)  # Ctrl-C at the terminal reaches the parent alone, which forwards it once
        os.close(self._write)
        time.sleep(rest)
        return True

    def _forward(self, number: int, frame: object) -> None:
        del frame
        self._stop(signal.Signals(number))

    def _stop(self, number: signal.Signals) -> None:
        self._stopping = True
        for pid in self._born:
            os.kill(pid, number)
