"""Whom an update is about: phone, user id and name of the other side, and which of them turn out to be one person's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wa_cli.messages.incoming import Alias, IncomingMessage
from wa_cli.messages.phone import customer_key, is_user_id

Object = Mapping[str, Any]

# The lists of a value in which its updates are, and what one of each is called.
ITEMS = {"messages": "message", "message_echoes": "echo", "statuses": "status"}


def customer_of(item: Object, value: Object, phone_at: str, user_id_at: str) -> tuple[str | None, str | None]:
    """Phone and user id of the other side. A hidden phone is left out, or the user id stands in its place."""
    phone, user_id = str(item.get(phone_at) or ""), str(item.get(user_id_at) or "")
    if is_user_id(phone):
        phone, user_id = "", user_id or phone
    told = item.get("system")
    if not (phone or user_id) and isinstance(told, dict):
        phone, user_id = str(told.get("wa_id") or ""), str(told.get("previous_user_id") or told.get("user_id") or "")
    contact = contact_of(value, phone, user_id)
    if not (phone or user_id):
        phone = str(contact.get("wa_id") or "")
    user_id = user_id or str(contact.get("user_id") or "")
    if not phone and not user_id:
        raise ValueError("it names no customer")
    return phone or None, user_id or None


def contact_of(value: Object, phone: str | None, user_id: str | None) -> Object:
    """The contact of this customer, matched by id: the order of the list means nothing."""
    contacts = [contact for contact in list_of(value, "contacts") if isinstance(contact, dict)]
    for contact in contacts:
        if (phone and contact.get("wa_id") == phone) or (
            user_id and user_id in (contact.get("user_id"), contact.get("wa_id"))
        ):
            return contact
    # Where one message that names nobody comes with one contact, there is no doubt whose it is.
    is_alone = len(contacts) == 1 == sum(len(list_of(value, kind)) for kind in ITEMS)
    return contacts[0] if is_alone and not (phone or user_id) else {}


def name_of(contact: Object) -> str | None:
    profile = contact.get("profile")
    name = profile.get("name") if isinstance(profile, dict) else None
    return str(name) if name else None


def aliases_of(message: IncomingMessage) -> Iterator[Alias]:
    """Keys of one person: a user id with its phone, and what a system message says has changed."""
    if message.phone and message.user_id:
        yield Alias(message.user_id, message.phone.lstrip("+"))
    told = message.raw.get("system") if message.message_type == "system" else None
    if isinstance(told, dict):
        before = str(told.get("previous_user_id") or "") or customer_key(message.phone, message.user_id)
        phone = told.get("wa_id") or told.get("new_wa_id")
        after = customer_key(str(phone) if phone else None, str(told.get("user_id") or ""))
        if before and after:
            yield Alias(before, after, is_change=True)


def new_user_ids(value: Object) -> Iterator[Alias]:
    """From the field `user_id_update`: a person's user id changes with their phone number."""
    updates = value.get("user_id_update")
    for update in updates if isinstance(updates, list) else [updates or value]:
        change = update.get("user_id") if isinstance(update, dict) else None
        if isinstance(change, dict) and change.get("previous") and change.get("current"):
            yield Alias(str(change["previous"]), str(change["current"]), is_change=True)


def list_of(holder: Any, key: str) -> list[Any]:
    """The list under that key; nothing where there is none."""
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []
