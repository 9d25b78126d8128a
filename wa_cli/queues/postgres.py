"""A queue in a table of the database: for the embedded database, and for production without SQS."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from wa_cli.counted import counted
from wa_cli.database import sqlfiles
from wa_cli.database.arrivals import Arrivals
from wa_cli.database.engine import Database
from wa_cli.errors import WaError
from wa_cli.isolation import isolate
from wa_cli.queues.base import DeadLetter, Delivery, Depth, MessagesRejected, QueueMessage
from wa_cli.queues.dead_letters import DeadLetters, Transaction, insert_dead


class PostgresQueue:
    keeps_order = True

    def __init__(self, name: str, database: Database) -> None:
        self.name = name
        self._transaction: Transaction = database.transaction
        self._arrivals = Arrivals(database, name)
        self._dead = DeadLetters(name, self._transaction)

    def put(self, messages: Sequence[QueueMessage]) -> None:
        refused: list[tuple[QueueMessage, str]] = []
        isolate(messages, self._put, lambda message, reason: refused.append((message, reason)))
        self._notify()
        if refused:
            what = f"{len(refused)} of {counted(len(messages), 'message')} not queued"
            raise MessagesRejected(f"{what}: {refused[0][1]}", refused)

    def _put(self, messages: Sequence[QueueMessage]) -> None:
        rows = [{"id": str(uuid4()), "body": message.body, "customer": message.customer} for message in messages]
        self._run("put", rows=json.dumps(rows))

    def _notify(self) -> None:
        """Notify the receivers. Without it, they find the messages at their next poll."""
        with suppress(WaError):
            self._run("notify")

    def receive(self, limit: int, lease: timedelta, wait: timedelta = timedelta(0)) -> list[Delivery]:
        if not wait:
            return self._take(limit, lease)
        deadline = time.monotonic() + wait.total_seconds()
        while True:
            if self._arrivals.is_due:
                found = self._take(limit, lease)
                self._arrivals.note_look(found=bool(found))
                if found:
                    return found
            left = deadline - time.monotonic()
            if left <= 0:
                return []
            self._arrivals.wait(left)

    def _take(self, limit: int, lease: timedelta) -> list[Delivery]:
        with self._transaction() as connection:
            # One receiver at a time, since two could each take a message of the same customer.
            connection.execute(sa.text(sqlfiles.read("queue/lock")), {"queue": self.name})
            values = {"queue": self.name, "limit": limit, "lease": lease}
            return [Delivery(*row) for row in connection.execute(sa.text(sqlfiles.read("queue/receive")), values)]

    def close(self) -> None:
        """Stop listening for arrivals."""
        self._arrivals.close()

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        self._run("ack", rows=_leased(deliveries))

    def nack(self, deliveries: Sequence[Delivery], delay: timedelta = timedelta(0)) -> None:
        self._run("nack", rows=_leased(deliveries), delay=delay)

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        with self._transaction() as connection:
            held = connection.execute(
                sa.text(sqlfiles.read("queue/leased")),
                {"queue": self.name, "id": delivery.id, "token": delivery.handle},
            ).scalar()
            if held:
                message = {"id": delivery.id, "body": delivery.body, "reason": reason, "customer": delivery.customer}
                insert_dead(connection, self.name, [message])

    def refuse(self, message: QueueMessage, reason: str) -> None:
        self._dead.refuse(message, reason)

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        return self._dead.newest(limit)

    def redrive(self, limit: int) -> int:
        moved = self._run("redrive", limit=limit)
        self._notify()
        return len(moved)

    def purge_dead(self) -> int:
        return self._dead.purge()

    def dead_count(self) -> int:
        return self._dead.count()

    def depth(self) -> Depth:
        [row] = self._run("depth")
        return Depth(*row)

    def _run(self, name: str, **values: Any) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        with self._transaction() as connection:
            result = connection.execute(sa.text(sqlfiles.read(f"queue/{name}")), {"queue": self.name, **values})
            return result.all() if result.returns_rows else []


def _leased(deliveries: Sequence[Delivery]) -> str:
    return json.dumps([{"id": delivery.id, "token": delivery.handle} for delivery in deliveries])
