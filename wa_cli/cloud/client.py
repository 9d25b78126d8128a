"""The Graph API's endpoints, a method each.

The client is httpx; the transport under it is aiohttp's, because httpx's own pool costs eight times the CPU per request.
It never retries: only the outbox decides what is sent again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from wa_cli.cloud import codes
from wa_cli.cloud.account import AccountClient
from wa_cli.cloud.media import MediaClient
from wa_cli.messages.incoming import opaque
from wa_cli.messages.verdicts import Accepted, NotSent, Unknown, Verdict

# These two alone prove that no byte of the request left. With the aiohttp transport httpx's own classes prove nothing:
# httpx.ConnectTimeout also comes when the server read the whole request and closed.
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
# A gateway's answer: what is behind it may have taken the message all the same.
_GATEWAY = (502, 503, 504)


class CloudClient:
    """One business number at the Cloud API."""

    def __init__(
        self, base_url: str, *, version: str, number: str, token: str, concurrency: int = 200, timeout: float = 30.0
    ) -> None:
        self._version = version
        self._path = f"/{version}/{number}/messages"
        self.timeout = timeout
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency, keepalive_expiry=4.0)
        self._http = httpx.AsyncClient(
            transport=AiohttpTransport(limits=limits),
            timeout=httpx.Timeout(timeout, connect=5.0, pool=5.0),
            headers={"Authorization": f"Bearer {token}", "User-Agent": "wa"},
        )
        self.media = MediaClient(self._http)
        self.account = AccountClient(self._http)
        self.move_to(base_url)

    def move_to(self, base_url: str) -> None:
        """From now on the API is there: the sandbox may come back on another port."""
        self._messages_url = base_url.rstrip("/") + self._path
        self.media.base_url = self.account.base_url = f"{base_url.rstrip('/')}/{self._version}"

    async def send(
        self,
        message: Mapping[str, Any],
        *,
        phone_number: str | None,
        recipient: str | None,
        reference: UUID,
        attempt: int,
    ) -> Verdict:
        """Send one message, once, within the whole time-out; what became of it, never an exception."""
        body = json.dumps(
            {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                **({"to": phone_number} if phone_number else {"recipient": recipient}),
                **message,
                "biz_opaque_callback_data": opaque(reference, attempt),
            }
        ).encode()
        try:
            async with asyncio.timeout(self.timeout):
                response = await self._http.post(
                    self._messages_url, content=body, headers={"Content-Type": "application/json"}
                )
        except TimeoutError:
            return Unknown(f"no answer within {self.timeout:g} s")
        except Exception as error:  # whatever it is, the request may have been read
            return _of_failure(error)
        return _of_response(response, phone_number)

    async def close(self) -> None:
        await self._http.aclose()


def _of_failure(error: Exception) -> Verdict:
    said = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error.__cause__, _NEVER_LEFT):
        return NotSent(said)
    return Unknown(said)


def _of_response(response: httpx.Response, phone_number: str | None) -> Verdict:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        answer = None
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        return codes.verdict(
            error["code"],
            response.status_code,
            _said(error),
            subcode=error.get("error_subcode") if isinstance(error.get("error_subcode"), int) else None,
            after=_retry_after(response),
        )
    if response.status_code in _GATEWAY or response.status_code < 400:
        return _of_success(answer, response, phone_number)
    if response.status_code == 429:
        return codes.verdict(130429, 429, "HTTP 429 without an error of Meta's", after=_retry_after(response))
    # Something answered that is not the Graph API: it may sit in front of it.
    return Unknown(f"HTTP {response.status_code} without an error of Meta's")


def _of_success(answer: Any, response: httpx.Response, phone_number: str | None) -> Verdict:
    try:
        message = answer["messages"][0]
        wamid = message["id"]
    except (KeyError, IndexError, TypeError):
        wamid = None
    if response.status_code != 200 or not isinstance(wamid, str) or not wamid:
        return Unknown(f"HTTP {response.status_code} with an answer that names no message")
    contacts = answer.get("contacts") or [{}]
    wa_id = contacts[0].get("wa_id") if isinstance(contacts[0], dict) else None
    ours = (phone_number or "").lstrip("+")
    return Accepted(
        wamid,
        alias=wa_id if isinstance(wa_id, str) and ours and wa_id != ours else None,
        paced=message.get("message_status") in ("held_for_quality_assessment", "paused"),
    )


def _said(error: Mapping[str, Any]) -> str:
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else data
    return ": ".join(str(part) for part in (error.get("message"), details) if part) or "an error without a text"


def _retry_after(response: httpx.Response) -> float | None:
    """Not documented for this API; honoured if it ever appears, in seconds."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdigit() else None
