"""Several worker processes of one command, forked from a supervisor that replaces those that die.

The supervisor has loaded the program, so that a replacement starts at once. Its children stop in order when the pipe
from it closes, because it closes it or because it dies. A service manager signals supervisor and children alike, and
each child gets its first signal then.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from wa_cli.runtime.signals import LEFT_AT_ONCE, leave_code
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Emit

SHORT_LIFE, REST = 0.5, 1.0
# Exit codes of a command that has finished its work, and of one that cannot start, so that a replacement could not either.
DONE, HOPELESS = (0, 6, 8), (2, 3, 4)
BEGINNING = 5.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)


class Supervisor:
    """Supervises `count` processes. `divide` returns in each of them, and in the supervisor when all have ended."""

    def __init__(self, count: int, emit: Emit) -> None:
        self.count = count
        self.emit = emit
        self._born: dict[int, float] = {}
        self._codes: list[int] = []
        self._read, self._write = os.pipe()
        self._is_stopping = False
        self._left_by = 0

    def divide(self) -> int | None:
        """Return in a child the end of a pipe that closes when the child is to stop. Return None in the supervisor."""
        # Signals are waited for, not caught: one that comes just before a blocking call would be noticed after it.
        signal.signal(signal.SIGCHLD, lambda *_: None)  # a signal that is ignored by default is not kept for sigwait
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        for _ in range(self.count):
            if self._fork():
                return self._read
        while self._born:
            number = signal.sigwait(SIGNALS)
            if number != signal.SIGCHLD:
                self._stop_on(number)
            elif self._replace_the_dead():
                return self._read
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        return None

    def _replace_the_dead(self) -> bool:
        """Replace processes that died. Return True in a replacement."""
        while self._born:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            born = self._born.pop(pid, None)
            if born is None:
                continue  # an orphan of another process, which the first process of a container gets
            if self._is_replaced(pid, os.waitstatus_to_exitcode(status), time.monotonic() - born):
                return True
        return False

    @property
    def exit_code(self) -> int:
        """The worst exit code of those that ended by themselves, or the signal's if they were killed."""
        return self._left_by or max(self._codes, default=0)

    def _is_replaced(self, pid: int, code: int, lived: float) -> bool:
        """Handle a process that ended. Return True in its replacement."""
        hopeless = code in HOPELESS and lived < BEGINNING
        if self._is_stopping or code in DONE or hopeless:
            self._codes.append(max(code, 0))
            if hopeless:
                self._stop()
            return False
        self.emit(events.WorkerDied(pid, code))
        return self._fork(REST if lived < SHORT_LIFE else 0.0)

    def _fork(self, rest: float = 0.0) -> bool:
        """Start a process. Return True in it."""
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self._born[pid] = time.monotonic()
            return False
        os.setpgid(0, 0)  # Ctrl-C at the terminal is for the supervisor only
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if not self._is_stopping:
            os.close(self._write)
        time.sleep(rest)
        return True

    def _stop_on(self, number: int) -> None:
        """Stop in order on the first signal, and kill on the second."""
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
