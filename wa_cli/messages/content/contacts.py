"""Contact cards of other people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from wa_cli.counted import counted
from wa_cli.errors import BadInput
from wa_cli.messages.content.base import Columns
from wa_cli.messages.values import word

MOST_CARDS = 257  # of the app; Meta advises a few
_NAMES = ("first_name", "last_name", "middle_name", "suffix", "prefix")
_FORMATTED_NAME = re.compile(r"^FN[^:\r\n]*:[ \t]*(\S[^\r\n]*)", re.MULTILINE | re.IGNORECASE)  # vCard (RFC 6350)
_BIRTHDAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Contacts:
    name = "contacts"

    def check(self, part: Any) -> None:
        if not 0 < len(part) <= MOST_CARDS:
            raise BadInput(f"The message has {counted(len(part), 'contact')}. It must have 1 to {MOST_CARDS}.")
        for card in part:
            _check_card(card)

    def columns(self, part: Any) -> Columns:
        return Columns(content=words(part))


def _check_card(card: Any) -> None:
    name = card.get("name") if isinstance(card, Mapping) else None
    if not isinstance(name, Mapping) or not word(name.get("formatted_name")):
        raise BadInput("A contact has no name.formatted_name.")
    if not any(word(name.get(part)) for part in _NAMES):
        raise BadInput(f"The name of the contact {name['formatted_name']!r} has none of {', '.join(_NAMES)}.")
    for key in ("phones", "emails", "addresses", "urls"):
        entries = card.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            raise BadInput(f"The {key} of the contact {name['formatted_name']!r} are not a list of objects.")
    birthday = card.get("birthday")
    if birthday is not None and not _BIRTHDAY.fullmatch(str(birthday)):
        raise BadInput(f"The birthday {birthday!r} is not a date like 1990-12-31.")


def words(cards: Sequence[Any]) -> str | None:
    """Return name, phone numbers and e-mail addresses of each card."""
    return "; ".join(filter(None, [_card(card) for card in cards if isinstance(card, Mapping)])) or None


def _card(card: Mapping[str, Any]) -> str:
    numbers = [word(entry.get("phone")) or word(entry.get("wa_id")) for entry in _entries(card, "phones")]
    addresses = [word(entry.get("email")) for entry in _entries(card, "emails")]
    return ", ".join(filter(None, [_name(card), *numbers, *addresses]))


def _entries(card: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = card.get(key)
    return [entry for entry in (found if isinstance(found, list) else []) if isinstance(entry, Mapping)]


def _name(card: Mapping[str, Any]) -> str | None:
    """Return the name of a shared contact, all of whose fields are optional."""
    name = card.get("name")
    if isinstance(name, Mapping):
        parts = (name.get("first_name"), name.get("last_name"))
        if found := word(name.get("formatted_name")) or " ".join(filter(None, map(word, parts))):
            return found
    if vcard := _FORMATTED_NAME.search(str(card.get("vcard") or "")):
        return vcard[1].strip()
    organisation = card.get("org")
    if isinstance(organisation, Mapping) and (company := word(organisation.get("company"))):
        return company
    return None


def contact(name: str, phones: Sequence[str] = (), emails: Sequence[str] = (), company: str | None = None) -> Any:
    """Return a message with one contact as the Cloud API takes it. A number on WhatsApp can be written to by a tap."""
    first, _, last = name.strip().partition(" ")
    card: dict[str, Any] = {
        "name": {"formatted_name": name.strip(), "first_name": first, **({"last_name": last} if last else {})}
    }
    if phones:
        card["phones"] = [{"phone": phone, "wa_id": phone.lstrip("+"), "type": "CELL"} for phone in phones]
    if emails:
        card["emails"] = [{"email": email, "type": "WORK"} for email in emails]
    if company:
        card["org"] = {"company": company}
    return {"type": "contacts", "contacts": [card]}
