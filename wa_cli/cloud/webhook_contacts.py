"""The people of an update: phone, user id and name, and the keys that turn out to be one person's.

A person is known from every place that pairs a phone with a user id: messages and echoes, statuses, calls,
preferences, synchronised contacts, an answered request for the phone number, system messages, and the contacts beside
any of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from wa_cli.clock import parse_unix
from wa_cli.messages.incoming import Alias, Contact
from wa_cli.messages.phone import is_group_id, is_user_id
from wa_cli.messages.values import identity, word

Object = Mapping[str, Any]

# Lists of updates in a value, and the name of one update.
ITEMS = {"messages": "message", "message_echoes": "echo", "statuses": "status", "calls": "call"}
# Lists that name people without being updates of our messages.
_OTHER_ITEMS = ("user_preferences",)
_PARTICIPANTS = ("added_participants", "removed_participants", "participants")
_PAIRS = (
    ("from", "from_user_id"),
    ("to", "to_user_id"),
    ("recipient_id", "recipient_user_id"),
    ("recipient_participant_id", "recipient_participant_user_id"),
    ("wa_id", "user_id"),
)
# Meta's text of a system message. Sometimes only the text has the old id.
_CHANGED = re.compile(r"changed from (\S+) to (\S+)")

Instant = Callable[[Any], datetime]


def customer_of(item: Object, value: Object, phone_at: str, user_id_at: str) -> tuple[str | None, str | None]:
    """Return phone and user id of the customer. A hidden phone is left out, or the user id takes its place.

    Raises ValueError if neither the item nor its contacts name a customer.
    """
    phone, user_id = _keys(item, phone_at, user_id_at)
    if not (phone or user_id) and isinstance(item.get("system"), dict):
        phone, user_id = _changed_to(item["system"])
    contact = contact_of(value, phone, user_id)
    contact_phone, contact_user_id = _keys(contact, "wa_id", "user_id")
    if not (phone or user_id):
        phone = contact_phone
    user_id = user_id or contact_user_id
    if not phone and not user_id:
        raise ValueError("it does not name a customer")
    return phone or None, user_id or None


def contact_of(value: Object, phone: str | None, user_id: str | None) -> Object:
    """Return the contact of this customer, matched by id. The order of the list means nothing."""
    contacts = [contact for contact in list_of(value, "contacts") if isinstance(contact, dict)]
    for contact in contacts:
        if (phone and contact.get("wa_id") == phone) or (
            user_id and user_id in (contact.get("user_id"), contact.get("wa_id"))
        ):
            return contact
    # A single message without a name belongs to the single contact.
    is_alone = len(contacts) == 1 == sum(len(list_of(value, kind)) for kind in ITEMS)
    return contacts[0] if is_alone and not (phone or user_id) else {}


def contacts_in(value: Object, instant: Instant) -> Iterator[Contact]:
    """Return the contacts of a change, from each of its items and from the contacts beside them."""
    known: dict[str, tuple[datetime, str | None, bool]] = {}
    newest = None
    for kind in (*ITEMS, *_OTHER_ITEMS):
        for item in list_of(value, kind):
            if isinstance(item, dict):
                at, source = instant(item), word(item.get("id")) if "message" in kind else None
                newest = max(newest or at, at)
                for contact in _contacts_of_item(item, at, source):
                    found = at, source, contact.is_sender
                    known.update({key: found for key in (contact.phone, contact.user_id) if key})
                    if contact.phone and contact.user_id:
                        yield contact
    for entry in list_of(value, "contacts"):
        phone, user_id = _keys(entry, "wa_id", "user_id") if isinstance(entry, dict) else ("", "")
        if phone or user_id:
            at, source, is_sender = known.get(phone) or known.get(user_id) or (newest or instant({}), None, False)
            yield Contact(at, phone or None, user_id or None, *_profile(entry), source=source, is_sender=is_sender)
    yield from _synchronised(value, instant)
    yield from _of_history(value, instant)
    yield from _of_groups(value, instant)


def _of_history(value: Object, instant: Instant) -> Iterator[Contact]:
    """Return the customers of imported conversations, as of the newest message of each."""
    for chunk in list_of(value, "history"):
        for thread in list_of(chunk, "threads"):
            context = thread.get("context") if isinstance(thread, dict) else None
            if isinstance(context, dict):
                phone, user_id = _keys(context, "wa_id", "user_id")
                times = [instant(item) for item in list_of(thread, "messages") if isinstance(item, dict)]
                if phone or user_id:
                    at = max(times, default=None) or instant({})
                    yield Contact(at, phone or None, user_id or None, *_profile(context))


def _of_groups(value: Object, instant: Instant) -> Iterator[Contact]:
    """Return the participants that a change of a group names."""
    for group in list_of(value, "groups"):
        for key in _PARTICIPANTS:
            for entry in list_of(group, key):
                phone, user_id = _keys(entry, "wa_id", "user_id") if isinstance(entry, dict) else ("", "")
                if phone and user_id:
                    yield Contact(instant(group), phone, user_id)


def _contacts_of_item(item: Object, at: datetime, source: str | None) -> Iterator[Contact]:
    is_group = item.get("recipient_type") == "group"
    for pair in _PAIRS:
        phone, user_id = _keys(item, *pair)
        if (phone or user_id) and not (is_group and pair[0] == "recipient_id"):
            is_sender = pair[0] == "from" and source is not None
            yield Contact(at, phone or None, user_id or None, source=source, is_sender=is_sender)
    sender = identity(item.get("from_user_id"))
    for card in list_of(item, "contacts"):  # the answer to a request for the phone number
        if sender and isinstance(card, dict) and card.get("origin") == "contact_request":
            for entry in list_of(card, "phones"):
                if isinstance(entry, dict) and (phone := _phone_of_card(entry)):
                    yield Contact(at, phone, sender, source=source)


def _phone_of_card(entry: Object) -> str:
    """Return the number of a shared contact. Its wa_id is optional (Meta). A number without + may be of any country."""
    written = str(entry.get("phone") or "").strip()
    return identity(entry.get("wa_id")) or (re.sub(r"\D", "", written) if written.startswith("+") else "")


def _synchronised(value: Object, instant: Instant) -> Iterator[Contact]:
    """Return contacts of the Business app (`smb_app_state_sync`)."""
    for item in list_of(value, "state_sync"):
        card = item.get("contact") if isinstance(item, dict) else None
        if isinstance(card, dict) and item.get("action") != "remove":
            digits = re.sub(r"\D", "", str(card.get("phone_number") or ""))
            phone, user_id = identity(digits), identity(card.get("user_id"))
            metadata = item.get("metadata")
            if phone or user_id:
                at = instant(metadata if isinstance(metadata, dict) else {})
                name = word(card.get("full_name")) or word(card.get("first_name"))
                yield Contact(at, phone or None, user_id or None, name, word(card.get("username")))


def aliases_of(item: Object, at: datetime) -> Iterator[Alias]:
    """Return the changes of a system message: a new number, a new user id."""
    system = item.get("system")
    if item.get("type") != "system" or not isinstance(system, dict):
        return
    phone, user_id = _keys(item, "from", "from_user_id")
    words = _CHANGED.search(str(system.get("body") or ""))
    before = identity(system.get("previous_user_id")) or phone or user_id or (words[1] if words else "")
    new_phone, new_user_id = _changed_to(system)
    after = new_phone or new_user_id
    if before and after:
        yield Alias(before.lstrip("+"), after.lstrip("+"), at, is_change=True, source=word(item.get("id")))


def new_user_ids(value: Object, at: datetime) -> Iterator[Alias]:
    """Return the changes of the field `user_id_update`: a user id changes with the phone number."""
    updates = value.get("user_id_update")
    for update in updates if isinstance(updates, list) else [updates or value]:
        change = update.get("user_id") if isinstance(update, dict) else None
        if isinstance(change, dict):
            old, new = identity(change.get("previous")), identity(change.get("current"))
            if old and new:
                yield Alias(old, new, parse_unix(update.get("timestamp")) or at, is_change=True)


def _changed_to(system: Object) -> tuple[str, str]:
    """Return the new phone and user id of a system message, from its text if no other field has them."""
    phone, user_id = identity(system.get("wa_id") or system.get("new_wa_id")), identity(system.get("user_id"))
    words = _CHANGED.search(str(system.get("body") or ""))
    if not (phone or user_id) and words:
        new = words[2].strip(".,")
        return ("", new) if is_user_id(new) else (re.sub(r"\D", "", new), "")
    return phone, user_id


def _keys(holder: Object, phone_at: str, user_id_at: str) -> tuple[str, str]:
    """Return phone and user id under these names, each empty if missing. A user id may stand in the phone's place."""
    phone, user_id = identity(holder.get(phone_at)), identity(holder.get(user_id_at))
    if is_user_id(phone):
        return "", user_id or phone
    return ("" if is_group_id(phone) else phone), user_id


def _profile(contact: Object) -> tuple[str | None, str | None]:
    """Return name and username."""
    profile = contact.get("profile")
    known = profile if isinstance(profile, dict) else {}
    return word(known.get("name")), word(known.get("username")) or word(contact.get("username"))


def list_of(holder: Any, key: str) -> list[Any]:
    """Return the list under that key, or an empty one."""
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []
