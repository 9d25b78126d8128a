"""Received values: messages of customers, and WhatsApp's statuses of sent ones. Without any transport."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

_OPAQUE = re.compile(r"wa:([0-9a-f-]{36}):([0-9]{1,9})")


# Types of a message that Meta announces before it can be shown, or that it never shows.
PLACEHOLDERS = ("media_placeholder", "unsupported", "unknown", "errors")
CALLS = ("call", "missed_call")


@dataclass(frozen=True)
class Media:
    """A file of a message that is still at Meta, for seven days under its id."""

    id: str | None
    mime_type: str | None = None
    sha256: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class IncomingMessage:
    """A message between a customer and a business number, as it becomes a row.

    `phone` is the customer's, `+` and digits, or None if WhatsApp hides it, and then `user_id` is given. `sent_at` is
    an aware instant. `context_wamid` is the message that it answers, reacts to, edits or revokes. `by_us` marks a
    message of a colleague in the Business app, `from_history` an imported one. `group_id` names the group in which it
    was written. `is_placeholder` marks a message whose content comes later under the same id. `raw` is the item as
    Meta sent it.
    """

    wamid: str
    phone_number_id: str
    business_phone: str
    phone: str | None
    user_id: str | None
    message_type: str
    sent_at: datetime
    content: str | None = None
    media: Media | None = None
    context_wamid: str | None = None
    by_us: bool = False
    from_history: bool = False
    status: str | None = None
    group_id: str | None = None
    is_placeholder: bool = False
    raw: Any = None


@dataclass(frozen=True)
class StatusUpdate:
    """A status event of a sent message. `reference` and `attempt` are the values that Meta echoes.

    Without `has_time`, `happened_at` is the time of the delivery, which differs when the event is delivered again.
    """

    wamid: str
    status: str
    happened_at: datetime
    phone_number_id: str
    has_time: bool = True
    recipient: str | None = None
    participant: str = ""
    reference: UUID | None = None
    attempt: int | None = None
    code: int | None = None
    reason: str | None = None
    raw: Any = None


@dataclass(frozen=True)
class Notice:
    """A webhook entry that is neither a message nor a status: about templates, accounts, preferences or errors.

    `id` is the same for a repeated notice. `account` is the id of the business account, `number` that of the business
    number if the notice concerns one. `error_codes` are those of an error that belongs to no message.
    """

    id: str
    account: str
    field: str
    phone_number_id: str | None
    happened_at: datetime | None
    raw: Any
    error_codes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Contact:
    """The keys and the profile of a person, as known at the instant `at`.

    `phone` is digits or `+` and digits. `source` is the wamid of the message that the contact came with, or None for a
    status, a call or a list of contacts: a message that was stored before changes nothing. `is_sender` is true for the
    customer who wrote that message.
    """

    at: datetime
    phone: str | None = None
    user_id: str | None = None
    name: str | None = None
    username: str | None = None
    source: str | None = None
    is_sender: bool = False


@dataclass(frozen=True)
class Alias:
    """Two keys of one person, known by `new` from the instant `at`. `is_change` marks an announced change, else it is a
    user id with its phone. `source` is as in Contact.
    """

    old: str
    new: str
    at: datetime
    is_change: bool = False
    source: str | None = None


@dataclass(frozen=True)
class Edit:
    """An edit or a revocation of a message at the instant `at`. `content` is the new text, or None if it was revoked."""

    wamid: str
    at: datetime
    content: str | None
    is_revoked: bool


@dataclass(frozen=True)
class Notification:
    """The content of one webhook body. `unreadable` are unknown shapes, each with its reason."""

    messages: tuple[IncomingMessage, ...] = ()
    statuses: tuple[StatusUpdate, ...] = ()
    notices: tuple[Notice, ...] = ()
    contacts: tuple[Contact, ...] = ()
    aliases: tuple[Alias, ...] = ()
    edits: tuple[Edit, ...] = ()
    unreadable: tuple[tuple[Any, str], ...] = ()


def opaque(reference: UUID, attempt: int) -> str:
    """Return the text that Meta echoes in every status of this attempt (`biz_opaque_callback_data`)."""
    return f"wa:{reference}:{attempt}"


def parse_opaque(text: object) -> tuple[UUID, int] | None:
    """Return reference and attempt of our echo, or None for another program's."""
    found = _OPAQUE.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return None
    try:
        return UUID(found[1]), int(found[2])
    except ValueError:
        return None
