"""Takes messages to be sent: check, queue. The command line and the HTTP API both come here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.queues.base import Letter, Queue

ESTIMATE_KEPT = 2.0


class Submitter:
    """`number`: the id of the business number that is to send, where it is known. `rate`: messages a second that the
    workers may send; `waiting`: how many are in front, asked now and then.
    """

    def __init__(self, queue: Queue, *, number: str | None, rate: float, waiting: Callable[[], int]) -> None:
        self.queue = queue
        self.number = number
        self.rate = rate
        self._waiting = waiting
        self._in_front = 0
        self._asked_at = float("-inf")

    def submit(self, messages: Sequence[OutgoingMessage]) -> list[dict[str, Any]]:
        """Queue all of them or none; what to tell of each. Raises BadInput where one could not be sent."""
        addressed = [replace(message, number=message.number or self.number) for message in messages]
        for message in addressed:
            message.check()
        self.queue.put([Letter(message.to_body(), message.customer) for message in addressed])
        return [self._told(message, place) for place, message in enumerate(messages, start=1)]

    def _told(self, message: OutgoingMessage, place: int) -> dict[str, Any]:
        return {
            "status": "queued",
            "message_id": str(message.reference),
            "phone_number": message.phone_number or message.recipient,
            "message_type": message.type,
            "estimated_processing_time": round((self._backlog() + place) / self.rate + 1, 1),
        }

    def _backlog(self) -> int:
        if time.monotonic() - self._asked_at > ESTIMATE_KEPT:
            self._in_front, self._asked_at = self._waiting(), time.monotonic()
        return self._in_front
