"""The dead letters of every queue, with their reasons. They are in the database for every transport."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from wa_cli.database import sqlfiles
from wa_cli.queues.base import DeadLetter, Delivery, QueueMessage

Transaction = Callable[[], AbstractContextManager[sa.Connection]]

_NOT_ASCII = re.compile(r"[^\t\n\r\x20-\x7e]")


def insert_dead(connection: sa.Connection, queue: str, messages: Sequence[Mapping[str, Any]]) -> None:
    """Write dead letters: id, body, reason, customer. Text that the database's encoding lacks is written as JSON escapes."""
    statement = sa.text(sqlfiles.read("queue/dead_letter"))
    try:
        with connection.begin_nested():
            connection.execute(statement, {"queue": queue, "rows": json.dumps(messages)})
    except exc.DataError:
        escaped = [{key: _escaped(value) for key, value in message.items()} for message in messages]
        connection.execute(statement, {"queue": queue, "rows": json.dumps(escaped)})


def _escaped(value: str | None) -> str | None:
    """Return the text with JSON escapes, which mean the same character inside a JSON string."""
    return value and _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], value)


class DeadLetters:
    """The dead letters of one queue."""

    def __init__(self, queue: str, transaction: Transaction) -> None:
        self.queue = queue
        self._transaction = transaction

    def add(self, delivery: Delivery, reason: str) -> None:
        self._bury(delivery.id, QueueMessage(delivery.body, delivery.customer), reason)

    def refuse(self, message: QueueMessage, reason: str) -> None:
        """Store a message that was on no queue, under an id of its content, so that a repetition changes nothing."""
        self._bury(hashlib.sha256(message.body.encode(errors="surrogatepass")).hexdigest(), message, reason)

    def _bury(self, identity: str, message: QueueMessage, reason: str) -> None:
        row = {"id": identity, "body": message.body, "reason": reason, "customer": message.customer}
        with self._transaction() as connection:
            insert_dead(connection, self.queue, [row])

    def newest(self, limit: int) -> list[DeadLetter]:
        return [DeadLetter(*row) for row in self._run("dead", limit=limit)]

    def redrive(self, limit: int, put: Callable[[Sequence[QueueMessage]], None]) -> int:
        """Move the oldest dead letters with `put`, one by one. Each is deleted as soon as it is put."""
        moved = 0
        while moved < limit and self._redrive_oldest(put):
            moved += 1
        return moved

    def _redrive_oldest(self, put: Callable[[Sequence[QueueMessage]], None]) -> bool:
        with self._transaction() as connection:
            found = connection.execute(sa.text(sqlfiles.read("queue/oldest_dead")), {"queue": self.queue}).one_or_none()
            if found is None:
                return False
            put([QueueMessage(found.body, found.customer)])
            connection.execute(sa.text(sqlfiles.read("queue/forget_dead")), {"queue": self.queue, "id": found.id})
            return True

    def purge(self) -> int:
        return len(self._run("purge_dead"))

    def count(self) -> int:
        [(number,)] = self._run("dead_count")
        return int(number)

    def _run(self, name: str, **values: Any) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        with self._transaction() as connection:
            result = connection.execute(sa.text(sqlfiles.read(f"queue/{name}")), {"queue": self.queue, **values})
            return result.all() if result.returns_rows else []
