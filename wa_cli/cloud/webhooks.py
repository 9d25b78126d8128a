"""A notification's JSON, as Meta posts it, into messages, statuses and notices.

Up to 1,000 updates may come in one body, for several numbers. Unknown fields and types are normal: a message of a type
that nobody knows is kept with its raw data, a field that nobody knows is a notice, and one bad item never takes its
neighbours with it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wa_cli.cloud import customers, inbound
from wa_cli.cloud.customers import ITEMS, Object, list_of
from wa_cli.errors import BadInput
from wa_cli.messages.incoming import Alias, IncomingMessage, Notice, Notification, StatusUpdate, parse_opaque
from wa_cli.messages.phone import from_wire, person_key

OBJECT = "whatsapp_business_account"
# Meta's own bodies are some ten levels deep; what is deeper is meant to exhaust somebody's stack.
LARGEST_DEPTH = 64
HISTORY = "history"
UNKNOWN_PHONE = "business"
_BAD = (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError)


def load(body: str | bytes) -> Any:
    """The JSON of a body. Raises BadInput where it is none, or nested as no notification is."""
    try:
        text = body if isinstance(body, str) else body.decode()
        data = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The notification is not JSON: {error}.") from None
    if _is_deeper(data, LARGEST_DEPTH):
        raise BadInput(f"The notification is nested more than {LARGEST_DEPTH} levels deep.")
    return data


def is_ours(data: Any) -> bool:
    """Whether it is of WhatsApp at all: an app's other subscriptions come to the same address."""
    return isinstance(data, dict) and data.get("object", OBJECT if "entry" in data else None) == OBJECT


def parse(body: str | bytes) -> Notification:
    """Everything in the body. Raises BadInput where it is no notification at all."""
    data = load(body)
    if not is_ours(data):
        raise BadInput("The notification is not of a WhatsApp business account.")
    entries = data.get("entry")
    if not isinstance(entries, (list, dict)):
        raise BadInput("The notification has no `entry`.")
    found = _Found()
    for place in _places(entries if isinstance(entries, list) else [entries], found):
        place.read_into(found)
    return found.notification()


def notify(
    value: Object, field_name: str = "messages", account: str = "0", told_at: datetime | None = None
) -> dict[str, Any]:
    """A notification with this one value in it, as Meta wraps it."""
    at = {"time": int(told_at.timestamp())} if told_at else {}
    return {"object": OBJECT, "entry": [{"id": account, **at, "changes": [{"field": field_name, "value": value}]}]}


@dataclass
class _Found:
    messages: list[IncomingMessage] = field(default_factory=list)
    statuses: list[StatusUpdate] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    unreadable: list[tuple[Any, str]] = field(default_factory=list)

    def notification(self) -> Notification:
        return Notification(
            tuple(self.messages), tuple(self.statuses), tuple(self.notices), tuple(self.aliases), tuple(self.unreadable)
        )


@dataclass(frozen=True)
class _Place:
    """A change, and where in the notification it stands."""

    account: str
    told_at: datetime | None
    field: str
    value: Object

    @property
    def number(self) -> str:
        return str(self._metadata.get("phone_number_id") or "")

    @property
    def business_phone(self) -> str:
        digits = re.sub(r"\D", "", str(self._metadata.get("display_phone_number") or ""))
        return f"+{digits}" if digits else UNKNOWN_PHONE

    def _business_phone(self, item: Object, *, by_us: bool) -> str:
        if by_us and self.business_phone == UNKNOWN_PHONE:
            return from_wire(str(item.get("from") or UNKNOWN_PHONE))
        return self.business_phone

    @property
    def _metadata(self) -> Object:
        found = self.value.get("metadata")
        return found if isinstance(found, dict) else {}

    def read_into(self, found: _Found) -> None:
        """Every update of the change; what is none is a notice, so that nothing is dropped."""
        known = False
        for kind in ITEMS:
            for item in list_of(self.value, kind):
                known = True
                self._read_item(kind, item, found)
        for chunk in list_of(self.value, HISTORY):
            known |= self._read_history(chunk, found)
        if self.value.get("errors"):
            self._note({"errors": self.value["errors"]}, found)
        elif not known:
            self._note({key: item for key, item in self.value.items() if key != "messaging_product"}, found)

    def _read_item(self, kind: str, item: Any, found: _Found) -> None:
        try:
            if kind == "statuses":
                found.statuses.append(self._status(item))
            else:
                message = self._message(item, by_us=kind == "message_echoes", from_history=self.field == HISTORY)
                found.messages.append(message)
                found.aliases += customers.aliases_of(message)
        except _BAD as error:
            found.unreadable.append((item, _reason(ITEMS[kind], item, error)))

    def _read_history(self, chunk: Any, found: _Found) -> bool:
        """Conversations from before we were there; False where the chunk has none, as one that was declined."""
        threads = list_of(chunk, "threads")
        for thread in threads:
            customer = thread.get("id") if isinstance(thread, dict) else None
            context = thread.get("context") if isinstance(thread, dict) else None
            known = context if isinstance(context, dict) else {}
            for item in list_of(thread, "messages"):
                try:
                    found.messages.append(self._said_before(item, customer or known.get("wa_id"), known.get("user_id")))
                except _BAD as error:
                    found.unreadable.append((item, _reason("message", item, error)))
        return bool(threads)

    def _said_before(self, item: Object, customer: Any, user_id: Any) -> IncomingMessage:
        sender = from_wire(str(item.get("from") or ""))
        by_us = (
            sender == self.business_phone
            if self.business_phone != UNKNOWN_PHONE
            else sender != from_wire(str(customer))
        )
        side = {"to": customer, "to_user_id": user_id} if by_us else {"from": customer, "from_user_id": user_id}
        return self._message({**side, **item}, by_us=by_us, from_history=True, raw=item)

    def _message(self, item: Object, *, by_us: bool, from_history: bool, raw: Any = None) -> IncomingMessage:
        side = ("to", "to_user_id") if by_us else ("from", "from_user_id")
        phone, user_id = customers.customer_of(item, self.value, *side)
        said = inbound.read(item)
        return IncomingMessage(
            wamid=_text(item["id"]),
            number=self.number,
            business_phone=self._business_phone(item, by_us=by_us),
            phone=from_wire(phone) if phone else None,
            user_id=user_id,
            name=customers.name_of(customers.contact_of(self.value, phone, user_id)),
            message_type=str(item.get("type") or "unknown"),
            sent_at=_instant(item["timestamp"]),
            content=said.content,
            media=said.media,
            context_wamid=said.refers_to,
            by_us=by_us,
            from_history=from_history,
            status=_history_status(item) if by_us else None,
            raw=item if raw is None else raw,
        )

    def _status(self, item: Object) -> StatusUpdate:
        echo = parse_opaque(item.get("biz_opaque_callback_data"))
        error = next((e for e in list_of(item, "errors") if isinstance(e, dict)), {})
        participant = item.get("recipient_participant_id") or item.get("recipient_participant_user_id") or ""
        return StatusUpdate(
            wamid=_text(item["id"]),
            status=_text(item["status"]),
            happened_at=_instant(item["timestamp"]),
            number=self.number,
            recipient=item.get("recipient_id") or item.get("recipient_user_id"),
            participant=str(participant),
            reference=echo[0] if echo else None,
            attempt=echo[1] if echo else None,
            code=error.get("code") if isinstance(error.get("code"), int) else None,
            reason=_error_text(error),
            raw=item,
        )

    def _note(self, said: Any, found: _Found) -> None:
        known = [self.account, self.told_at.isoformat() if self.told_at else None, self.field, self.number, said]
        identity = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
        found.notices.append(Notice(identity, self.account, self.field, self.number or None, self.told_at, said))
        found.aliases += customers.new_user_ids(self.value)


def _places(entries: list[Any], found: _Found) -> Iterator[_Place]:
    """Each change of each entry; what is no shape of Meta's is unreadable, not passed over."""
    for entry in entries:
        changes = entry.get("changes") if isinstance(entry, dict) else None
        if not isinstance(changes, list):
            found.unreadable.append((entry, "an entry has no list of changes"))
            continue
        for change in changes:
            value = change.get("value") if isinstance(change, dict) else None
            if isinstance(value, dict):
                yield _Place(str(entry.get("id", "")), _told_at(entry), str(change.get("field", "")), value)
            else:
                found.unreadable.append((change, "a change has no value"))


def _person(phone: Any) -> str:
    return person_key(str(phone or "").lstrip("+"))


def _history_status(item: Object) -> str | None:
    context = item.get("history_context")
    word = str(context.get("status") or "").lower() if isinstance(context, dict) else ""
    return {"error": "failed", "played": "read", "pending": "sent"}.get(word, word) or None


def _error_text(error: Object) -> str | None:
    if not error:
        return None
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else error.get("details")
    return f"{error.get('code')}: {details or error.get('title') or error.get('message') or 'no reason given'}"


def _reason(what: str, item: Any, error: Exception) -> str:
    """Why an item cannot be read, in words that help to find it."""
    if not isinstance(item, dict):
        return f"a {what} is not an object but {type(item).__name__}"
    name = f"the {what} {item['id']!r}" if isinstance(item.get("id"), str) else f"a {what}"
    if isinstance(error, KeyError):
        return f"{name} has no {error.args[0]}"
    return f"{name} cannot be read: {str(error)[:200]}"


def _told_at(entry: Object) -> datetime | None:
    try:
        return _instant(entry["time"])
    except _BAD:
        return None


def _instant(text: Any) -> datetime:
    """Unix seconds, which Meta writes as a string, and in some places as a number."""
    return datetime.fromtimestamp(int(text), UTC)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is no text")
    return value


def _is_deeper(data: Any, limit: int) -> bool:
    """Level by level, because a deep value must not exhaust our own stack."""
    level = [data]
    for _ in range(limit):
        inner = [part for part in level if isinstance(part, (dict, list))]
        if not inner:
            return False
        level = [item for part in inner for item in (part.values() if isinstance(part, dict) else part)]
    return any(isinstance(part, (dict, list)) for part in level)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON's")
