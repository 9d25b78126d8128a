"""What of a message belongs in which column, type by type: the words that a person would read, the file, what it refers to.

Meta adds types without notice: of one that nobody knows the likely words are taken, and the raw data is kept anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from wa_cli.cloud.values import word as _word
from wa_cli.messages.incoming import Media

Part = Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """`refers_to`: the wamid of the message that this one answers, reacts to, edits or takes back."""

    content: str | None = None
    media: Media | None = None
    refers_to: str | None = None


def read(item: Part) -> Said:
    """What the message says."""
    kind = str(item.get("type"))
    part = item.get(kind)
    if isinstance(part, list):  # shared contacts
        part = {"items": part}
    said = READERS.get(kind, _unknown)(part if isinstance(part, Mapping) else {})
    context = item.get("context")
    answered = _word(context.get("id")) if isinstance(context, Mapping) else None
    return replace(said, refers_to=said.refers_to or answered)


def _text(part: Part) -> Said:
    return Said(_word(part.get("body")))


def _file(part: Part) -> Said:
    """An image, a video, a voice note, a sticker, a document: its caption, else its name."""
    words = _word(part.get("caption")) or _word(part.get("filename"))
    identity = part.get("id")
    return Said(
        words,
        Media(
            id=str(identity) if identity else None,
            mime_type=_word(part.get("mime_type")),
            sha256=_word(part.get("sha256")),
            url=_word(part.get("url")),
        ),
    )


def _location(part: Part) -> Said:
    where = _word(part.get("name")) or _word(part.get("address"))
    if not where and "latitude" in part and "longitude" in part:
        where = f"{part['latitude']}, {part['longitude']}"
    return Said(where)


def _contacts(part: Part) -> Said:
    names = [_contact_name(contact) for contact in part.get("items", ()) if isinstance(contact, Mapping)]
    return Said(", ".join(filter(None, names)) or None)


def _contact_name(contact: Part) -> str | None:
    """Every member of a shared contact is optional."""
    name = contact.get("name")
    if isinstance(name, Mapping):
        parts = (name.get("first_name"), name.get("last_name"))
        if found := _word(name.get("formatted_name")) or " ".join(filter(None, map(_word, parts))):
            return found
    organisation = contact.get("org")
    if isinstance(organisation, Mapping) and (company := _word(organisation.get("company"))):
        return company
    phones = contact.get("phones")
    first = phones[0] if isinstance(phones, list) and phones else None
    return _word(first.get("phone")) if isinstance(first, Mapping) else None


def _reaction(part: Part) -> Said:
    """A reaction that is taken back has no emoji."""
    return Said(_word(part.get("emoji")), refers_to=_word(part.get("message_id")))


def _button(part: Part) -> Said:
    return Said(_word(part.get("text")) or _word(part.get("payload")))


def _interactive(part: Part) -> Said:
    """The title of what was chosen; a flow's answer is JSON in a string."""
    reply = part.get(str(part.get("type")))
    if not isinstance(reply, Mapping):
        return Said()
    for name in ("title", "response_json", "response", "body"):
        if found := _word(reply.get(name)):
            return Said(found)
    return Said()


def _order(part: Part) -> Said:
    items = part.get("product_items")
    counted = [
        f"{item.get('quantity', '?')} x {item.get('product_retailer_id', '?')}"
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, Mapping)
    ]
    return Said(_word(part.get("text")) or ", ".join(counted) or None)


def _edit(part: Part) -> Said:
    """The message as it reads now, and which one it was."""
    message = part.get("message")
    said = read(message) if isinstance(message, Mapping) else Said()
    return replace(said, refers_to=_word(part.get("original_message_id")) or said.refers_to)


def _revoke(part: Part) -> Said:
    return Said(refers_to=_word(part.get("original_message_id")))


def _unknown(part: Part) -> Said:
    named = ("body", "text", "caption", "title", "name")
    return Said(next((found for found in (_word(part.get(name)) for name in named) if found), None))


READERS: dict[str, Callable[[Part], Said]] = {
    "text": _text,
    "image": _file,
    "video": _file,
    "audio": _file,
    "voice": _file,
    "document": _file,
    "sticker": _file,
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "button": _button,
    "interactive": _interactive,
    "order": _order,
    "system": _text,
    "edit": _edit,
    "revoke": _revoke,
    "unsupported": lambda _: Said(),
}
