"""The content columns of a message, type by type: text as a person reads it, the file, the message it refers to.

Meta adds types without notice. The text of an unknown type is taken from its likely fields, and its raw data is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from typing import Any

from wa_cli.clock import parse_unix
from wa_cli.errors import BadInput
from wa_cli.messages import json_text
from wa_cli.messages.content import contacts, interactive, location, reaction
from wa_cli.messages.incoming import Media
from wa_cli.messages.values import identity
from wa_cli.messages.values import word as _word

Part = Mapping[str, Any]
# Fields for programs: of a reply, and of the answers of a flow, whose other fields are the business's own.
_NOT_SAID = ("flow_token", "type", "name", "credential_id", "response_source")
_NOT_ANSWERED = ("flow_token",)
# Replies whose body is the whole answer as text. That of a flow is only "Sent".
_SAID_IN_BODY = ("address_message",)
_NAMES = {"unsupported": "message", "unknown": "message", "errors": "message"}


@dataclass(frozen=True)
class Reading:
    """The content of a message. `refers_to` is the wamid of the message that it answers, reacts to, edits or revokes."""

    content: str | None = None
    media: Media | None = None
    refers_to: str | None = None


def read(item: Part) -> Reading:
    """Return the content of a message."""
    kind = type_of(item)
    part = item.get(kind)
    if isinstance(part, list):  # shared contacts
        part = {"items": part}
    reading = READERS.get(kind, _unknown)(part if isinstance(part, Mapping) else {})
    if not reading.content and kind in _NAMES and isinstance(item.get("text"), Mapping):
        reading = replace(reading, content=_word(item["text"].get("body")))
    if not reading.content and (problem := _problem(item)):
        reading = replace(reading, content=f"{_NAMES.get(kind, kind)} not available: {problem}")
    context = item.get("context")
    answered = _word(context.get("id")) if isinstance(context, Mapping) else None
    return replace(reading, refers_to=reading.refers_to or answered)


def type_of(item: Part) -> str:
    """Return the type of a message, or `unknown`. An item without a type has that of its only content.

    An edit or a revocation that Meta does not support says so in its `unsupported` part.
    """
    unsupported = item.get("unsupported")
    if isinstance(unsupported, Mapping) and unsupported.get("type") in ("edit", "revoke"):
        return str(unsupported["type"])
    if kind := item.get("type"):
        return str(kind)
    found = [kind for kind in READERS if isinstance(item.get(kind), (Mapping, list))]
    return found[0] if len(found) == 1 else "unknown"


def _text(part: Part) -> Reading:
    return Reading(_word(part.get("body")))


def _system(part: Part) -> Reading:
    """Return the text of a system message, or the new number if that is all it has."""
    new = identity(part.get("wa_id") or part.get("new_wa_id") or part.get("user_id"))
    return Reading(_word(part.get("body")) or (f"changed to {new}" if new else None))


def _file(part: Part) -> Reading:
    """Read an image, a video, a voice note, a sticker or a document: its caption, else its name."""
    words = _word(part.get("caption")) or _word(part.get("filename"))
    identity = part.get("id")
    return Reading(
        words,
        Media(
            id=str(identity) if identity else None,
            mime_type=_word(part.get("mime_type")),
            sha256=_word(part.get("sha256")),
            url=_word(part.get("url")),
        ),
    )


def _problem(item: Part) -> str | None:
    """Return Meta's reason for missing content, or the unsupported type."""
    unsupported = item.get("unsupported")
    kind = _word(unsupported.get("type")) if isinstance(unsupported, Mapping) else None
    errors = item.get("errors")
    error = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], Mapping) else {}
    data = error.get("error_data")
    details = _word(data.get("details")) if isinstance(data, Mapping) else None
    text = details or _word(error.get("title")) or _word(error.get("message"))
    if kind and (kind not in _NAMES or not text):
        return f"{kind.replace('_', ' ')} is not supported"
    return text


def _location(part: Part) -> Reading:
    return Reading(location.words(part))


def _contacts(part: Part) -> Reading:
    return Reading(contacts.words(part.get("items", ())))


def _reaction(part: Part) -> Reading:
    return Reading(reaction.words(part), refers_to=_word(part.get("message_id")))


def _button(part: Part) -> Reading:
    return Reading(_word(part.get("text")) or _word(part.get("payload")))


def _interactive(part: Part) -> Reading:
    """Return the title of the chosen item, the answers of a flow, or the answer to a request to call.

    A message of the business, as an echo has it, is read like one that wa sends.
    """
    if "action" in part:
        return Reading(interactive.words(part))
    kind = str(part.get("type"))
    reply = part.get(kind)
    if not isinstance(reply, Mapping):
        return Reading()
    if kind == "call_permission_reply":
        return Reading(_call_permission(reply))
    told = _word(reply.get("body")) if reply.get("name") in _SAID_IN_BODY else None
    answers = told or _answers(reply.get("response_json"))
    title = _word(reply.get("title")) or answers or _word(reply.get("response")) or _word(reply.get("body"))
    return Reading(title or _fields(reply))


def _call_permission(reply: Part) -> str:
    permanence = ", permanent" if reply.get("is_permanent") is True else ""
    until = parse_unix(reply.get("expiration_timestamp"))
    limit = f", until {_shown(until)}" if until and not permanence else ""
    return f"call permission: {_word(reply.get('response')) or 'unknown'}{permanence}{limit}"


def _answers(text: Any) -> str | None:
    """Return the answers of a flow, which are JSON in a string. Other text is returned as it is."""
    if not isinstance(text, str):
        return None
    try:
        answers = json_text.parse(text, "the answer")
    except BadInput:
        return _word(text)
    return _fields(answers, _NOT_ANSWERED) if isinstance(answers, Mapping) else _word(text)


def _fields(answers: Part, left_out: Sequence[str] = _NOT_SAID) -> str | None:
    """Return fields like `first name: Lea, day: 2026-12-01`."""
    parts = [
        f"{key.replace('_', ' ')}: {_field(key, value)}"
        for key, value in answers.items()
        if key not in left_out and value not in (None, "", [], {})
    ]
    return ", ".join(parts) or None


def _field(key: str, value: Any) -> str:
    """Return the value of a field as text, Meta's Unix times as UTC."""
    if key.endswith("timestamp") and (instant := parse_unix(value)):
        return _shown(instant)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_field(key, item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_field(name, item)}" for name, item in value.items())
    return "" if value is None else str(value)


def _shown(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _order(part: Part) -> Reading:
    """Return the ordered items, their cost, and the text of the order."""
    items = part.get("product_items")
    products = [item for item in (items if isinstance(items, list) else []) if isinstance(item, Mapping)]
    counted = ", ".join(f"{item.get('quantity', '?')} x {item.get('product_retailer_id', '?')}" for item in products)
    cost = _cost(products)
    order = f"{counted}, total {cost}" if counted and cost else counted
    return Reading(": ".join(filter(None, (order, _word(part.get("text"))))) or None)


def _cost(products: Sequence[Part]) -> str | None:
    """Return the total of an order, if all of it has one currency or none."""
    currencies = {_word(item.get("currency")) or "" for item in products}
    try:
        cost = sum(float(item["item_price"]) * float(item["quantity"]) for item in products)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if not isfinite(cost) or len(currencies) != 1:
        return None
    return f"{cost:.2f} {currencies.pop()}".strip()


def _edit(part: Part) -> Reading:
    """Return the new text of a message, and the message that was edited."""
    message = part.get("message")
    reading = read(message) if isinstance(message, Mapping) else Reading()
    return replace(reading, refers_to=_word(part.get("original_message_id")) or reading.refers_to)


def _revoke(part: Part) -> Reading:
    return Reading(refers_to=_word(part.get("original_message_id")))


def _unknown(part: Part) -> Reading:
    named = ("body", "text", "caption", "title", "name")
    return Reading(next((found for found in (_word(part.get(name)) for name in named) if found), None))


READERS: dict[str, Callable[[Part], Reading]] = {
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
    "system": _system,
    "edit": _edit,
    "revoke": _revoke,
    "unsupported": lambda _: Reading(),
}
