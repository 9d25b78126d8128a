"""The messaging API: queue a message, look at the queues."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict

from wa_cli.backlog import Backlog
from wa_cli.messages.content.media import document, image
from wa_cli.messages.content.template import template
from wa_cli.messages.content.text import text
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.messages.phone import parse_phone
from wa_cli.server.auth import Caller, Keys
from wa_cli.submit import Submitter


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")

    phone_number: str


class TextMessage(_Message):
    text: str


class ImageMessage(_Message):
    image_url: str
    caption: str | None = None


class DocumentMessage(_Message):
    document_url: str
    filename: str | None = None
    caption: str | None = None


class TemplateMessage(_Message):
    template_name: str
    parameters: list[str] = []
    language: str | None = None


class Queued(BaseModel):
    """`message_id` is our reference; `estimated_processing_time` is in seconds."""

    status: str
    message_id: str
    phone_number: str
    message_type: str
    estimated_processing_time: float


def routes(submitter: Submitter, backlog: Backlog, keys: Keys, *, language: str) -> APIRouter:
    router = APIRouter(prefix="/messaging")

    def caller(request: Request) -> Caller:
        found = keys.caller(request.client.host if request.client else None, request.headers)
        if found is None:
            raise HTTPException(401, "A key from WA_API_KEYS is needed: Authorization: Bearer <key>.")
        return found

    async def submit(phone_number: str, message: Mapping[str, Any], who: Caller) -> dict[str, Any]:
        outgoing = OutgoingMessage(message, phone_number=parse_phone(phone_number), employee_id=who.employee)
        [told] = await asyncio.to_thread(submitter.submit, [outgoing])
        return told

    @router.post("/send/text", response_model=Queued)
    async def send_text(asked: TextMessage, who: Caller = Depends(caller)) -> dict[str, Any]:
        return await submit(asked.phone_number, text(asked.text), who)

    @router.post("/send/image", response_model=Queued)
    async def send_image(asked: ImageMessage, who: Caller = Depends(caller)) -> dict[str, Any]:
        return await submit(asked.phone_number, image(asked.image_url, asked.caption), who)

    @router.post("/send/document", response_model=Queued)
    async def send_document(asked: DocumentMessage, who: Caller = Depends(caller)) -> dict[str, Any]:
        message = document(asked.document_url, asked.filename, asked.caption)
        return await submit(asked.phone_number, message, who)

    @router.post("/send/template", response_model=Queued)
    async def send_template(asked: TemplateMessage, who: Caller = Depends(caller)) -> dict[str, Any]:
        message = template(asked.template_name, asked.language or language, asked.parameters)
        return await submit(asked.phone_number, message, who)

    @router.get("/queue/status")
    async def queue_status(who: Caller = Depends(caller)) -> dict[str, dict[str, Any]]:
        del who
        return await asyncio.to_thread(backlog.status)

    return router
