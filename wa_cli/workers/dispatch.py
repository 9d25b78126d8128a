"""Claimed messages → API → answers. The request of each message, its event, and the pause before the next try."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from wa_cli.errors import DatabaseUnavailable
from wa_cli.isolation import reason_of
from wa_cli.messages.outcomes import Accepted, Blocked, NotTransmitted, Outcome, Rejected, Retryable, Unknown
from wa_cli.outbox import window_rules
from wa_cli.outbox.outbox import Claim, Outbox
from wa_cli.outbox.settlement import Settlement
from wa_cli.runtime.backoff import full_jitter, pair_pause
from wa_cli.runtime.stop import Stop
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Disposition, Emit
from wa_cli.workers.answer import Answer
from wa_cli.workers.spooling import Spooling

NOT_SENT_CAP = 2.0
WINDOW_CLOSED = 131047  # Meta's code of a message outside the window


class MessagesApi(Protocol):
    """The endpoint that sends messages. `CloudClient` is one."""

    async def send(
        self,
        message: Mapping[str, Any],
        *,
        phone: str | None,
        recipient: str | None,
        reference: UUID,
        attempt: int,
    ) -> Outcome:
        """Send one message, once, within a time limit of its own."""


class Dispatch:
    """Sends claimed messages side by side, at most `concurrency`, and gives their answers to `spooling`."""

    def __init__(
        self,
        outbox: Outbox,
        api: MessagesApi,
        spooling: Spooling,
        *,
        concurrency: int,
        lease: timedelta,
        send_timeout: timedelta,
        emit: Emit,
    ) -> None:
        self.outbox = outbox
        self.api = api
        self.spooling = spooling
        self.concurrency = concurrency
        self.lease = lease
        self.send_timeout = send_timeout.total_seconds()
        self.emit = emit
        self._in_flight: set[asyncio.Task[None]] = set()
        self._slot_free = asyncio.Event()
        self._error: BaseException | None = None

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def free_slots(self) -> int:
        return self.concurrency - len(self._in_flight)

    async def has_slot(self, stop: Stop) -> bool:
        """Wait a little for a free slot, or for `stop`. Return True if there is one.

        Raises the error of our own code that has ended a task.
        """
        if self._error:
            raise self._error
        if self.free_slots < 1:
            self._slot_free.clear()
            await stop.wait_for_either(self._slot_free, seconds=1.0)
        return self.free_slots > 0 and not stop

    def start(self, claims: Sequence[Claim], claimed_at: float) -> None:
        """Begin to send. The lease of the claims began at `claimed_at`, or a little later."""
        for claim in claims:
            task = asyncio.create_task(self._send(claim, claimed_at))
            self._in_flight.add(task)
            task.add_done_callback(self._landed)

    async def wait(self, seconds: float) -> None:
        """Wait at most that long until a message in flight has its answer."""
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    def cancel(self) -> None:
        """Leave the messages in flight. Their leases end, and evidence decides."""
        for task in self._in_flight:
            task.cancel()

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._slot_free.set()
        if not task.cancelled():
            self._error = self._error or task.exception()

    async def _send(self, claim: Claim, claimed_at: float) -> None:
        if time.monotonic() + self.send_timeout > claimed_at + self.lease.total_seconds():
            # Its request could still be running when another worker takes the message for lost.
            with suppress(DatabaseUnavailable):  # otherwise its lease ends by itself
                await asyncio.to_thread(self.outbox.release, [claim])
            return
        settlement = await send_claim(self.api, claim, self.emit)
        self.spooling.put(Answer(settlement, claimed_at, claim.is_probe and not claim.closed_at))


async def send_claim(api: MessagesApi, claim: Claim, emit: Emit) -> Settlement:
    """Send a claimed message and report its outcome. One outside its window is refused here, as the API would do later."""
    began_at = time.monotonic()
    try:
        outcome: Outcome
        if claim.closed_at:
            outcome = Rejected(WINDOW_CLOSED, window_rules.refusal(claim.closed_at))
        else:
            outcome = await api.send(
                claim.content,
                phone=claim.phone,
                recipient=claim.recipient,
                reference=claim.reference,
                attempt=claim.attempt,
            )
    except Exception as error:  # an error in our own code fails this message only
        outcome = Unknown(reason_of(error))
    pause = pause_after(claim, outcome)
    emit(_event(claim, outcome, time.monotonic() - began_at, pause))
    return Settlement(claim.reference, claim.attempt, claim.token, outcome, pause=pause)


def _event(claim: Claim, outcome: Outcome, seconds: float, pause: float) -> events.Event:
    customer, reference = claim.phone or claim.recipient or "?", str(claim.reference)
    match outcome:
        case Accepted(wamid):
            return events.Accepted(customer, wamid, reference, seconds, claim.waited_seconds)
        case Rejected(code, why):
            return events.NotAccepted(customer, Disposition.REJECTED, why, reference, code)
        case Retryable(code, why) | Blocked(code, why):
            return events.NotAccepted(customer, Disposition.RETRY, why, reference, code, claim.attempt, pause)
        case NotTransmitted(why):
            return events.NotAccepted(customer, Disposition.RETRY, why, reference, None, claim.attempt, pause)
        case Unknown(why):
            return events.NotAccepted(customer, Disposition.UNCERTAIN, why, reference)
    raise TypeError(f"Unknown outcome {outcome!r}")


def pause_after(claim: Claim, outcome: Outcome) -> float:
    """Return the seconds until a message that was not sent is due again."""
    match outcome:
        case Retryable(scope="pair", after=after):
            return max(after or 0.0, pair_pause(claim.attempt - 1 - claim.retry_count))
        case Retryable(scope="number", after=after):
            return after or 0.0  # the whole number pauses
        case Retryable(after=after):
            return max(after or 0.0, full_jitter(claim.retry_count + 1))
        case NotTransmitted():
            return full_jitter(1, cap=NOT_SENT_CAP) + 0.5
        case _:
            return 0.0
