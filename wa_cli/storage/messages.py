"""What is written to `whatsapp_messages` and to what belongs to it: rows of both directions, statuses, contacts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from wa_cli.messages.incoming import IncomingMessage, StatusUpdate
from wa_cli.messages.phone import customer_key
from wa_cli.messages.states import MessageStatus
from wa_cli.storage.engine import rows, run

TYPE_LIMIT = 20


def utc(instant: datetime | None) -> str | None:
    """An instant as a TIMESTAMP column takes it: UTC, without a zone."""
    if instant is None:
        return None
    offset = instant.utcoffset()
    assert offset is not None, "instants know their zone"
    return (instant - offset).replace(tzinfo=None).isoformat()


def insert(connection: sa.Connection, messages: Sequence[dict[str, Any]]) -> set[str]:
    """Store rows that are not there yet; the message ids that were new."""
    if not messages:
        return set()
    return {message_id for (message_id,) in run(connection, "messages/insert", rows=rows(messages))}


def incoming_row(message: IncomingMessage) -> dict[str, Any]:
    """The row of a customer's message, or of one that a colleague wrote in the Business app."""
    customer = message.phone or message.user_id or "unknown"
    return {
        "message_id": message.wamid,
        "from_phone": message.business_phone if message.by_us else customer,
        "to_phone": customer if message.by_us else message.business_phone,
        "message_type": message.message_type[:TYPE_LIMIT],
        "content": message.content,
        "media_url": message.media_url,
        "media_type": message.media_type,
        "status": "sent" if message.by_us else "received",
        "timestamp": utc(message.sent_at),
        "context_message_id": message.context_wamid,
        "webhook_raw_data": message.raw,
        "direction": "outgoing" if message.by_us else "incoming",
        "customer_user_id": message.user_id,
    }


def keep_contacts(connection: sa.Connection, messages: Iterable[IncomingMessage]) -> None:
    """What the messages say of who wrote them; the newest word for each."""
    known: dict[str, dict[str, Any]] = {}
    for message in messages:
        key = customer_key(message.phone, message.user_id)
        if key and not message.by_us:
            known[key] = {"customer": key, "name": message.name, "user_id": message.user_id}
    if known:
        run(connection, "messages/contacts", rows=rows(list(known.values())))


def keep_aliases(connection: sa.Connection, aliases: dict[str, str]) -> None:
    """Numbers that WhatsApp writes otherwise than we do: our key → theirs, one person."""
    if aliases:
        found = [{"customer": ours, "same_as": theirs} for ours, theirs in aliases.items() if ours != theirs]
        run(connection, "messages/contacts", rows=rows(found))


def keep_statuses(connection: sa.Connection, statuses: Sequence[StatusUpdate]) -> set[str]:
    """Keep the events, each once; the wamids that had news."""
    if not statuses:
        return set()
    events = [
        {
            "wamid": status.wamid,
            "status": status.status,
            "happened_at": status.happened_at.isoformat(),
            "participant": status.participant,
            "number": status.number,
            "recipient": status.recipient,
            "reference": status.reference,
            "attempt": status.attempt,
            "code": status.code,
            "reason": status.reason,
            "raw": status.raw,
        }
        for status in statuses
    ]
    return {wamid for (wamid,) in run(connection, "messages/keep_statuses", rows=rows(events))}


def apply_statuses(connection: sa.Connection, wamids: Iterable[str]) -> int:
    """Apply the kept events of these messages to their rows; how many events were news."""
    wanted = sorted(set(wamids))
    if not wanted:
        return 0
    applied = run(connection, "messages/apply_statuses", wamids=wanted, ranking=list(MessageStatus)).rowcount
    run(connection, "messages/prove", wamids=wanted)
    return int(applied)


def failed_id(reference: UUID) -> str:
    """The message_id of a message that failed before it had a wamid."""
    return f"ref:{reference}"


def is_failed_id(message_id: str) -> bool:
    return message_id.startswith("ref:")
