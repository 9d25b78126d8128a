"""Several processes that do the same work side by side, forked from one that only looks after them.

The parent has loaded the program once, so that a process that dies is replaced in a moment. Its children stop in order
when the pipe from it closes, whether it closes it or dies: a signal that reaches parent and children alike, as a
service manager sends it, is then each one's first.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

from wa_cli.runtime.signals import LEFT_AT_ONCE, leave_code
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Event

Emit = Callable[[Event], None]

SHORT_LIFE, REST = 0.5, 1.0
# How a command ends that has nothing left to do; and how one ends that cannot be begun, so that the next would neither.
DONE, HOPELESS = (0, 6, 8), (2, 3, 4)
BEGINNING = 5.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)


class Supervisor:
    """`count` processes. `divide` returns in each of them; in the parent it returns when all have ended."""

    def __init__(self, count: int, emit: Emit) -> None:
        self.count = count
        self.emit = emit
        self._born: dict[int, float] = {}
        self._codes: list[int] = []
        self._read, self._write = os.pipe()
        self._is_stopping = False
        self._left_by = 0

    def divide(self) -> int | None:
        """In a child the end of a pipe that closes when it is to stop; in the parent, at the end of all, None."""
        # Signals are waited for, not caught: one that comes just before a blocking call would be noticed after it.
        signal.signal(signal.SIGCHLD, lambda *_: None)  # what is ignored by default need not be kept for us
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        for _ in range(self.count):
            if self._fork():
                return self._read
        while self._born:
            number = signal.sigwait(SIGNALS)
            if number != signal.SIGCHLD:
                self._stop_on(number)
            elif self._look_after_the_ended():
                return self._read
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        return None

    def _look_after_the_ended(self) -> bool:
        """Replace those that are to be replaced; True in a successor."""
        while self._born:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            born = self._born.pop(pid, None)
            if born is None:
                continue  # somebody's orphan: the first process of a container gets those
            if self._is_replaced(pid, os.waitstatus_to_exitcode(status), time.monotonic() - born):
                return True
        return False

    @property
    def exit_code(self) -> int:
        """The worst of those that ended by themselves; the signal's where they were not let."""
        return self._left_by or max(self._codes, default=0)

    def _is_replaced(self, pid: int, code: int, lived: float) -> bool:
        """Look after one that ended; True in its successor."""
        hopeless = code in HOPELESS and lived < BEGINNING
        if self._is_stopping or code in DONE or hopeless:
            self._codes.append(max(code, 0))
            if hopeless:
                self._stop()
            return False
        self.emit(events.WorkerDied(pid, code))
        return self._fork(REST if lived < SHORT_LIFE else 0.0)

    def _fork(self, rest: float = 0.0) -> bool:
        """A new process; whether this is it."""
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self._born[pid] = time.monotonic()
            return False
        os.setpgid(0, 0)  # Ctrl-C at the terminal is the parent's alone
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if not self._is_stopping:
            os.close(self._write)
        time.sleep(rest)
        return True

    def _stop_on(self, number: int) -> None:
        """The first signal lets everybody finish, the second nobody."""
        if not self._is_stopping:
            self.emit(events.Stopping(signal.Signals(number).name))
            self._stop()
            return
        self._left_by = leave_code(number)
        sys.stderr.write(LEFT_AT_ONCE)
        for pid in self._born:
            os.kill(pid, signal.SIGKILL)

    def _stop(self) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            os.close(self._write)
