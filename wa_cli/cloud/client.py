"""The endpoints of the Graph API, one method each.

The client is httpx with the transport of aiohttp, since httpx's own pool costs eight times the CPU per request. It
never retries: only the outbox decides to send again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from wa_cli.cloud import codes, graph_request
from wa_cli.cloud.account import AccountClient
from wa_cli.cloud.bearer import BearerToken
from wa_cli.cloud.media import MediaClient
from wa_cli.cloud.templates import TemplateClient
from wa_cli.errors import BadInput
from wa_cli.messages import json_text, values
from wa_cli.messages.incoming import opaque
from wa_cli.messages.outcomes import Accepted, NotTransmitted, Outcome, Unknown
from wa_cli.messages.phone import is_group_id

# These two alone prove that no byte of the request left. With the aiohttp transport httpx's own classes prove nothing:
# httpx.ConnectTimeout also comes when the server read the whole request and closed.
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_WHOM = ("recipient_type", "to", "recipient")
LONGEST_PAUSE = 3600.0  # seconds
LONGEST_TEXT = 1000
# The answer of a gateway. The API behind it may have accepted the message.
_GATEWAY = (502, 503, 504)


class CloudClient:
    """One business number at the Cloud API."""

    def __init__(
        self,
        base_url: str,
        *,
        version: str,
        number: str,
        token: str,
        reread_token: Callable[[], str | None] | None = None,
        concurrency: int = 200,
        timeout: float = 30.0,
    ) -> None:
        self._version = version
        self._path = f"/{version}/{number}/messages"
        self.timeout = timeout
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency, keepalive_expiry=4.0)
        self._http = httpx.AsyncClient(
            transport=AiohttpTransport(limits=limits),
            timeout=httpx.Timeout(timeout, connect=5.0, pool=5.0),
            auth=BearerToken(token, reread_token),
            headers={"User-Agent": "wa"},
        )
        self.media = MediaClient(self._http)
        self.account = AccountClient(self._http)
        self.templates = TemplateClient(self._http)
        self.move_to(base_url)

    def move_to(self, base_url: str) -> None:
        """Use another URL from now on, since the sandbox may restart on another port."""
        self._messages_url = base_url.rstrip("/") + self._path
        self.media.base_url = self.account.base_url = self.templates.base_url = (
            f"{base_url.rstrip('/')}/{self._version}"
        )

    async def send(
        self,
        message: Mapping[str, Any],
        *,
        phone: str | None,
        recipient: str | None,
        reference: UUID,
        attempt: int,
    ) -> Outcome:
        """Send one message, once, within the time limit. Return the outcome. Never raises."""
        body = json.dumps(request_of(message, phone, recipient, reference, attempt)).encode()
        try:
            async with asyncio.timeout(self.timeout):
                response = await self._http.post(
                    self._messages_url, content=body, headers={"Content-Type": "application/json"}
                )
        except TimeoutError:
            return Unknown(f"no answer within {self.timeout:g} s")
        except Exception as error:  # after any other error the request may have been read
            return _of_failure(error)
        return _of_response(response, phone)

    async def mark_read(self, wamid: str, *, is_typing: bool = False) -> None:
        """Mark a customer's message and the earlier ones as read. `is_typing` shows that an answer is being written, for 25
        seconds at most (Meta, mark-messages-as-read). Raises CloudError, NotFound for an unknown message.
        """
        body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
        if is_typing:
            body["typing_indicator"] = {"type": "text"}
        await graph_request.post(self._http, self._messages_url, f"the message {wamid}", body, verb="mark as read")

    async def close(self) -> None:
        await self.media.close()
        await self._http.aclose()


def request_of(
    message: Mapping[str, Any], phone: str | None, recipient: str | None, reference: UUID, attempt: int
) -> dict[str, Any]:
    """Return the request body. Its addressee overrides addressees in the message itself."""
    whom: dict[str, Any]
    if phone:
        whom = {"recipient_type": "individual", "to": phone}
    elif is_group_id(recipient or ""):
        whom = {"recipient_type": "group", "to": recipient}
    else:
        whom = {"recipient_type": "individual", "recipient": recipient}
    content = {key: value for key, value in message.items() if key not in _WHOM}
    callback = {"biz_opaque_callback_data": opaque(reference, attempt)}
    return {**content, "messaging_product": "whatsapp", **whom, **callback}


def _of_failure(error: Exception) -> Outcome:
    if isinstance(error.__cause__, _NEVER_LEFT):
        return NotTransmitted(f"no connection: {error}".rstrip(": "))
    # The class of httpx says nothing: it is ConnectTimeout too when the server has read the whole request.
    return Unknown(f"no answer: {error or type(error).__name__}")


def _of_response(response: httpx.Response, phone: str | None) -> Outcome:
    answer = _answer(response)
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict) and _is_number(error.get("code")):
        return codes.outcome(
            values.integer(error["code"]),
            response.status_code,
            _error_text(error),
            subcode=values.integer(error.get("error_subcode")),
            after=_retry_after(response),
            is_transient=error.get("is_transient") is True,
        )
    if response.status_code in _GATEWAY or response.status_code < 400:
        return _of_success(answer, response, phone)
    if response.status_code == 429:
        return codes.outcome(130429, 429, "HTTP 429 without an error from Meta", after=_retry_after(response))
    # The answer is not the Graph API's, but a proxy's in front of it.
    return Unknown(f"HTTP {response.status_code} without an error from Meta")


def _answer(response: httpx.Response) -> Any:
    """Return the JSON of the answer, cleaned of characters that cannot be stored, or None if it is not JSON."""
    try:
        return json_text.clean(json_text.parse(response.content, "the answer"))
    except BadInput:
        return None


def _is_number(code: Any) -> bool:
    return isinstance(code, int) and not isinstance(code, bool)


def _of_success(answer: Any, response: httpx.Response, phone: str | None) -> Outcome:
    message = _first(answer, "messages")
    wamid = message.get("id")
    if response.status_code != 200 or not isinstance(wamid, str) or not 0 < len(wamid) <= values.LONGEST_ID:
        return Unknown(f"HTTP {response.status_code} with an answer that does not name a message")
    wa_id = values.identity(_first(answer, "contacts").get("wa_id"))
    ours = (phone or "").lstrip("+")
    return Accepted(
        wamid,
        alias=wa_id if wa_id and ours and wa_id != ours else None,
        paced=message.get("message_status") in ("held_for_quality_assessment", "paused"),
    )


def _first(answer: Any, key: str) -> Mapping[str, Any]:
    """Return the first object of the list under that key, or an empty one."""
    found = answer.get(key) if isinstance(answer, dict) else None
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, Mapping) else {}


def _error_text(error: Mapping[str, Any]) -> str:
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else data
    text = ": ".join(str(part) for part in (error.get("message"), details) if part)
    return text[:LONGEST_TEXT] or "an error without a text"


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds of a Retry-After header, at most an hour. Meta does not document the header."""
    value = response.headers.get("retry-after", "")
    return min(LONGEST_PAUSE, float(value)) if value.isascii() and value.isdigit() else None
