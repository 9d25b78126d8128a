"""Webhooks onto their queue; and what lies on the disk because the queue was away, when it is back.

A webhook may come onto the queue twice this way, and does no harm: recording it again is a no-op.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from wa_cli.errors import DatabaseDown, QueueError
from wa_cli.queues.base import Letter, Queue
from wa_cli.storage.spool import Orphan, Record, Spool
from wa_cli.telemetry import events
from wa_cli.telemetry.damper import Damper
from wa_cli.telemetry.logs import Tell

BATCH = 200
KEY = "webhook"
AWAY = (DatabaseDown, QueueError)


def admit(queue: Queue, letters: Sequence[Letter]) -> None:
    """Have them on the queue; one that is larger than it takes is among its dead, with that reason.

    Raises QueueError or DatabaseDown, and then some may be there and some not.
    """
    fitting = [letter for letter in letters if _fits(queue, letter)]
    if fitting:
        queue.put(fitting)
    for letter in letters:
        if not _fits(queue, letter):
            queue.refuse(letter, f"it is larger than the {queue.largest} bytes that the queue takes")


def _fits(queue: Queue, letter: Letter) -> bool:
    return queue.largest is None or len(letter.body.encode()) <= queue.largest


class Readmission:
    """The webhooks on this machine's disk. Threads may share it: one keeps while another brings back."""

    def __init__(self, queue: Queue, spool: Spool, tell: Tell) -> None:
        self.queue = queue
        self.spool = spool
        self.tell = tell
        self._damper = Damper(tell)
        self._bringing_back = threading.Lock()

    def keep(self, letters: Sequence[Letter]) -> None:
        """On the disk until the queue is back. Raises SpoolUnwritable where that cannot be, or there is no room."""
        self.spool.check_quota()
        self.spool.keep([{KEY: letter.body} for letter in letters])

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
            self.tell(events.Readmitted(back))
        return back

    def _adopt(self, path: Path) -> int:
        try:
            with self.spool.adopt(path) as orphan:
                return self._bring_back(orphan) if orphan is not None else 0
        except OSError as error:
            said = str(error)
            self._damper.tell(path.name, lambda _: events.Away("The spool of webhooks", said))
            return 0

    def _bring_back(self, orphan: Orphan) -> int:
        letters = [Letter(record[KEY]) for record in orphan.records if _is_webhook(record)]
        for start in range(0, len(letters), BATCH):
            admit(self.queue, letters[start : start + BATCH])
        strange = [record for record in orphan.records if not _is_webhook(record)]
        if strange:
            orphan.set_aside(strange)
        return len(letters)


def _is_webhook(record: Record) -> bool:
    return isinstance(record.get(KEY), str)
