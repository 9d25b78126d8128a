"""Every message type that can be sent: one file each, with its name here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wa_cli.errors import BadInput
from wa_cli.messages.content.base import ID_LIMIT, Columns, ContentType, check_length
from wa_cli.messages.content.contacts import Contacts
from wa_cli.messages.content.interactive import Interactive
from wa_cli.messages.content.location import Location
from wa_cli.messages.content.media import Media
from wa_cli.messages.content.reaction import Reaction
from wa_cli.messages.content.template import Template
from wa_cli.messages.content.text import Text
from wa_cli.messages.json_text import UNSTORABLE

CONTENT_TYPES: dict[str, ContentType] = {
    kind.name: kind
    for kind in (
        Text(),
        Media("image", captioned=True),
        Media("video", captioned=True),
        Media("audio"),
        Media("document", captioned=True),
        Media("sticker"),
        Location(),
        Contacts(),
        Reaction(),
        Interactive(),
        Template(),
    )
}
# Types whose part is a list, and types that cannot quote a message.
LISTS: dict[str, type] = {"contacts": list}
UNQUOTING = ("reaction",)


def check(message: Mapping[str, Any]) -> None:
    """Raise BadInput if the API would surely refuse the message. An unknown type is left to the API."""
    name = message.get("type")
    if not isinstance(name, str) or not name or len(name) > 20:
        raise BadInput("The message has no `type`.", hint=f"Use one of {', '.join(CONTENT_TYPES)}.")
    if name not in message:
        raise BadInput(f"The message is of type {name!r} and lacks the object {name!r}.")
    if any(UNSTORABLE.search(text) for text in _texts(message)):
        raise BadInput("The message has a character that cannot be sent: a NUL, or half of a surrogate pair.")
    _check_context(message.get("context"))
    if message.get("context") and name in UNQUOTING:
        raise BadInput(f"A message of type {name} cannot quote another one.")
    if name in CONTENT_TYPES:
        part, shape = message[name], LISTS.get(name, Mapping)
        if not isinstance(part, shape):
            raise BadInput(f"The message's {name!r} is not {'a list' if name in LISTS else 'an object'}.")
        CONTENT_TYPES[name].check(part)


def _check_context(context: object) -> None:
    """Check the quoted message, if there is one: `{"message_id": wamid}`."""
    if context is None:
        return
    if not isinstance(context, Mapping) or not isinstance(context.get("message_id"), str):
        raise BadInput('The context is not an object like {"message_id": "wamid…"}.')
    check_length("context's message_id", context["message_id"], ID_LIMIT)


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in the object, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from (*_texts(key), *_texts(item))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)


def columns(message: Mapping[str, Any]) -> Columns:
    """Return the content columns of a message.

    Never raises: the message may have been sent already, so an unreadable part is left out.
    """
    try:
        kind, part = CONTENT_TYPES[message["type"]], message[message["type"]]
        return kind.columns(part)
    except Exception:
        return Columns()


def quoting(message: Mapping[str, Any], wamid: str | None) -> dict[str, Any]:
    """Return the message as an answer to that one, if there is one."""
    return {**message, **({"context": {"message_id": wamid}} if wamid else {})}


def quoted_id(message: Mapping[str, Any]) -> str | None:
    """Return the wamid of the message that this one quotes, or reacts to."""
    context = message.get("reaction" if message.get("type") == "reaction" else "context")
    quoted = context.get("message_id") if isinstance(context, Mapping) else None
    return quoted if isinstance(quoted, str) else None
