"""A notification in pieces that fit a queue. Each piece is a notification."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]
Halves = tuple[Object, Object]

CONTACTS, HISTORY = "contacts", "history"
# The fields that name the customer of an update, so that its contact stays with it.
_WHOSE = ("from", "from_user_id", "to", "to_user_id", "recipient_id", "recipient_user_id")


def split(data: Object, limit: int) -> list[str]:
    """Return the notification as JSON texts of at most `limit` characters, in order. A single larger update stays whole."""
    return list(_pieces(data, limit))


def _pieces(data: Object, limit: int) -> Iterator[str]:
    text = json.dumps(data, separators=(",", ":"))
    halves = _halve(data, "entry", _halve_entry) if len(text) > limit else None
    for half in halves or ():
        yield from _pieces(half, limit)
    if halves is None:
        yield text


def _halve(holder: Any, key: str, deeper: Callable[[Any], Halves | None] = lambda _: None) -> Halves | None:
    """Return the holder with either half of its list. A list of one item is halved inside the item."""
    items = holder.get(key) if isinstance(holder, Mapping) else None
    if not isinstance(items, list) or not items:
        return None
    middle = len(items) // 2
    parts = (items[:middle], items[middle:])
    if len(items) == 1:
        if (inner := deeper(items[0])) is None:
            return None
        parts = ([inner[0]], [inner[1]])
    return {**holder, key: parts[0]}, {**holder, key: parts[1]}


def _halve_entry(entry: Any) -> Halves | None:
    return _halve(entry, "changes", _halve_change)


def _halve_change(change: Any) -> Halves | None:
    value = change.get("value") if isinstance(change, Mapping) else None
    halves = _halve_value(value) if isinstance(value, Mapping) else None
    return None if halves is None else ({**change, "value": halves[0]}, {**change, "value": halves[1]})


def _halve_value(value: Object) -> Halves | None:
    """Halve by kind if there are several, else by item. Each half has the contacts of its own updates."""
    lists = [key for key, items in value.items() if isinstance(items, list) and items and key != CONTACTS]
    if len(lists) > 1:
        first = {key: item for key, item in value.items() if key not in lists[1:]}
        halves: Halves | None = (first, {key: item for key, item in value.items() if key != lists[0]})
    else:
        halves = _halve(value, lists[0], _halve_chunk if lists[0] == HISTORY else lambda _: None) if lists else None
    return None if halves is None else (_with_contacts(halves[0]), _with_contacts(halves[1]))


def _halve_chunk(chunk: Any) -> Halves | None:
    return _halve(chunk, "threads", lambda thread: _halve(thread, "messages"))


def _with_contacts(value: Object) -> Object:
    contacts = value.get(CONTACTS)
    if not isinstance(contacts, list) or HISTORY in value:  # history has no contacts, and names customers deeper inside
        return value
    updates = [item for key, items in value.items() if isinstance(items, list) and key != CONTACTS for item in items]
    whose = {str(item[name]) for item in updates if isinstance(item, Mapping) for name in _WHOSE if item.get(name)}
    kept = [c for c in contacts if isinstance(c, Mapping) and {str(c.get("wa_id")), str(c.get("user_id"))} & whose]
    return {**value, CONTACTS: kept}
