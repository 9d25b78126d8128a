"""Checks messages and queues them, for the command line and the HTTP API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from wa_cli.errors import DatabaseUnavailable, ReferenceTaken, Unconfirmed, WaError, WindowClosed
from wa_cli.isolation import OUTAGES
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.messages.states import WindowRule
from wa_cli.queues.base import MessagesRejected, Queue, QueueMessage
from wa_cli.runtime.circuit_breaker import CircuitBreaker

ESTIMATE_KEPT = 2.0
BLIND_SECONDS = 60.0  # without judging windows, after the database did not answer
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


def _reference_taken() -> ReferenceTaken:
    return ReferenceTaken("The idempotency key was used before, for another message.", hint="Use a new key.")


def _hint(has_key: bool) -> str:
    """Return what to do after a put without an answer."""
    if has_key:
        return "Repeat the request with the same idempotency key. The message is then sent once."
    return "Repeat the request. With an idempotency key, a repeated message is sent once."


def _outside(message: OutgoingMessage, closed_at: datetime) -> OutgoingMessage | WindowClosed:
    """Return a message whose window is closed as its template, unchanged if it waits for the customer, or the error."""
    if message.or_template:
        return message.as_template()
    if message.window == WindowRule.HOLD:
        return message
    return WindowClosed(
        f"The 24-hour window of {message.phone or message.recipient} closed at {closed_at:%Y-%m-%d %H:%M} UTC, so only a"
        " template can be sent.",
        hint="Send a template, or have the message replaced by one, held or forced.",
        command=f"wa send template {message.phone or message.recipient} hello_world",
    )


class Submitter:
    """Puts messages on the outgoing queue.

    `number` is the id of the business number that must send, if it is known. `rate` is the send rate of the workers in
    messages a second, and `waiting` returns the number of messages in front. `find_taken` returns those of some messages
    whose references are known for other messages, `find_known` the references that were queued before, and `find_closed`
    the customers whose 24-hour window is closed, with the instant at which it closed. `in_seconds` returns the estimate as
    a number.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        number: str | None,
        rate: float,
        waiting: Callable[[], int],
        find_taken: Callable[[Sequence[OutgoingMessage]], Sequence[OutgoingMessage]] = lambda _: (),
        find_closed: Callable[[Sequence[OutgoingMessage]], Mapping[str, datetime]] = lambda _: {},
        find_known: Callable[[Sequence[UUID]], Set[UUID]] = lambda _: set(),
        in_seconds: bool = False,
    ) -> None:
        self.queue = queue
        self.number = number
        self.rate = rate
        self._waiting = waiting
        self._find_taken = find_taken
        self._find_closed = find_closed
        self._find_known = find_known
        self._windows_breaker = CircuitBreaker(BLIND_SECONDS)
        self._in_seconds = in_seconds
        self._in_front = 0
        self._counted_at = float("-inf")

    def submit(self, messages: Sequence[OutgoingMessage], *, has_key: bool = False) -> list[dict[str, Any]]:
        """Queue all messages or none. Return a receipt for each.

        With `has_key` their references come from idempotency keys and may have been used before. Raises BadInput if
        one cannot be sent, WindowClosed if it needs a template, ReferenceTaken if its key was used for another message,
        and Unconfirmed if the queue does not confirm that it has them.
        """
        addressed = self._within_windows([self._checked(message) for message in messages], [has_key] * len(messages))
        if refused := [message for message in addressed if isinstance(message, WindowClosed)]:
            raise refused[0]
        messages = [message for message in addressed if isinstance(message, OutgoingMessage)]
        if has_key and self._taken(messages):
            raise _reference_taken()
        self._put(messages, has_key)
        return [self._receipt(message, place) for place, message in enumerate(messages, start=1)]

    def submit_each(self, asked: Sequence[tuple[OutgoingMessage, bool]]) -> list[dict[str, Any] | WaError]:
        """Queue the messages with one put, each with its `has_key`. Return a receipt for each, or the error that `submit`
        would raise for it alone.
        """
        results: list[dict[str, Any] | WaError | None] = [None] * len(asked)
        good: dict[int, OutgoingMessage] = {}
        for place, (message, _) in enumerate(asked):
            try:
                good[place] = self._checked(message)
            except WaError as error:
                results[place] = error
        keyed = [asked[place][1] for place in good]
        for place, judged in zip(list(good), self._within_windows(list(good.values()), keyed), strict=True):
            if isinstance(judged, WindowClosed):
                results[place] = judged
                del good[place]
            else:
                good[place] = judged
        for place in self._places_taken([place for place in good if asked[place][1]], good):
            results[place] = _reference_taken()
            del good[place]
        self._put_each(good, [has_key for _, has_key in asked], results)
        return [
            self._receipt(good[place], place + 1) if result is None else result for place, result in enumerate(results)
        ]

    def _put_each(
        self,
        good: Mapping[int, OutgoingMessage],
        has_key: Sequence[bool],
        results: list[dict[str, Any] | WaError | None],
    ) -> None:
        """Put the messages by their places, and write the errors of those that are not queued to their places."""
        try:
            self._put(list(good.values()), has_key=False)
        except MessagesRejected as error:
            places: dict[str, list[int]] = {}
            for place, message in good.items():
                places.setdefault(message.to_body(), []).append(place)
            for refused, reason in error.rejected:
                results[places[refused.body].pop()] = MessagesRejected(reason, [(refused, reason)])
        except Unconfirmed as error:
            for place in good:
                results[place] = Unconfirmed(error.message, hint=_hint(has_key[place]))

    def _checked(self, message: OutgoingMessage) -> OutgoingMessage:
        """Return the message with the business number that sends it. Raises BadInput."""
        addressed = replace(message, phone_number_id=message.phone_number_id or self.number)
        addressed.check()
        return addressed

    def _within_windows(
        self, messages: Sequence[OutgoingMessage], has_key: Sequence[bool]
    ) -> list[OutgoingMessage | WindowClosed]:
        """Return the messages, as templates where the window is closed, or the error of those that need one.

        A repeated request, whose message is known by its key, gets the answer of the first one.
        """
        judged = [message for message in messages if message.needs_window]
        closed, known = self._closed(judged, zip(messages, has_key, strict=True)) if judged else ({}, set())
        return [
            _outside(message, closed[message.customer])
            if message.needs_window and message.customer in closed and message.reference not in known
            else message
            for message in messages
        ]

    def _closed(
        self, judged: Sequence[OutgoingMessage], asked: Iterable[tuple[OutgoingMessage, bool]]
    ) -> tuple[Mapping[str, datetime], Set[UUID]]:
        """Return the closed windows, and the references that were queued before. During an outage no window is known, and
        the worker judges again.
        """
        if self._windows_breaker.is_open:
            return {}, set()
        try:
            closed = self._find_closed(judged)
            repeated = [message.reference for message, has_key in asked if has_key and message.customer in closed]
            return closed, self._find_known(repeated) if repeated else set()
        except WaError:
            self._windows_breaker.trip()
            return {}, set()

    def _places_taken(self, places: Sequence[int], messages: Mapping[int, OutgoingMessage]) -> list[int]:
        taken = {id(message) for message in self._taken([messages[place] for place in places])}
        return [place for place in places if id(messages[place]) in taken]

    def _taken(self, messages: Sequence[OutgoingMessage]) -> Sequence[OutgoingMessage]:
        """Return the messages whose keys were used for others. During an outage the worker finds them."""
        with suppress(DatabaseUnavailable):
            return self._find_taken(messages) if messages else ()
        return ()

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
        if time.monotonic() - self._counted_at > ESTIMATE_KEPT:
            with suppress(WaError):
                self._in_front = self._waiting()
            self._counted_at = time.monotonic()  # after it, since it may be slow
        return self._in_front
