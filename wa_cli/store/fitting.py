"""Values that fit the business's table. A message is stored even if a secondary value does not fit.

Every column is secondary except id, direction, addresses, type, content, time and status. A secondary text that is too
long for its column is shortened. An identifier or a link is left out, since half of one is useless. The raw JSON keeps
both.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from wa_cli.database.engine import run
from wa_cli.errors import RowRefused
from wa_cli.telemetry import events
from wa_cli.telemetry.logs import emit

SECONDARY = frozenset(
    {
        "media_url",
        "media_type",
        "context_message_id",
        "template_name",
        "template_params",
        "last_retry_at",
        "failure_reason",
        "employee_id",
        "campaign",
        "sent_by",
        "customer_user_id",
    }
)
_SHORTENED = ("message_type", "template_name", "campaign", "failure_reason")
_PRIMARY = ("message_id", "from_phone", "to_phone", "content", "status", "direction")
KNOWN_FOR = 60.0  # seconds

_widths: WeakKeyDictionary[sa.Engine, tuple[float, Mapping[str, int]]] = WeakKeyDictionary()
_told: set[str] = set()


def fit(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with secondary values that fit their columns.

    Raises RowRefused with the column for a primary value that does not fit.
    """
    widths = _known_widths(connection)
    return [_fitted(row, widths) for row in rows]


def without(rows: Sequence[dict[str, Any]], columns: frozenset[str]) -> list[dict[str, Any]]:
    """Return the rows without values in these columns."""
    return [{key: None if key in columns else value for key, value in row.items()} for row in rows]


def log_left_out(columns: frozenset[str], reason: str) -> None:
    """Log once in the life of the process that values of these columns are left out, with the reason."""
    name = ", ".join(sorted(columns))
    if name not in _told:
        _told.add(name)
        emit(events.ValueLeftOut(name, reason))


def _known_widths(connection: sa.Connection) -> Mapping[str, int]:
    known = _widths.get(connection.engine)
    if known is None or time.monotonic() - known[0] > KNOWN_FOR:
        widths = {row.name: row.width for row in run(connection, "messages/widths")}
        known = _widths[connection.engine] = (time.monotonic(), widths)
    return known[1]


def _fitted(row: dict[str, Any], widths: Mapping[str, int]) -> dict[str, Any]:
    too_long = [key for key, width in widths.items() if isinstance(value := row.get(key), str) and len(value) > width]
    if not too_long:
        return row
    fitted = dict(row)
    for key in too_long:
        fitted[key] = _shorter(key, row[key], widths[key])
        log_left_out(frozenset({key}), f"{len(row[key]):,} characters do not fit into {widths[key]}")
    return fitted


def _shorter(key: str, value: str, width: int) -> str | None:
    if key in _PRIMARY:
        raise RowRefused(f"The column {key} has {width} characters, and the value has {len(value):,}.")
    if key == "media_type":  # a MIME type has parameters behind it
        kind = value.partition(";")[0].strip()
        return kind if len(kind) <= width else None
    return value[:width] if key in _SHORTENED else None
