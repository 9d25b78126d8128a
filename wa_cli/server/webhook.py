"""Meta's webhook: verify, ingest, answer at once. If wa cannot take it, Meta keeps it and repeats it for days."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.requests import ClientDisconnect

from wa_cli.cloud import signature, webhook_splitting, webhooks
from wa_cli.errors import BadInput
from wa_cli.outbox.spool import SpoolUnwritable
from wa_cli.server.ingest import Ingest
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Emit, WebhookResult

# Characters of a queue message. A larger webhook is split.
LARGEST_PIECE = 200_000
# A body of this size or more is read and split in its own thread, so that other requests do not wait.
LONG_BODY = 64_000


class Refusal(Exception):
    """The answer to a webhook that is not accepted. `retry` asks its sender to repeat it."""

    def __init__(self, status: int, result: WebhookResult, reason: str = "", *, retry: bool = False) -> None:
        super().__init__(result)
        self.status = status
        self.result = result
        self.reason = reason
        self.retry = retry


class Receiver:
    """Takes posted bodies. Without an `app_secret` unsigned ones are accepted: for a laptop, never in production."""

    def __init__(self, ingest: Ingest, app_secret: str | None) -> None:
        self.ingest = ingest
        self.app_secret = app_secret

    async def receive(self, body: bytes, signatures: list[str]) -> WebhookResult:
        """Return the result when the webhook is safe. Raises Refusal."""
        if not self._is_genuine(body, signatures):
            raise Refusal(401, WebhookResult.UNSIGNED)
        pieces = await self.ingest.in_thread(pieces_of, body) if len(body) > LONG_BODY else pieces_of(body)
        try:
            return await self.ingest.accept(pieces, hashlib.sha256(body).hexdigest())
        except SpoolUnwritable as error:
            raise Refusal(503, WebhookResult.UNAVAILABLE, error.message, retry=True) from None

    def _is_genuine(self, body: bytes, signatures: list[str]) -> bool:
        if self.app_secret is None:
            return True
        return len(signatures) == 1 and signature.is_genuine(body, signatures[0], self.app_secret)


def pieces_of(body: bytes) -> list[str]:
    """Return the pieces for the queue. A long body is split. Raises Refusal if it is not of a WhatsApp account."""
    try:
        data = webhooks.load(body)
    except BadInput:
        # The worker dead-letters it with its reason. If it were refused, Meta would repeat it for a week.
        return [body.decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")]
    if isinstance(data, dict) and not webhooks.is_ours(data):
        raise Refusal(200, WebhookResult.FOREIGN)
    if len(body) <= LARGEST_PIECE or not isinstance(data, dict):
        return [body.decode()]
    return webhook_splitting.split(data, LARGEST_PIECE)


def routes(ingest: Ingest, *, app_secret: str | None, verify_token: str | None, emit: Emit) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    receiver = Receiver(ingest, app_secret)

    @router.get("/webhook")
    @router.get("/webhook/")
    async def handshake(request: Request) -> Response:
        asked = request.query_params
        token = asked.get("hub.verify_token", "").encode()
        expected = (verify_token or "").encode()
        known = bool(expected) and hmac.compare_digest(token, expected)
        if asked.get("hub.mode") != "subscribe" or not known:
            return Response(status_code=403)
        return PlainTextResponse(asked.get("hub.challenge", ""), headers={"X-Content-Type-Options": "nosniff"})

    @router.post("/webhook")
    @router.post("/webhook/")
    async def notification(request: Request) -> Response:
        began = time.monotonic()
        headers: dict[str, Any] = {}
        try:
            body = await request.body()
            result = await receiver.receive(body, request.headers.getlist(signature.HEADER))
            status = 200
        except ClientDisconnect:
            result, status = WebhookResult.CUT_OFF, 400
        except Refusal as refusal:
            result, status = refusal.result, refusal.status
            headers = {"Retry-After": "5"} if refusal.retry else {}
            if request.headers.get("user-agent") != signature.PROBE:
                emit(events.WebhooksRejected(result, refusal.reason))
        emit(events.Answered(result, time.monotonic() - began))
        return Response(status_code=status, headers=headers)

    return router
