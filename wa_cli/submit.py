"""Checks messages and queues them, for the command line and the HTTP API."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

from wa_cli.errors import DatabaseUnavailable, ReferenceTaken, Unconfirmed, WaError
from wa_cli.isolation import OUTAGES
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.queues.base import MessagesRejected, Queue, QueueMessage

ESTIMATE_KEPT = 2.0
LONGEST_KEY = 255
# Estimates in words: the first whose seconds are not exceeded.
ESTIMATES = (
    (60, "less than 1 minute"),
    (300, "1-5 minutes"),
    (900, "5-15 minutes"),
    (3600, "15-60 minutes"),
    (21_600, "1-6 hours"),
)
LONGEST_ESTIMATE = "more than 6 hours"
_REFERENCES = UUID("0b8f5b0c-2f0b-5c4e-8f0e-52a7f4f2b7d1")


def reference_of(key: str, caller: str = "") -> UUID:
    """Return the reference of the messages that this caller sends under an idempotency key: always the same."""
    return uuid5(_REFERENCES, f"{caller}\0{key}")


def in_words(seconds: float) -> str:
    """Return an estimate as people say it, such as 1-5 minutes."""
    return next((words for limit, words in ESTIMATES if seconds <= limit), LONGEST_ESTIMATE)


def _hint(has_key: bool) -> str:
    """Return what to do after a put without an answer."""
    if has_key:
        return "Repeat the request with the same idempotency key. The message is then sent once."
    return "Repeat the request. With an idempotency key, a repeated message is sent once."


class Submitter:
    """Puts messages on the outgoing queue.

    `number` is the id of the business number that must send, if it is known. `rate` is the send rate of the workers in
    messages a second, and `waiting` returns the number of messages in front. `is_taken` returns True if another
    message is known under the reference of this one. `in_seconds` returns the estimate as a number.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        number: str | None,
        rate: float,
        waiting: Callable[[], int],
        is_taken: Callable[[OutgoingMessage], bool] = lambda _: False,
        in_seconds: bool = False,
    ) -> None:
        self.queue = queue
        self.number = number
        self.rate = rate
        self._waiting = waiting
        self._is_taken = is_taken
        self._in_seconds = in_seconds
        self._in_front = 0
        self._asked_at = float("-inf")

    def submit(self, messages: Sequence[OutgoingMessage], *, has_key: bool = False) -> list[dict[str, Any]]:
        """Queue all messages or none. Return a receipt for each.

        With `has_key` their references come from idempotency keys and may have been used before. Raises BadInput if
        one cannot be sent, ReferenceTaken if its key was used for another message, and Unconfirmed if the queue does
        not confirm that it has them.
        """
        addressed = [self._checked(message, has_key) for message in messages]
        self._put(addressed, has_key)
        return [self._receipt(message, place) for place, message in enumerate(messages, start=1)]

    def submit_each(self, asked: Sequence[tuple[OutgoingMessage, bool]]) -> list[dict[str, Any] | WaError]:
        """Queue the messages with one put, each with its `has_key`. Return a receipt for each, or the error that `submit`
        would raise for it alone.
        """
        results: list[dict[str, Any] | WaError] = []
        good: list[tuple[int, OutgoingMessage]] = []
        for place, (message, has_key) in enumerate(asked):
            try:
                good.append((place, self._checked(message, has_key)))
                results.append(self._receipt(message, len(good)))
            except WaError as error:
                results.append(error)
        try:
            self._put([message for _, message in good], has_key=False)
        except MessagesRejected as error:
            bodies = {message.to_body(): place for place, message in good}
            for refused, reason in error.rejected:
                results[bodies[refused.body]] = MessagesRejected(reason, [(refused, reason)])
        except Unconfirmed as error:
            for place, _ in good:
                results[place] = Unconfirmed(error.message, hint=_hint(asked[place][1]))
        return results

    def _checked(self, message: OutgoingMessage, has_key: bool) -> OutgoingMessage:
        """Return the message with the business number that sends it. Raises BadInput, or ReferenceTaken for a used key."""
        addressed = replace(message, phone_number_id=message.phone_number_id or self.number)
        addressed.check()
        if has_key:
            self._check_key(addressed)
        return addressed

    def _check_key(self, message: OutgoingMessage) -> None:
        with suppress(DatabaseUnavailable):  # the worker checks again
            if self._is_taken(message):
                raise ReferenceTaken("The idempotency key was used before, for another message.", hint="Use a new key.")

    def _put(self, messages: Sequence[OutgoingMessage], has_key: bool) -> None:
        try:
            self.queue.put([QueueMessage(message.to_body(), message.customer) for message in messages])
        except MessagesRejected:
            raise
        except OUTAGES as error:
            raise Unconfirmed(
                f"Queue unavailable. It is not known whether the message was queued: {error.message}",
                hint=_hint(has_key),
            ) from error

    def _receipt(self, message: OutgoingMessage, place: int) -> dict[str, Any]:
        estimate = round((self._backlog() + place) / self.rate + 1, 1)
        return {
            "status": "queued",
            "message_id": str(message.reference),
            "phone_number": message.phone or message.recipient,
            "message_type": message.type,
            "estimated_processing_time": estimate if self._in_seconds else in_words(estimate),
        }

    def _backlog(self) -> int:
        """Return the number of messages in front, as far as queue and outbox tell. The message is queued in any case."""
        if time.monotonic() - self._asked_at > ESTIMATE_KEPT:
            self._asked_at = time.monotonic()
            with suppress(WaError):
                self._in_front = self._waiting()
        return self._in_front
