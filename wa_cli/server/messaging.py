"""The messaging API: queue a message, show the queues."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, ConfigDict, Field

from wa_cli.backlog import Backlog
from wa_cli.messages.content.base import CAPTION_LIMIT
from wa_cli.messages.content.media import LINK, LINK_LIMIT, document, image
from wa_cli.messages.content.template import template
from wa_cli.messages.content.text import TEXT_LIMIT, text
from wa_cli.messages.outgoing import CAMPAIGN_LIMIT, OutgoingMessage, address
from wa_cli.messages.states import SentBy
from wa_cli.server.auth import Caller, Keys
from wa_cli.server.employees import EmployeeLookup
from wa_cli.server.submissions import Submissions
from wa_cli.store.employees import NAME_LIMIT
from wa_cli.submit import LONGEST_KEY, Submitter, reference_of

# Fields for the OpenAPI document. Our own checks answer a wrong value with its reason.
_NUMBER: dict[str, Any] = {"pattern": r"^[ ().-]*\+([ ().-]*[0-9]){2,15}[ ().-]*$", "examples": ["+15551234567"]}
_USER_ID: dict[str, Any] = {"pattern": r"^[A-Z]{2}\.([A-Z]+\.)?[A-Za-z0-9]{1,128}$", "examples": ["BR.1A2B3C4D5E"]}
_SPACES = r"\x00\x09-\x0d\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_WORDS: dict[str, Any] = {"pattern": f"^[^\\x00]*[^{_SPACES}][^\\x00]*$"}
_LINK: dict[str, Any] = {
    "pattern": f"^{LINK.pattern}$",
    "maxLength": LINK_LIMIT,
    "examples": ["https://example.org/red.jpg"],
}
_NO_NUL = r"^[^\x00]*$"


class _Message(BaseModel):
    """A message to send. The addressee is `phone_number`, or `recipient` (a user id) if WhatsApp hides the number."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"oneOf": [{"required": ["phone_number"]}, {"required": ["recipient"]}]},
    )

    phone_number: str = Field("", json_schema_extra=_NUMBER)
    recipient: str = Field("", json_schema_extra=_USER_ID)
    campaign: str | None = Field(None, min_length=1, max_length=CAMPAIGN_LIMIT, pattern=_NO_NUL)
    sent_by: SentBy | None = Field(
        None, description="human (default), automatic, or campaign. Only a human message ends a turn."
    )

    employee: str | None = Field(
        None, min_length=1, max_length=NAME_LIMIT, pattern=_NO_NUL, description="Name or id, with a key of `KEY=*`."
    )

    def to(
        self, message: Mapping[str, Any], who: Caller, employee: UUID | None, key: str | None = None
    ) -> OutgoingMessage:
        """Return the message with its addressee. Raises BadInput for none or two."""
        phone_number, recipient = (
            getattr(self, name) if name in self.model_fields_set else None for name in ("phone_number", "recipient")
        )
        sent_by = self.sent_by or (SentBy.CAMPAIGN if self.campaign else who.sent_by or SentBy.HUMAN)
        outgoing = OutgoingMessage(
            message,
            *address(phone_number, recipient),
            employee_id=employee,
            campaign=self.campaign,
            sent_by=sent_by,
        )
        return outgoing if key is None else replace(outgoing, reference=reference_of(key, who.name))


class TextMessage(_Message):
    text: str = Field(json_schema_extra={"maxLength": TEXT_LIMIT, **_WORDS})


class ImageMessage(_Message):
    image_url: str = Field(json_schema_extra=_LINK)
    caption: str | None = Field(None, max_length=CAPTION_LIMIT, pattern=_NO_NUL)


class DocumentMessage(_Message):
    document_url: str = Field(json_schema_extra=_LINK)
    filename: str | None = Field(None, max_length=240, pattern=_NO_NUL)
    caption: str | None = Field(None, max_length=CAPTION_LIMIT, pattern=_NO_NUL)


Parameter = Annotated[str, Field(json_schema_extra={"pattern": r"^(?!.*     )[^\n\t\x00]*$"})]


class TemplateMessage(_Message):
    template_name: str = Field(json_schema_extra={"pattern": "^[a-z0-9_]{1,512}$"})
    parameters: list[Parameter] = []
    language: str | None = Field(None, json_schema_extra={"pattern": "^[A-Za-z0-9_-]{2,12}$"})


Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=LONGEST_KEY,
        description="Repeated requests with the same key and message queue one message and get the same message_id.",
    ),
]


class Problem(BaseModel):
    error: str
    hint: str | None


ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The message is invalid and was not queued."},
    401: {"model": Problem, "description": "A key is required."},
    403: {"model": Problem, "description": "The key may not send, or may not name an employee."},
    413: {"model": Problem, "description": "The body is too large."},
    422: {
        "model": Problem,
        "description": "The body does not fit the schema, or the key was used for another message.",
    },
    503: {"model": Problem, "description": "Queue unavailable: repeat the request with the same Idempotency-Key."},
}


class Queued(BaseModel):
    """The answer. `message_id` is our reference, `phone_number` the number or user id. `estimated_processing_time` is
    text, or a number of seconds with WA_ESTIMATE_FORMAT=seconds.
    """

    status: str
    message_id: str
    phone_number: str
    message_type: str
    estimated_processing_time: str | float


def routes(
    submitter: Submitter, backlog: Backlog, keys: Keys, employees: EmployeeLookup, *, language: str
) -> APIRouter:
    router = APIRouter(prefix="/messaging", responses=ERRORS)

    submissions = Submissions(submitter)

    async def submit(asked: _Message, message: Mapping[str, Any], who: Caller, key: str | None) -> dict[str, Any]:
        is_named = asked.employee or who.employee
        employee = await asyncio.to_thread(employees.of, who, asked.employee) if is_named else None
        return await submissions.submit(asked.to(message, who, employee, key), has_key=key is not None)

    @router.post("/send/text", response_model=Queued)
    async def send_text(asked: TextMessage, who: Caller = Depends(keys.may_send), key: Key = None) -> dict[str, Any]:
        return await submit(asked, text(asked.text), who, key)

    @router.post("/send/image", response_model=Queued)
    async def send_image(asked: ImageMessage, who: Caller = Depends(keys.may_send), key: Key = None) -> dict[str, Any]:
        return await submit(asked, image(asked.image_url, asked.caption), who, key)

    @router.post("/send/document", response_model=Queued)
    async def send_document(
        asked: DocumentMessage, who: Caller = Depends(keys.may_send), key: Key = None
    ) -> dict[str, Any]:
        message = document(asked.document_url, asked.filename, asked.caption)
        return await submit(asked, message, who, key)

    @router.post("/send/template", response_model=Queued)
    async def send_template(
        asked: TemplateMessage, who: Caller = Depends(keys.may_send), key: Key = None
    ) -> dict[str, Any]:
        message = template(
            asked.template_name, language if asked.language is None else asked.language, asked.parameters
        )
        return await submit(asked, message, who, key)

    @router.get("/queue/status")
    async def queue_status(who: Caller = Depends(keys.required)) -> dict[str, dict[str, Any]]:
        del who
        return await asyncio.to_thread(backlog.status)

    return router
