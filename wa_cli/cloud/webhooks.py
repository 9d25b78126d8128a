"""The JSON of a notification, as Meta posts it, as messages, statuses and notices.

One body may have up to 1,000 updates, for several numbers. Unknown fields and types are normal: a message of an
unknown type is kept with its raw data, an unknown field is a notice, and one bad item never affects the others.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from wa_cli.clock import now, parse_unix
from wa_cli.cloud import webhook_calls, webhook_contacts, webhook_content
from wa_cli.cloud.webhook_contacts import ITEMS, Object, list_of
from wa_cli.errors import BadInput
from wa_cli.messages import json_text, values
from wa_cli.messages.incoming import (
    PLACEHOLDERS,
    Alias,
    Contact,
    Edit,
    IncomingMessage,
    Notice,
    Notification,
    StatusUpdate,
    parse_opaque,
)
from wa_cli.messages.phone import from_wire, is_group_id

OBJECT = "whatsapp_business_account"
HISTORY, CALLS, ECHOES = "history", "calls", "smb_message_echoes"
# Keys of a value whose content goes into the rows of its items.
ENVELOPE = ("messaging_product", "metadata", "contacts")
# Statuses that are not of a message.
OTHER_STATUSES = ("payment", "call")
UNKNOWN_PHONE = "business"
# The longest status, which is one word of Meta's.
LONGEST_STATUS = 50


def load(body: str | bytes) -> Any:
    """Return the JSON of a body, cleaned of characters that cannot be stored. Raises BadInput if it is not JSON."""
    return _load(body)[0]


def _load(body: str | bytes) -> tuple[Any, bool]:
    """Return the JSON of a body, and True if parts of it are nested too deep to be read."""
    data, is_pruned = json_text.parse_pruned(body, "The notification")
    text = body if isinstance(body, str) else body.decode()
    return json_text.clean(data) if json_text.may_be_unstorable(text) else data, is_pruned


def is_ours(data: Any) -> bool:
    """Return True if the body is of WhatsApp. Other subscriptions of the app come to the same address."""
    return isinstance(data, dict) and data.get("object", OBJECT if "entry" in data else None) == OBJECT


def parse(body: str | bytes) -> Notification:
    """Return the content of the body. Raises BadInput if it is not a notification."""
    data, is_pruned = _load(body)
    if not is_ours(data):
        raise BadInput("The notification is not of a WhatsApp Business account.")
    entries = data.get("entry")
    if not isinstance(entries, (list, dict)):
        raise BadInput("The notification has no `entry`.")
    found = _Found()
    if is_pruned:
        found.unreadable.append((None, f"a part {json_text.TOO_DEEP}"))
    for place in _places(entries if isinstance(entries, list) else [entries], found):
        place.read_into(found)
    return found.notification()


def notify(
    value: Object, field_name: str = "messages", account: str = "0", reported_at: datetime | None = None
) -> dict[str, Any]:
    """Return a notification with this one value in it, as Meta wraps it."""
    at = {"time": int(reported_at.timestamp())} if reported_at else {}
    return {"object": OBJECT, "entry": [{"id": account, **at, "changes": [{"field": field_name, "value": value}]}]}


@dataclass
class _Found:
    messages: list[IncomingMessage] = field(default_factory=list)
    statuses: list[StatusUpdate] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    unreadable: list[tuple[Any, str]] = field(default_factory=list)

    def notification(self) -> Notification:
        return Notification(
            messages=tuple(self.messages),
            statuses=tuple(self.statuses),
            notices=tuple(self.notices),
            contacts=tuple(self.contacts),
            aliases=tuple(self.aliases),
            edits=tuple(self.edits),
            unreadable=tuple(self.unreadable),
        )


@dataclass(frozen=True)
class _Place:
    """A change, and its place in the notification."""

    account: str
    reported_at: datetime | None
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
        """Read every update of the change. Anything else is a notice, so that nothing is lost."""
        read = {key for key in ENVELOPE if key in self.value}
        for kind in ITEMS:
            for item in list_of(self.value, kind):
                read.add(kind)
                self._read_item(kind, item, found)
        for chunk in list_of(self.value, HISTORY):
            if self._read_history(chunk, found):
                read.add(HISTORY)
        rest = {key: item for key, item in self.value.items() if key not in read and item != []}
        if rest or not read.difference(ENVELOPE):
            self._note(rest or dict(self.value), found, self._error_codes())
        self._read_people(found)

    def _read_people(self, found: _Found) -> None:
        """Read the people that the change names. An unreadable shape teaches nothing."""
        try:
            people = webhook_contacts.contacts_in(self.value, self._instant)
            found.contacts += (person for person in people if not self._is_ours(person.phone))
            found.aliases += webhook_contacts.new_user_ids(self.value, self.reported_at or now())
        except Exception as error:
            found.unreadable.append((self.value.get("contacts"), _reason("contact", None, error)))

    def _read_item(self, kind: str, item: Any, found: _Found) -> None:
        try:
            if kind == "calls":
                self._read_call(item, found)
            elif kind == "statuses":
                self._read_status(item, found)
            else:
                by_us = kind == "message_echoes" or self._is_echo(item)
                message = self._message(item, by_us=by_us, from_history=self.field == HISTORY)
                found.messages.append(message)
                found.aliases += webhook_contacts.aliases_of(item, message.sent_at)
                found.edits += _edits(message)
        except Exception as error:
            found.unreadable.append((item, _reason(ITEMS[kind], item, error)))

    def _is_echo(self, item: Object) -> bool:
        """Return True for an echo in the list of messages: it comes from the business and names a recipient."""
        is_ours = self.field == ECHOES or self._is_ours(item.get("from"))
        return is_ours and bool(item.get("to") or item.get("to_user_id"))

    def _is_ours(self, phone: Any) -> bool:
        """Return True for the phone of the business itself, which is not a customer."""
        return bool(phone) and from_wire(str(phone)) == self.business_phone

    def _read_status(self, item: Object, found: _Found) -> None:
        """Read a status of one of our messages. The status of a payment or of a call is a notice."""
        if item.get("type") in OTHER_STATUSES or self.field == CALLS:
            self._note({"statuses": [item]}, found)
        else:
            found.statuses.append(self._status(item))

    def _read_call(self, item: Object, found: _Found) -> None:
        """Read a call. A customer's call is a row, described by its end. A call of the business is a notice, and so is
        a recording.
        """
        if not webhook_calls.is_of_customer(item):
            self._note({"calls": [item]}, found)
            return
        call = webhook_calls.read(item)
        message = self._message(item, by_us=False, from_history=False)
        found.messages.append(
            replace(
                message,
                message_type=call.message_type,
                content=call.content,
                sent_at=call.began_at or message.sent_at,
                is_placeholder=not call.has_ended,
            )
        )

    def _read_history(self, chunk: Any, found: _Found) -> bool:
        """Read imported conversations. Return False for a chunk without any, such as a declined import."""
        threads = list_of(chunk, "threads")
        for thread in threads:
            customer = thread.get("id") if isinstance(thread, dict) else None
            context = thread.get("context") if isinstance(thread, dict) else None
            known = context if isinstance(context, dict) else {}
            for item in list_of(thread, "messages"):
                try:
                    found.messages.append(self._said_before(item, customer or known.get("wa_id"), known.get("user_id")))
                except Exception as error:
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
        group = values.identity(item.get("group_id")) or _group_of(item)
        phone, user_id = (
            webhook_contacts.customer_of(item, self.value, *side) if not (group and by_us) else (group, None)
        )
        reading = webhook_content.read(item)
        kind = webhook_content.type_of(item)
        return IncomingMessage(
            wamid=_text(item["id"]),
            phone_number_id=self.number,
            business_phone=self._business_phone(item, by_us=by_us),
            phone=from_wire(phone) if phone else None,
            user_id=user_id,
            message_type=kind,
            sent_at=self._instant(item),
            content=reading.content,
            media=reading.media,
            context_wamid=reading.refers_to,
            by_us=by_us,
            from_history=from_history,
            status=_history_status(item) if by_us else None,
            group_id=group,
            is_placeholder=kind in PLACEHOLDERS,
            raw=item if raw is None else raw,
        )

    def _status(self, item: Object) -> StatusUpdate:
        echo = parse_opaque(item.get("biz_opaque_callback_data"))
        error = next((e for e in list_of(item, "errors") if isinstance(e, dict)), {})
        participant = item.get("recipient_participant_id") or item.get("recipient_participant_user_id")
        return StatusUpdate(
            wamid=_text(item["id"]),
            status=_text(item["status"], LONGEST_STATUS),
            happened_at=self._instant(item),
            has_time=bool(parse_unix(item.get("timestamp")) or self.reported_at),
            phone_number_id=self.number,
            recipient=values.identity(item.get("recipient_id") or item.get("recipient_user_id")) or None,
            participant=values.identity(participant),
            reference=echo[0] if echo else None,
            attempt=echo[1] if echo else None,
            code=values.integer(error.get("code")),
            reason=_error_text(error),
            raw=item,
        )

    def _instant(self, item: Object) -> datetime:
        """Return the time of the item, else that of the notification, else now. The item is kept in any case."""
        return parse_unix(item.get("timestamp")) or self.reported_at or now()

    def _error_codes(self) -> tuple[int, ...]:
        errors = [error for error in list_of(self.value, "errors") if isinstance(error, dict)]
        return tuple(code for error in errors if (code := values.integer(error.get("code"))) is not None)

    def _note(self, value: Any, found: _Found, error_codes: tuple[int, ...] = ()) -> None:
        known = [
            self.account,
            self.reported_at.isoformat() if self.reported_at else None,
            self.field,
            self.number,
            value,
        ]
        identity = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
        found.notices.append(
            Notice(identity, self.account, self.field, self.number or None, self.reported_at, value, error_codes)
        )


def _places(entries: list[Any], found: _Found) -> Iterator[_Place]:
    """Yield each change of each entry. A shape that is not Meta's is unreadable."""
    for entry in entries:
        changes = entry.get("changes") if isinstance(entry, dict) else None
        if not isinstance(changes, list):
            found.unreadable.append((entry, "an entry has no list of changes"))
            continue
        for change in changes:
            value = change.get("value") if isinstance(change, dict) else None
            if isinstance(value, dict):
                yield _Place(
                    str(entry.get("id", "")), parse_unix(entry.get("time")), str(change.get("field", "")), value
                )
            else:
                found.unreadable.append((change, "a change has no value"))


def _edits(message: IncomingMessage) -> Iterator[Edit]:
    """Yield the effect of an edit or a revocation on the message that it names."""
    if message.context_wamid and message.message_type in ("edit", "revoke"):
        is_revoked = message.message_type == "revoke"
        yield Edit(message.context_wamid, message.sent_at, None if is_revoked else message.content, is_revoked)


def _group_of(item: Object) -> str | None:
    """Return the group that an echo was sent to, if the echo has no group_id."""
    whom = values.identity(item.get("to"))
    return whom if is_group_id(whom) else None


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
    """Return the reason why an item cannot be read, with words that help to find it."""
    if not isinstance(item, dict):
        return f"a {what} is not an object but {type(item).__name__}"
    name = f"the {what} {item['id']!r}" if isinstance(item.get("id"), str) else f"a {what}"
    if isinstance(error, KeyError):
        return f"{name} has no {error.args[0]}"
    return f"{name} cannot be read: {str(error)[:200]}"


def _text(value: Any, limit: int = values.LONGEST_ID) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not text")
    if len(value) > limit:
        raise ValueError(f"{value[:40]!r}… has {len(value):,} characters, more than {limit}")
    return value
