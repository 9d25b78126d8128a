"""The messaging API: queue a message, show the queues."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel

from wa_cli.backlog import Backlog
from wa_cli.server.auth import Caller, Keys
from wa_cli.server.employees import EmployeeLookup
from wa_cli.server.message_models import MODELS, Message
from wa_cli.server.submissions import Submissions
from wa_cli.submit import LONGEST_KEY, Submitter

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

    async def submit(asked: Message, who: Caller, key: str | None) -> dict[str, Any]:
        is_named = asked.employee or who.employee
        employee = await asyncio.to_thread(employees.of, who, asked.employee) if is_named else None
        return await submissions.submit(asked.to(language, who, employee, key), has_key=key is not None)

    for name, model in MODELS.items():
        router.post(f"/send/{name}", response_model=Queued, name=f"send_{name}")(_route(model, submit, keys))

    @router.get("/queue/status")
    async def queue_status(who: Caller = Depends(keys.required)) -> dict[str, dict[str, Any]]:
        del who
        return await asyncio.to_thread(backlog.status)

    return router


def _route(
    model: type[Message], submit: Callable[[Message, Caller, str | None], Awaitable[dict[str, Any]]], keys: Keys
) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Return the handler of requests with this body."""

    async def send(asked: Message, who: Caller = Depends(keys.may_send), key: Key = None) -> dict[str, Any]:
        return await submit(asked, who, key)

    send.__annotations__["asked"] = model
    send.__doc__ = model.__doc__
    return send
