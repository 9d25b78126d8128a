"""Limits for a request, and for all requests together, before the caller is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

from wa_cli.telemetry import events
from wa_cli.telemetry.events import Emit

# Meta's own bodies have up to 3 MB. On other routes a body is read before its caller is known, and is small.
LARGEST_WEBHOOK, LARGEST_BODY = 4 << 20, 64 << 10
WEBHOOKS = ("/webhook", "/webhook/")
MOST_IN_MEMORY = 64 << 20
# A request of this size passes while large ones wait: most webhooks, and each health check.
SMALL = 64 << 10
# Bytes that all connections of this process may hold outside the application.
MOST_BUFFERED = 64 << 20
# A refused body is read to its end and dropped, within reason, so that its client gets the answer.
DRAINED = 64 << 20

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class BodyLimit:
    """Middleware in front of the application: 413 for a body that is too large, 503 while too many bytes are in memory."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], emit: Emit = lambda _: None) -> None:
        self.app = app
        self._emit = emit
        self.held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, largest = 0, LARGEST_WEBHOOK if scope.get("path") in WEBHOOKS else LARGEST_BODY

        async def limited() -> MutableMapping[str, Any]:
            nonlocal size
            message = await receive()
            part = len(message.get("body", b""))
            size += part
            self.held += part
            if size > largest or _claimed(scope) > largest:
                self._emit(events.RequestRefused("too large"))
                await _drain(receive, message)
                raise HTTPException(413, f"The body is larger than {largest >> 10} KiB.")
            if self.held > (MOST_IN_MEMORY if size > SMALL else 2 * MOST_IN_MEMORY):
                self._emit(events.RequestRefused("too much in memory"))
                raise HTTPException(503, "Too many bytes are being received.", headers={"Retry-After": "5"})
            return message

        try:
            await self.app(scope, limited, send)
        finally:
            self.held -= size


class Buffered:
    """The bytes that connections hold, by client. A client that holds more than half is disconnected first."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._by_client: Counter[str] = Counter()
        self.held = 0

    def change(self, client: str, amount: int) -> None:
        self.held += amount
        self._by_client[client] += amount
        if not self._by_client[client]:
            del self._by_client[client]

    def is_too_much(self, client: str, amount: int) -> bool:
        """Return True if a connection of this client with so many bytes must be closed. At twice the limit each one must."""
        is_greedy = amount > SMALL and self._by_client[client] > self.held / 2
        return self.held > (MOST_BUFFERED if is_greedy else 2 * MOST_BUFFERED)

    def cut_off(self, reason: str) -> None:
        """Emit that a connection was closed."""
        self._emit(events.ConnectionsCut(reason))


def _claimed(scope: Scope) -> int:
    """Return the announced length of the body. The parser has refused a value that is not a number."""
    return next((int(value) for name, value in scope.get("headers", ()) if name == b"content-length"), 0)


async def _drain(receive: Receive, message: MutableMapping[str, Any]) -> None:
    drained = 0
    while message.get("more_body") and drained < DRAINED:
        message = await receive()
        drained += len(message.get("body", b""))
