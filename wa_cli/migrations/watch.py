"""Watches a running statement from another connection: its progress, and the sessions that it waits for.

A concurrent build waits for older transactions by design, without a time-out that could leave it half built. So the
watch cancels a statement that has waited for too long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from wa_cli.database.engine import Database, run
from wa_cli.errors import DatabaseUnavailable, RowRefused
from wa_cli.migrations.progress import Moved, Report, Waiting

LOOK_EVERY = 0.5
TELL_WAITING_EVERY = 5.0
_OURS = "wa migrate: "


class Watch:
    """A look at the sessions that block a step of a migration, or that it blocks.

    `patience` is the time that one statement may wait for others.
    """

    def __init__(self, database: Database, report: Report, patience: timedelta) -> None:
        self.database = database
        self.report = report
        self.patience = patience.total_seconds()
        self.gave_up_on: str | None = None

    @contextmanager
    def over(self, pid: int) -> Iterator[None]:
        """Watch the server process `pid` until the end of the block."""
        self.gave_up_on = None
        over = threading.Event()
        thread = threading.Thread(target=self._look_on, args=(pid, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _look_on(self, pid: int, over: threading.Event) -> None:
        pace, waiting = _Pace(), _Waiting(self.report)
        while not over.wait(LOOK_EVERY):
            try:
                with self.database.reading() as connection:
                    seen = run(connection, "watch/doing", pid=pid).one_or_none()
                    who = _who(connection, list(seen.waits_for)) if seen and seen.waits_for else None
                if who and waiting.emit(who) >= self.patience:
                    self._stop(pid, who)
                    continue
            except (DatabaseUnavailable, RowRefused):
                continue  # the next query may work, and the statement itself reports the fault
            if over.is_set() or seen is None:
                return
            if who:
                continue
            waiting.ended()
            if seen.phase:
                self.report(Moved(seen.phase, seen.share, pace.left(seen.phase, seen.share)))
            elif seen.application_name.startswith(_OURS):
                self.report(Moved(seen.application_name.removeprefix(_OURS)))

    def _stop(self, pid: int, who: str) -> None:
        self.gave_up_on = who
        with self.database.transaction() as connection:
            connection.execute(sa.text("SELECT pg_cancel_backend(:pid)"), {"pid": pid})


class _Waiting:
    """The time that a statement waits, reported every few seconds."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self._since: float | None = None
        self._told = float("-inf")

    def emit(self, who: str) -> float:
        """Return the seconds it has waited."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._told >= TELL_WAITING_EVERY:
            self._told = now
            self.report(Waiting(who, now - self._since))
        return now - self._since

    def ended(self) -> None:
        self._since = None


class _Pace:
    """Estimates the remaining time of a phase from its pace so far."""

    def __init__(self) -> None:
        self._phase: str | None = None
        self._since = 0.0
        self._first = 0.0

    def left(self, phase: str, share: float | None) -> float | None:
        now = time.monotonic()
        if share is None or phase != self._phase:
            self._phase, self._since, self._first = phase, now, share or 0.0
            return None
        done = share - self._first
        return (1.0 - share) * (now - self._since) / done if done > 0 else None


def holders(connection: sa.Connection, table: str | None) -> str:
    """Return the sessions that use the table now, the oldest transaction first, in words."""
    return _who(connection, [pid for (pid,) in run(connection, "watch/holders", table=table)])


def _who(connection: sa.Connection, pids: list[int]) -> str:
    known = [pid for pid in pids if pid]
    named = [_named(process) for process in run(connection, "watch/processes", pids=known)]
    if len(known) < len(pids):  # a lock that no process holds
        named += [f"the prepared transaction {gid!r}" for (gid,) in run(connection, "watch/prepared")]
    return "; ".join(named) or "a transaction that has ended since"


def _named(process: Any) -> str:
    """Return a session like `process 4711 (reports, user shop, idle in transaction, open for 12 s: SELECT …)`."""
    known = [
        process.application_name or "unnamed",
        f"user {process.usename}" if process.usename else None,
        process.state,
    ]
    if process.open_seconds is not None:
        known.append(f"open for {process.open_seconds:,.0f} s")
    query = " ".join((process.query or "").split())
    return f"process {process.pid} ({', '.join(filter(None, known))}{f': {query}' if query else ''})"
