"""A customer's call, from its events. A call that was not taken is a message to answer.

Facts from outside (Meta, calling webhooks): `connect` begins a call. `terminate` ends it with the status COMPLETED or
FAILED. Only of a call that was taken it has `start_time`, `end_time` and `duration` (seconds). Both carry the id of the
call, as do later events that bring its recording or its transcript.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wa_cli.clock import format_span, parse_unix
from wa_cli.messages.incoming import CALLS
from wa_cli.messages.values import integer

CALL, MISSED = CALLS
_EVENTS = ("connect", "terminate", None)
_TAKEN = ("start_time", "end_time", "duration")


@dataclass(frozen=True)
class Call:
    """The content of a call's row. `began_at` is given if the event says it."""

    message_type: str
    content: str
    has_ended: bool
    began_at: datetime | None = None


def is_of_customer(item: Mapping[str, Any]) -> bool:
    """Return True for the begin or the end of a customer's call."""
    return item.get("direction") != "BUSINESS_INITIATED" and item.get("event") in _EVENTS


def read(item: Mapping[str, Any]) -> Call:
    """Return the content of a call's event."""
    if item.get("event") != "terminate":
        return Call(CALL, "call", has_ended=False)
    if all(item.get(name) in (None, "", 0, "0") for name in _TAKEN):
        return Call(MISSED, "missed call", has_ended=True)
    seconds = integer(item.get("duration"))
    content = f"call, {format_span(timedelta(seconds=seconds))}" if seconds else "call"
    return Call(CALL, content, has_ended=True, began_at=parse_unix(item.get("start_time")))
