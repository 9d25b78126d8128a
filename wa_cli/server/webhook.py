"""Meta's webhook: verify, hand over, answer at once. On any trouble of ours Meta is told to keep it, which it does for days."""

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
from wa_cli.telemetry.log_throttle import LogThrottle
from wa_cli.telemetry.logs import Emit

# Characters of a message on the queue; what is larger is split.
LARGEST_PIECE = 200_000
# A body from here on is read and split in a thread of its own, so that it holds nobody up.
LONG_BODY = 64_000


class Refusal(Exception):
    """How a webhook is answered that is not taken over, and why: `retry` asks its sender to keep it."""

    def __init__(self, status: int, outcome: str, why: str, *, retry: bool = False) -> None:
        super().__init__(why)
        self.status = status
        self.outcome = outcome
        self.why = why
        self.retry = retry


class Reception:
    """What happens to a body that was posted. `app_secret` None takes unsigned ones: for a laptop, never in production."""

    def __init__(self, ingest: Ingest, app_secret: str | None) -> None:
        self.ingest = ingest
        self.app_secret = app_secret

    async def receive(self, body: bytes, signatures: list[str]) -> str:
        """The outcome, when it is safe. Raises Refusal."""
        if not self._is_genuine(body, signatures):
            raise Refusal(
                401, "unsigned", "without a valid signature: refused. Is it the app secret of the app that posts?"
            )
        pieces = await self.ingest.in_thread(pieces_of, body) if len(body) > LONG_BODY else pieces_of(body)
        try:
            return await self.ingest.accept(pieces, hashlib.sha256(body).hexdigest())
        except SpoolUnwritable as error:
            raise Refusal(
                503, "unavailable", f"not taken, their sender is to keep them: {error.message}", retry=True
            ) from None

    def _is_genuine(self, body: bytes, signatures: list[str]) -> bool:
        if self.app_secret is None:
            return True
        return len(signatures) == 1 and signature.is_genuine(body, signatures[0], self.app_secret)


def pieces_of(body: bytes) -> list[str]:
    """What goes on the queue: the body, in pieces where it is long. Raises Refusal where it is none of WhatsApp's."""
    try:
        data = webhooks.load(body)
    except BadInput:
        # The worker buries it with its reason: Meta would repeat it for a week.
        return [body.decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")]
    if isinstance(data, dict) and not webhooks.is_ours(data):
        raise Refusal(200, "foreign", "of something other than a WhatsApp business account: answered, not stored")
    if len(body) <= LARGEST_PIECE or not isinstance(data, dict):
        return [body.decode()]
    return webhook_splitting.split(data, LARGEST_PIECE)


def routes(ingest: Ingest, *, app_secret: str | None, verify_token: str | None, emit: Emit) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    reception, log_throttle = Reception(ingest, app_secret), LogThrottle(emit)

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
            outcome = await reception.receive(body, request.headers.getlist(signature.HEADER))
            status = 200
        except ClientDisconnect:
            outcome, status = "cut off", 400
        except Refusal as refusal:
            outcome, status = refusal.outcome, refusal.status
            headers = {"Retry-After": "5"} if refusal.retry else {}
            why = refusal.why
            if request.headers.get("user-agent") != signature.PROBE:
                log_throttle.emit(outcome, lambda count: events.WebhooksRejected(why, count))
        emit(events.Answered(outcome, time.monotonic() - began))
        return Response(status_code=status, headers=headers)

    return router
