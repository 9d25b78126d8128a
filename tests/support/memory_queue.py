"""A queue in memory. It has its own clock."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

from wa_cli.queues.base import DeadLetter, Delivery, Depth, QueueMessage


@dataclass
class _Message:
    id: str
    body: str
    customer: str | None
    put_at: datetime
    visible_at: datetime
    receives: int = 0
    handle: str | None = None


class MemoryQueue:
    keeps_order = True

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self._messages: list[_Message] = []
        self._dead: list[tuple[QueueMessage, DeadLetter]] = []
        self._ids = count(1)
        self._lock = threading.Lock()

    def pass_time(self, span: timedelta) -> None:
        self.now += span

    def put(self, messages: Sequence[QueueMessage]) -> None:
        with self._lock:
            for message in messages:
                identity = str(next(self._ids))
                self._messages.append(_Message(identity, message.body, message.customer, self.now, self.now))

    def receive(self, limit: int, lease: timedelta, wait: timedelta = timedelta(0)) -> list[Delivery]:
        del wait  # nothing is put while the caller waits, and only pass_time moves the clock
        with self._lock:
            busy = {m.customer for m in self._messages if m.visible_at > self.now} - {None}
            ready = [m for m in self._messages if m.visible_at <= self.now and m.customer not in busy][:limit]
            for message in ready:
                message.receives += 1
                message.handle = uuid4().hex
                message.visible_at = self.now + lease
            return [Delivery(m.id, m.body, m.receives, m.customer, m.handle or "") for m in ready]

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        with self._lock:
            for delivery in deliveries:
                if held := self._leased(delivery):
                    self._messages.remove(held)

    def nack(self, deliveries: Sequence[Delivery], delay: timedelta = timedelta(0)) -> None:
        with self._lock:
            for delivery in deliveries:
                if held := self._leased(delivery):
                    held.handle, held.visible_at = None, self.now + delay

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        with self._lock:
            if held := self._leased(delivery):
                self._messages.remove(held)
                self._bury(held.id, QueueMessage(held.body, held.customer), reason)

    def refuse(self, message: QueueMessage, reason: str) -> None:
        self._bury(str(next(self._ids)), message, reason)

    def _bury(self, identity: str, message: QueueMessage, reason: str) -> None:
        self._dead.append((message, DeadLetter(identity, message.body, reason, self.now)))

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        return [letter for _, letter in self._dead[::-1][:limit]]

    def redrive(self, limit: int) -> int:
        with self._lock:
            moved, self._dead = self._dead[:limit], self._dead[limit:]
        self.put([message for message, _ in moved])
        return len(moved)

    def purge_dead(self) -> int:
        gone, self._dead = len(self._dead), []
        return gone

    def dead_count(self) -> int:
        return len(self._dead)

    def depth(self) -> Depth:
        waiting = [m for m in self._messages if m.visible_at <= self.now]
        later = [m for m in self._messages if m.visible_at > self.now]
        oldest = min((m.put_at for m in waiting), default=self.now)
        return Depth(
            waiting=len(waiting),
            in_flight=sum(1 for m in later if m.handle),
            delayed=sum(1 for m in later if not m.handle),
            oldest_seconds=(self.now - oldest).total_seconds(),
        )

    def _leased(self, delivery: Delivery) -> _Message | None:
        return next((m for m in self._messages if m.handle == delivery.handle), None)
