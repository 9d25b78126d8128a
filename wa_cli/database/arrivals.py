"""Arrivals on a queue of the database, by NOTIFY. Polling is the backup, and all there is behind a pooler without LISTEN."""

from __future__ import annotations

import select
import time
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import psycopg2
import sqlalchemy as sa
from sqlalchemy import exc

from wa_cli.database.engine import Database, run
from wa_cli.errors import WaError

CHANNEL = "wa_queue"  # of sql/queue/notify.sql
# Seconds between two looks at the queue: without notifications, and with them as the backup.
POLL, BACKUP_POLL = 0.2, 3.0
PROBE_LIMIT = 1.0  # seconds that a notification to ourselves may take
# Seconds until LISTEN is tried again: after a failure, and where no notification came.
RETRY_AFTER, RETRY_MUTE = 30.0, 3600.0
_FAILURES = (WaError, exc.SQLAlchemyError, psycopg2.Error, OSError, ValueError)


class Arrivals:
    """Tells a receiver when to look at its queue. One thread waits at a time.

    A pooler that gives a server connection to several clients forwards no notification and no error. So a notification to
    ourselves is awaited first, and polling goes on if it does not come.
    """

    def __init__(self, database: Database, queue: str) -> None:
        self.database = database
        self.queue = queue
        self._stack = ExitStack()
        self._driver: Any = None
        self._retry_at = 0.0
        self._looked_at = float("-inf")
        self._has_news = True

    @property
    def is_due(self) -> bool:
        """True if something may have arrived since the last look, or if that was too long ago."""
        return self._has_news or self._seconds_left() <= 0

    def note_look(self, *, found: bool) -> None:
        """Note a look at the queue. One that found messages may have left others."""
        self._looked_at = time.monotonic()
        self._has_news = found

    def wait(self, seconds: float) -> None:
        """Wait until `is_due`, at most so many seconds. The first wait tries LISTEN, for up to a second."""
        if self._driver is None and time.monotonic() >= self._retry_at:
            self._listen()
            self._has_news = True  # what arrived before is told by nothing
            return
        patience = max(0.0, min(seconds, self._seconds_left()))
        if self._driver is None:
            time.sleep(patience)
            return
        try:
            self._has_news = self.queue in self._notified(patience)
        except _FAILURES:
            self._stop_listening()

    def close(self) -> None:
        self._stop_listening()

    def _seconds_left(self) -> float:
        interval = POLL if self._driver is None else BACKUP_POLL
        return self._looked_at + interval - time.monotonic()

    def _listen(self) -> None:
        try:
            connection = self._stack.enter_context(self.database.autocommit())
            self._stack.callback(connection.invalidate)  # so that the pool gets no connection that still listens
            connection.execute(sa.text(f"LISTEN {CHANNEL}"))
            self._driver = connection.connection.dbapi_connection
            if not self._is_notified():
                self._stop_listening(RETRY_MUTE)
        except _FAILURES:
            self._stop_listening()

    def _is_notified(self) -> bool:
        probe = str(uuid4())
        with self.database.transaction() as connection:
            run(connection, "queue/notify", queue=probe)
        deadline = time.monotonic() + PROBE_LIMIT
        while (left := deadline - time.monotonic()) > 0:
            if probe in self._notified(left):
                return True
        return False

    def _notified(self, seconds: float) -> set[str]:
        """Return the payloads of the notifications that come within that time."""
        select.select([self._driver], [], [], seconds)
        self._driver.poll()
        payloads = {notification.payload for notification in self._driver.notifies}
        self._driver.notifies.clear()
        return payloads

    def _stop_listening(self, retry_after: float = RETRY_AFTER) -> None:
        self._driver = None
        self._retry_at = time.monotonic() + retry_after
        stack, self._stack = self._stack, ExitStack()
        try:
            stack.close()
        except _FAILURES:
            return
