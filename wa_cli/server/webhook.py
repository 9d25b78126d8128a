"""Meta's webhook: verify, queue, answer at once. 200 only after the queue has it; on any trouble Meta keeps it for days."""

from __future__ import annotations

import asyncio
import hmac

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from wa_cli.cloud import signature
from wa_cli.errors import DatabaseDown, QueueError
from wa_cli.queues.base import Letter, Queue

LARGEST_BODY = 4 << 20


def routes(queue: Queue, *, app_secret: str | None, verify_token: str | None) -> APIRouter:
    """`app_secret` None takes unsigned bodies: for a laptop, never in production."""
    router = APIRouter()

    @router.get("/webhook")
    async def handshake(request: Request) -> Response:
        asked = request.query_params
        token = asked.get("hub.verify_token", "").encode()
        known = verify_token is not None and hmac.compare_digest(token, verify_token.encode())
        if asked.get("hub.mode") != "subscribe" or not known:
            return Response(status_code=403)
        return PlainTextResponse(asked.get("hub.challenge", ""))

    @router.post("/webhook")
    async def notification(request: Request) -> Response:
        body = await _read(request)
        if body is None:
            return Response(status_code=413)
        if app_secret is not None and not signature.is_genuine(body, request.headers.get(signature.HEADER), app_secret):
            return Response(status_code=401)
        try:
            # What cannot be read is buried by the worker, with its reason: Meta would repeat it for a week.
            await asyncio.to_thread(queue.put, [Letter(body.decode("utf-8", "replace").replace("\x00", ""))])
        except (DatabaseDown, QueueError):
            return Response(status_code=503, headers={"Retry-After": "5"})
        return Response(status_code=200)

    return router


async def _read(request: Request) -> bytes | None:
    """The raw body, or None where it is larger than any notification."""
    if int(request.headers.get("content-length") or 0) > LARGEST_BODY:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)
