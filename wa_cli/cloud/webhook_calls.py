"""A customer's call, from its events. A call that was not taken is a message to answer.

Facts from outside (Meta, calling webhooks): `connect` begins a call. `terminate` ends it with the status COMPLETED or
FAILED and, if it was taken, its duration in seconds. Both carry the id of the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from wa_cli.clock import format_span
from wa_cli.cloud.values import integer

CALL, MISSED = "call", "missed_call"


@dataclass(frozen=True)
class Call:
    """The content of a call's row."""

    message_type: str
    content: str
    has_ended: bool


def read(item: Mapping[str, Any]) -> Call:
    """Return the content of a call's event."""
    if item.get("event") != "terminate":
        return Call(CALL, "call", has_ended=False)
    seconds = integer(item.get("duration"))
    if str(item.get("status")).upper() == "COMPLETED" or seconds:
        return Call(CALL, f"call, {format_span(timedelta(seconds=seconds))}" if seconds else "call", has_ended=True)
    return Call(MISSED, "missed call", has_ended=True)
