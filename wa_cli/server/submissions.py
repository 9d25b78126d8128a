"""Messages of concurrent requests, queued together: one commit, or one request to SQS, for all that have arrived."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from wa_cli.errors import WaError
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.submit import Submitter

BATCH = 200


@dataclass(frozen=True)
class _Asked:
    message: OutgoingMessage
    has_key: bool
    receipt: asyncio.Future[dict[str, Any]]


class Submissions:
    """Each process has one, used from one event loop."""

    def __init__(self, submitter: Submitter) -> None:
        self.submitter = submitter
        self._waiting: list[_Asked] = []
        self._carrier: asyncio.Task[None] | None = None

    async def submit(self, message: OutgoingMessage, *, has_key: bool) -> dict[str, Any]:
        """Return the receipt once the queue has the message. Raises the errors of `Submitter.submit`."""
        asked = _Asked(message, has_key, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._carrier is None or self._carrier.done():
            self._carrier = asyncio.create_task(self._carry())
        return await asked.receipt

    async def _carry(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            try:
                pairs = [(asked.message, asked.has_key) for asked in batch]
                results: list[Any] = list(await asyncio.to_thread(self.submitter.submit_each, pairs))
            except Exception as error:  # of our own code: it is answered, and the next batch goes on
                results = [error] * len(batch)
            for asked, result in zip(batch, results, strict=True):
                _answer(asked.receipt, result)


def _answer(receipt: asyncio.Future[dict[str, Any]], result: dict[str, Any] | WaError | Exception) -> None:
    if receipt.done():  # its client may have disconnected
        return
    if isinstance(result, Exception):
        receipt.set_exception(result)
    else:
        receipt.set_result(result)
