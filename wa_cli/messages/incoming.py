"""What we hear: customers' messages, and WhatsApp's later word on ours. Plain values, whatever wire they came by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

_OPAQUE = re.compile(r"wa:([0-9a-f-]{36}):([0-9]{1,9})")


@dataclass(frozen=True)
class Media:
    """A file that came with a message and still lies at Meta: for seven days under its id."""

    id: str | None
    mime_type: str | None = None
    sha256: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class IncomingMessage:
    """A row to be: one message between a customer and a number of ours.

    `phone` is the customer's, `+` and digits, absent where WhatsApp hides it; then `user_id` is there. `sent_at` is an
    aware instant. `context_wamid`: the message that it answers, reacts to, edits or takes back. `by_us` marks what a
    colleague wrote in the Business app, `from_history` what was said before we were there. `group_id` names the group in
    which it was written. `is_placeholder`: it stands for what comes later under the same id. `raw` is the item as it came.
    """

    wamid: str
    number: str
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
    """A status event of one of our messages; `reference` and `attempt` are what we gave Meta to echo."""

    wamid: str
    status: str
    happened_at: datetime
    number: str
    recipient: str | None = None
    participant: str = ""
    reference: UUID | None = None
    attempt: int | None = None
    code: int | None = None
    reason: str | None = None
    raw: Any = None


@dataclass(frozen=True)
class Notice:
    """What Meta says that is neither a message nor a status: of templates, accounts, preferences, errors.

    `id` is the same for the same notice told twice. `account` is the business account's id, `number` the business number's
    where it is about one. `error_codes` are those of an error that belongs to no message.
    """

    id: str
    account: str
    field: str
    number: str | None
    happened_at: datetime | None
    raw: Any
    error_codes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Contact:
    """What an event of the instant `at` says of a person: by which keys they write, and what they call themselves.

    `phone` is digits or `+` and digits. `source` is the wamid of the message that says it: a message that was stored
    before says nothing new. None where a status, a call or a list of contacts says it.
    """

    at: datetime
    phone: str | None = None
    user_id: str | None = None
    name: str | None = None
    username: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Alias:
    """Two keys of one person, known by `new` from the instant `at`. `is_change`: said to have changed; else a user id with
    its phone. `source` as in Contact.
    """

    old: str
    new: str
    at: datetime
    is_change: bool = False
    source: str | None = None


@dataclass(frozen=True)
class Edit:
    """A message that its author changed or took back at the instant `at`; `content` is the new text, None where revoked."""

    wamid: str
    at: datetime
    content: str | None
    is_revoked: bool


@dataclass(frozen=True)
class Notification:
    """What one webhook body holds; `unreadable` are parts that are no known shape, each with its reason."""

    messages: tuple[IncomingMessage, ...] = ()
    statuses: tuple[StatusUpdate, ...] = ()
    notices: tuple[Notice, ...] = ()
    contacts: tuple[Contact, ...] = ()
    aliases: tuple[Alias, ...] = ()
    edits: tuple[Edit, ...] = ()
    unreadable: tuple[tuple[Any, str], ...] = ()


def opaque(reference: UUID, attempt: int) -> str:
    """What we ask Meta to echo in every status of this attempt (`biz_opaque_callback_data`)."""
    return f"wa:{reference}:{attempt}"


def parse_opaque(text: object) -> tuple[UUID, int] | None:
    """The reference and attempt of an echo that is ours; None for anybody else's."""
    found = _OPAQUE.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return None
    try:
        return UUID(found[1]), int(found[2])
    except ValueError:
        return None
