"""Webhooks on their way to the queue, and those in the spool while the queue is unavailable.

A webhook may reach the queue twice, which is harmless: recording it again changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from wa_cli.batches import batches
from wa_cli.errors import DatabaseUnavailable, RowRefused
from wa_cli.isolation import OUTAGES, reason_of
from wa_cli.outbox.spool import Orphan, Record, Spool
from wa_cli.queues.base import MessagesRejected, Queue, QueueMessage
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Emit, Sweep

BATCH = 200
KEY = "webhook"


def admit(queue: Queue, messages: Sequence[QueueMessage]) -> list[QueueMessage]:
    """Put webhooks on the queue. One that the queue will never take becomes a dead letter with the reason.

    Return those that can be neither, since the database of the dead letters is unavailable or refuses them: spool
    them. Raises QueueError or DatabaseUnavailable if the queue is unavailable.
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
    """The spooled webhooks of this machine. Threads may share it."""

    def __init__(self, queue: Queue, spool: Spool, emit: Emit) -> None:
        self.queue = queue
        self.spool = spool
        self.emit = emit
        self._bringing_back = threading.Lock()

    def spool_all(self, messages: Sequence[QueueMessage]) -> None:
        """Spool webhooks until the queue is available. Raises SpoolUnwritable if the disk or the quota is full."""
        self.spool.check_quota()
        self.spool.append([{KEY: message.body} for message in messages])

    def run_once(self) -> int:
        """Put spooled webhooks of this process and of dead ones on the queue. Return their number.

        Raises DatabaseUnavailable or QueueError if the queue is unavailable. Then all of them stay.
        """
        back = 0
        with self._bringing_back:
            self.spool.close()  # from now on any process may adopt them
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
                    self.emit(events.Swept(Sweep.UNREADABLE_LINES, orphan.broken, path.name))
                return self._bring_back(orphan)
        except OUTAGES:
            raise
        except Exception as error:  # one bad file does not stop the others
            self.emit(events.MaintenanceFailed(f"{path.name}: {reason_of(error)}"))
            return 0

    def _bring_back(self, orphan: Orphan) -> int:
        messages = [QueueMessage(record[KEY]) for record in orphan.records if _is_webhook(record)]
        for part in batches(messages, BATCH):
            self._leave(admit(self.queue, part))
        strange = [record for record in orphan.records if not _is_webhook(record)]
        if strange:
            orphan.set_aside(strange)
        return len(messages)

    def _leave(self, messages: Sequence[QueueMessage]) -> None:
        if messages:
            self.spool.append_for_others([{KEY: message.body} for message in messages])


def _is_webhook(record: Record) -> bool:
    return isinstance(record.get(KEY), str)
