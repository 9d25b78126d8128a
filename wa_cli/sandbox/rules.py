"""The real API's checks of a request to send: the envelope here, each type's object in `types/`."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from typing import Any

from wa_cli.sandbox import graph_errors
from wa_cli.sandbox.types import CHECKS, Templates

LONGEST_CALLBACK_DATA = 512
_ASIDE = re.compile(r"[+\s()\-]")
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,128}")
_VERSION = re.compile(r"v[0-9]{1,2}\.[0-9]")


def check_version(version: str) -> None:
    """Check the version. One that never existed is refused, an expired one is served."""
    if not _VERSION.fullmatch(version):
        raise graph_errors.unknown_path(f"/{version}")


def check_token(header: str | None, query: str | None) -> None:
    token = (header or "").removeprefix("Bearer ").strip() or query
    if not token or token.startswith("bad"):
        raise graph_errors.bad_token()
    if token.startswith("expired"):
        raise graph_errors.GraphError(
            190, "Error validating access token: Session has expired on Monday, 01-Jan-24.", status=401, subcode=463
        )


def check_read(request: Mapping[str, Any]) -> None:
    """Check a request that marks a message as read."""
    if request.get("messaging_product") != "whatsapp":
        raise graph_errors.missing("messaging_product")
    if not str(request.get("message_id") or "").startswith("wamid."):
        raise graph_errors.invalid("Message ID is invalid")
    if "typing_indicator" in request and request["typing_indicator"] != {"type": "text"}:
        raise graph_errors.invalid("typing_indicator.type must be text")


def check_envelope(request: Any, templates: Templates) -> tuple[str, str]:
    """Check the envelope. Return the customer (digits or a user id) and the type."""
    if not isinstance(request, Mapping):
        raise graph_errors.missing("messaging_product")
    product = request.get("messaging_product")
    if product is None:
        raise graph_errors.missing("messaging_product")
    if product != "whatsapp":
        raise graph_errors.GraphError(
            100, f'(#100) Param messaging_product must be one of {{WHATSAPP}} - got "{product}".'
        )
    customer = _customer(request)
    if len(str(request.get("biz_opaque_callback_data") or "")) > LONGEST_CALLBACK_DATA:
        raise graph_errors.too_long("biz_opaque_callback_data", LONGEST_CALLBACK_DATA)
    kind = request.get("type", "text")
    if kind not in CHECKS:
        raise graph_errors.GraphError(
            100, f'(#100) Param type must be one of {{{", ".join(CHECKS).upper()}}} - got "{kind}".'
        )
    part = request.get(kind)
    if not isinstance(part, list if kind == "contacts" else Mapping):
        raise graph_errors.missing(kind)
    if kind == "reaction" and request.get("context"):
        raise graph_errors.invalid("context is not allowed for reaction messages")
    CHECKS[kind](part, templates)
    return customer, kind


def _customer(request: Mapping[str, Any]) -> str:
    to, user_id = request.get("to"), request.get("recipient")
    if to:
        digits = _ASIDE.sub("", str(to))
        if not re.fullmatch(r"[0-9]{2,15}", digits):
            raise graph_errors.invalid("The phone number is malformed: Please use the format: +1234567890.")
        return digits
    if user_id:
        if not _USER_ID.fullmatch(str(user_id)):
            raise graph_errors.invalid("The recipient is not a user id.")
        return str(user_id)
    raise graph_errors.GraphError(100, "The parameter to is required.")


def make_wamid(customer: str, *, outbound: bool) -> str:
    """Return an id like WhatsApp's: opaque, at most 128 characters, unique."""
    phone = customer.encode()[:40]
    unique = secrets.token_hex(10).upper().encode()
    parts = b"\x1c\x18" + bytes([len(phone)]) + phone + b"\x15\x02\x00" + (b"\x11" if outbound else b"\x12")
    return "wamid." + base64.b64encode(parts + b"\x18" + bytes([len(unique)]) + unique + b"\x00").decode()
