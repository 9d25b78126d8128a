"""A queue in a table of the database: the embedded world's, and production's where SQS would be one thing too many."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from wa_cli.database import sqlfiles
from wa_cli.isolation import isolate
from wa_cli.queues.base import DeadLetter, Delivery, Depth, Letter, LettersRefused
from wa_cli.queues.dead_letters import DeadLetters, Transaction, insert_dead

POLL = 0.2


class PostgresQueue:
    keeps_order = True
    in_database = True

    def __init__(self, name: str, transaction: Transaction) -> None:
        self.name = name
        self._transaction = transaction
        self._dead = DeadLetters(name, transaction)

    def put(self, letters: Sequence[Letter]) -> None:
        refused: list[tuple[Letter, str]] = []
        isolate(letters, self._put, lambda letter, reason: refused.append((letter, reason)))
        if refused:
            what = f"{len(refused)} of {len(letters)} messages could not be queued"
            raise LettersRefused(f"{what}: {refused[0][1]}", refused)

    def _put(self, letters: Sequence[Letter]) -> None:
        rows = [{"id": str(uuid4()), "body": letter.body, "customer": letter.customer} for letter in letters]
        self._run("put", rows=json.dumps(rows))

    def receive(self, limit: int, lease: timedelta, wait: timedelta = timedelta(0)) -> list[Delivery]:
        deadline = time.monotonic() + wait.total_seconds()
        while True:
            with self._transaction() as connection:
                # One receiver at a time: two at once could each take a message of the same customer.
                connection.execute(sa.text(sqlfiles.read("queue/lock")), {"queue": self.name})
                found = connection.execute(
                    sa.text(sqlfiles.read("queue/receive")), {"queue": self.name, "limit": limit, "lease": lease}
                ).all()
            if found or time.monotonic() >= deadline:
                return [Delivery(*row) for row in found]
            time.sleep(POLL)

    def done(self, deliveries: Sequence[Delivery]) -> None:
        self._run("done", rows=_held(deliveries))

    def again(self, deliveries: Sequence[Delivery], after: timedelta = timedelta(0)) -> None:
        self._run("again", rows=_held(deliveries), after=after)

    def extend(self, deliveries: Sequence[Delivery], lease: timedelta) -> None:
        self._run("extend", rows=_held(deliveries), lease=lease)

    def bury(self, delivery: Delivery, reason: str) -> None:
        with self._transaction() as connection:
            held = connection.execute(
                sa.text(sqlfiles.read("queue/held")), {"queue": self.name, "id": delivery.id, "token": delivery.handle}
            ).scalar()
            if held:
                letter = {"id": delivery.id, "body": delivery.body, "reason": reason, "customer": delivery.customer}
                insert_dead(connection, self.name, [letter])

    def refuse(self, letter: Letter, reason: str) -> None:
        self._dead.refuse(letter, reason)

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        return self._dead.newest(limit)

    def redrive(self, limit: int) -> int:
        return len(self._run("redrive", limit=limit))

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


def _held(deliveries: Sequence[Delivery]) -> str:
    return json.dumps([{"id": delivery.id, "token": delivery.handle} for delivery in deliveries])
