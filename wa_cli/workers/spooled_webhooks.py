"""Webhooks onto their queue; and what lies on the disk because the queue was away, when it is back.

A webhook may come onto the queue twice this way, and does no harm: recording it again is a no-op.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from wa_cli.errors import DatabaseUnavailable, RowRefused
from wa_cli.isolation import OUTAGES, reason_of
from wa_cli.outbox.spool import Orphan, Record, Spool
from wa_cli.queues.base import MessagesRejected, Queue, QueueMessage
from wa_cli.telemetry import events
from wa_cli.telemetry.log_throttle import LogThrottle
from wa_cli.telemetry.logs import Emit

BATCH = 200
KEY = "webhook"


def admit(queue: Queue, messages: Sequence[QueueMessage]) -> list[QueueMessage]:
    """Have them on the queue; one that it will never take is among its dead, with the reason.

    Returns the letters that can be neither, while the database of the dead letters is unavailable or refuses them: keep
    them. Raises QueueError or DatabaseDown while the queue is unavailable.
    """
    left = []
    try:
        queue.put(messages)
    except MessagesRejected as refusal:
        for message, reason in refusal.rejected:
            try:
                queue.refuse(message, reason)
            except (DatabaseUnavailable, RowRefused):
                left.append(message)
    return left


class SpooledWebhooks:
    """The webhooks on this machine's disk. Threads may share it: one keeps while another brings back."""

    def __init__(self, queue: Queue, spool: Spool, emit: Emit) -> None:
        self.queue = queue
        self.spool = spool
        self.emit = emit
        self._log_throttle = LogThrottle(emit)
        self._bringing_back = threading.Lock()

    def keep(self, messages: Sequence[QueueMessage]) -> None:
        """On the disk until the queue is back. Raises SpoolUnwritable where that cannot be, or there is no room."""
        self.spool.check_quota()
        self.spool.append([{KEY: message.body} for message in messages])

    def run_once(self) -> int:
        """Put back what lies there, this process's own and what dead ones left; how many.

        Raises DatabaseDown or QueueError while the queue is away: then all of it stays.
        """
        back = 0
        with self._bringing_back:
            self.spool.close()  # what this process has kept is anybody's now
            for path in self.spool.orphans():
                back += self._adopt(path)
        if back:
            self.emit(events.Requeued(back))
        return back

    def _adopt(self, path: Path) -> int:
        try:
            with self.spool.adopt(path) as orphan:
                if orphan is None:
                    return 0
                if orphan.broken:
                    self.emit(events.Swept(f"Lines of {path.name} that cannot be read, set aside", orphan.broken))
                return self._bring_back(orphan)
        except OUTAGES:
            raise
        except Exception as error:  # this file's trouble is not the next one's
            said = reason_of(error)
            self._log_throttle.emit("spool", lambda _: events.Unavailable("The spool of webhooks", said))
            return 0

    def _bring_back(self, orphan: Orphan) -> int:
        messages = [QueueMessage(record[KEY]) for record in orphan.records if _is_webhook(record)]
        for start in range(0, len(messages), BATCH):
            self._leave(admit(self.queue, messages[start : start + BATCH]))
        strange = [record for record in orphan.records if not _is_webhook(record)]
        if strange:
            orphan.set_aside(strange)
        return len(messages)

    def _leave(self, messages: Sequence[QueueMessage]) -> None:
        if messages:
            self.spool.append_for_others([{KEY: message.body} for message in messages])


def _is_webhook(record: Record) -> bool:
    return isinstance(record.get(KEY), str)
