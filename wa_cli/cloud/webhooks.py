"""A notification's JSON, as Meta posts it, into messages and statuses.

Up to 1,000 updates may come in one body, for several numbers. Unknown fields and types are normal: a message of a type
that nobody knows is kept with its raw data, and one bad item never takes its neighbours with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from wa_cli.errors import BadInput
from wa_cli.messages.incoming import IncomingMessage, Notification, StatusUpdate, parse_opaque
from wa_cli.messages.phone import from_wire

_MEDIA = ("image", "video", "audio", "document", "sticker", "voice")


def parse(body: str | bytes) -> Notification:
    """Everything in the body. Raises BadInput where it is no notification at all."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The notification is not JSON: {error}.") from None
    if not isinstance(data, dict) or not isinstance(data.get("entry"), list):
        raise BadInput("The notification has no `entry`.")
    messages: list[IncomingMessage] = []
    statuses: list[StatusUpdate] = []
    unreadable: list[tuple[Any, str]] = []
    for value, kind, item in _items(data["entry"]):
        try:
            if kind == "statuses":
                statuses.append(_status(value, item))
            else:
                messages.append(_message(value, item, by_us=kind == "message_echoes"))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
            unreadable.append((item, _reason(kind, item, error)))
    return Notification(tuple(messages), tuple(statuses), tuple(unreadable))


def _reason(kind: str, item: Any, error: Exception) -> str:
    """Why an item cannot be read, in words that help to find it."""
    what = {"statuses": "status", "messages": "message", "message_echoes": "echo"}[kind]
    if not isinstance(item, dict):
        return f"a {what} is not an object but {type(item).__name__}"
    name = f"the {what} {item['id']!r}" if isinstance(item.get("id"), str) else f"a {what}"
    if isinstance(error, KeyError):
        return f"{name} has no {error.args[0]}"
    return f"{name} cannot be read: {str(error)[:200]}"


def _items(entries: list[Any]) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """Each update with the `value` it stands in and its kind."""
    for entry in entries:
        for change in _list(entry, "changes"):
            value = change.get("value") if isinstance(change, dict) else None
            for kind in ("messages", "message_echoes", "statuses"):
                for item in _list(value, kind):
                    yield value, kind, item  # type: ignore[misc]


def _message(value: dict[str, Any], item: dict[str, Any], *, by_us: bool) -> IncomingMessage:
    kind = str(item.get("type") or "unknown")
    phone, user_id = (item.get("to"), item.get("to_user_id")) if by_us else (item.get("from"), item.get("from_user_id"))
    if not phone and not user_id:
        raise ValueError("it names no customer")
    part = item.get(kind)
    contact = _contact(value, phone, user_id)
    context = item.get("context")
    return IncomingMessage(
        wamid=_text(item["id"]),
        number=_number(value),
        business_phone=from_wire(str(_metadata(value).get("display_phone_number") or "business")),
        phone=from_wire(str(phone)) if phone else None,
        user_id=str(user_id) if user_id else None,
        name=_profile_name(contact),
        message_type=kind,
        sent_at=_instant(item["timestamp"]),
        content=_content(kind, part),
        media_url=_media(kind, part, "url"),
        media_type=_media(kind, part, "mime_type"),
        context_wamid=context.get("id") if isinstance(context, dict) else None,
        by_us=by_us,
        raw=item,
    )


def _status(value: dict[str, Any], item: dict[str, Any]) -> StatusUpdate:
    echo = parse_opaque(item.get("biz_opaque_callback_data"))
    error = next((e for e in _list(item, "errors") if isinstance(e, dict)), {})
    return StatusUpdate(
        wamid=_text(item["id"]),
        status=_text(item["status"]),
        happened_at=_instant(item["timestamp"]),
        number=_number(value),
        recipient=item.get("recipient_id"),
        participant=str(item.get("recipient_participant_id") or ""),
        reference=echo[0] if echo else None,
        attempt=echo[1] if echo else None,
        code=error.get("code") if isinstance(error.get("code"), int) else None,
        reason=_error_text(error),
        raw=item,
    )


def _content(kind: str, part: Any) -> str | None:
    """What belongs in `content`: the words a person would read."""
    if not isinstance(part, dict):
        return None
    match kind:
        case "text":
            found = part.get("body")
        case "reaction":
            found = part.get("emoji")
        case "button":
            found = part.get("text")
        case "interactive":
            reply = part.get(str(part.get("type")))
            found = (reply.get("title") or reply.get("response_json")) if isinstance(reply, dict) else None
        case "location":
            found = part.get("name") or part.get("address")
        case "system":
            found = part.get("body")
        case _:
            found = part.get("caption")
    return found if isinstance(found, str) else None


def _media(kind: str, part: Any, key: str) -> str | None:
    found = part.get(key) if kind in _MEDIA and isinstance(part, dict) else None
    return str(found) if found else None


def _contact(value: dict[str, Any], phone: Any, user_id: Any) -> dict[str, Any]:
    """The contact of this sender, matched by id: the order of the list means nothing."""
    for contact in _list(value, "contacts"):
        if isinstance(contact, dict) and (
            (phone and contact.get("wa_id") == phone) or (user_id and contact.get("user_id") == user_id)
        ):
            return contact
    return {}


def _profile_name(contact: dict[str, Any]) -> str | None:
    profile = contact.get("profile")
    name = profile.get("name") if isinstance(profile, dict) else None
    return str(name) if name else None


def _error_text(error: dict[str, Any]) -> str | None:
    if not error:
        return None
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else error.get("details")
    return f"{error.get('code')}: {details or error.get('title') or error.get('message') or 'no reason given'}"


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    found = value.get("metadata")
    return found if isinstance(found, dict) else {}


def _number(value: dict[str, Any]) -> str:
    return str(_metadata(value).get("phone_number_id") or "")


def _instant(text: Any) -> datetime:
    """Unix seconds, which Meta writes as a string."""
    return datetime.fromtimestamp(int(text), UTC)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is no text")
    return value


def _list(holder: Any, key: str) -> list[Any]:
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []
