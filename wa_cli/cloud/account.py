"""The account at the Cloud API: its token, its number, and the apps that get its webhooks.

Facts from outside (Meta, business-phone-numbers and webhooks/override): quality is GREEN, YELLOW, RED or unknown.
Throughput is STANDARD (80 messages a second) or HIGH (1,000). `webhook_configuration` names the callbacks: the
number's own wins over the account's, and that over the app's. `debug_token` belongs to the Graph API, not to WhatsApp:
its absence means nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from wa_cli.cloud import graph_request
from wa_cli.messages.values import word as _word

NUMBER_FIELDS = (
    "display_phone_number,verified_name,quality_rating,throughput,status,code_verification_status,webhook_configuration"
)
CALLBACKS = ("phone_number", "whatsapp_business_account", "application")


@dataclass(frozen=True)
class Token:
    """An access token. `expires_at` is None for one that does not expire."""

    is_valid: bool
    expires_at: datetime | None
    permissions: tuple[str, ...]


@dataclass(frozen=True)
class Number:
    """A business number. `callback` is the URL of its webhooks, if Meta tells it."""

    phone: str
    name: str
    quality: str
    throughput: str
    status: str | None
    callback: str | None


class AccountClient:
    """A client for the account at the Cloud API.

    Every method raises CloudError: Unauthorized if the token is refused, NotFound if the object does not exist.
    """

    def __init__(self, http: httpx.AsyncClient, base_url: str = "") -> None:
        self.base_url = base_url
        self._http = http

    async def number(self, identity: str) -> Number:
        what = f"the number {identity}"
        found = await graph_request.get(self._http, f"{self.base_url}/{identity}", what, fields=NUMBER_FIELDS)
        callbacks = found.get("webhook_configuration")
        throughput = found.get("throughput")
        return Number(
            phone=str(found.get("display_phone_number", "")),
            name=str(found.get("verified_name", "")),
            quality=str(found.get("quality_rating", "UNKNOWN")),
            throughput=str(throughput.get("level", "UNKNOWN")) if isinstance(throughput, Mapping) else "UNKNOWN",
            status=_word(found.get("status")),
            callback=_callback(callbacks if isinstance(callbacks, Mapping) else {}),
        )

    async def token(self, token: str) -> Token:
        """Return Meta's description of this token, fetched with the same token."""
        answer = await graph_request.get(self._http, f"{self.base_url}/debug_token", "the token", input_token=token)
        data = answer.get("data")
        found = data if isinstance(data, Mapping) else {}
        expires, scopes = found.get("expires_at"), found.get("scopes")
        return Token(
            is_valid=found.get("is_valid") is True,
            expires_at=datetime.fromtimestamp(expires, UTC) if isinstance(expires, int) and expires > 0 else None,
            permissions=tuple(str(scope) for scope in scopes) if isinstance(scopes, list) else (),
        )

    async def subscribers(self, account: str) -> list[str]:
        """Return the names of the apps that are subscribed to this account."""
        what = f"the account {account}"
        answer = await graph_request.get(self._http, f"{self.base_url}/{account}/subscribed_apps", what)
        listed = answer.get("data")
        apps = [one.get("whatsapp_business_api_data") for one in listed or [] if isinstance(one, Mapping)]
        return [str(app.get("name") or app.get("id")) for app in apps if isinstance(app, Mapping)]


def _callback(configured: Mapping[str, Any]) -> str | None:
    """Return the callback that wins."""
    return next((url for place in CALLBACKS if (url := _word(configured.get(place)))), None)
