"""Statements that write `whatsapp_messages` and its side tables: rows of both directions, statuses, edits, notices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from wa_cli.database.engine import rows, run
from wa_cli.messages.incoming import CALLS, PLACEHOLDERS, Edit, IncomingMessage, Notice, StatusUpdate
from wa_cli.messages.states import MessageStatus, SentBy
from wa_cli.store import fitting

# Value of `campaign` for imported history: it is not an answer, and no customer waits because of it.
HISTORY = "history"


def utc(instant: datetime | None) -> str | None:
    """Return an instant as a TIMESTAMP column takes it: UTC, without a zone."""
    if instant is None:
        return None
    offset = instant.utcoffset()
    assert offset is not None, "instants know their zone"
    return (instant - offset).replace(tzinfo=None).isoformat()


def insert(
    connection: sa.Connection, messages: Sequence[dict[str, Any]], left_out: frozenset[str] = frozenset()
) -> set[str]:
    """Insert rows that do not exist yet, without the columns `left_out`. Return the ids of the new ones."""
    if not messages:
        return set()
    fitted = fitting.without(fitting.fit(connection, messages), left_out)
    return {message_id for (message_id,) in run(connection, "messages/insert", rows=rows(fitted))}


def insert_incoming(
    connection: sa.Connection, incoming: Sequence[IncomingMessage], left_out: frozenset[str] = frozenset()
) -> set[str]:
    """Insert messages of customers, and of colleagues in the Business app. Return the ids of the new ones."""
    # Meta may announce a message before it shows it, under the same id.
    made: dict[str, IncomingMessage] = {}
    for message in incoming:
        made[message.wamid] = _merged(made[message.wamid], message) if message.wamid in made else message
    new = insert(connection, [incoming_row(message) for message in made.values()], left_out)
    late = [message for message in made.values() if message.wamid not in new]
    if filling := [incoming_row(message) for message in late if not message.is_placeholder]:
        fitted = fitting.without(fitting.fit(connection, filling), left_out)
        filled = run(connection, "messages/fill", rows=rows(fitted), placeholders=list(PLACEHOLDERS))
        new |= {message_id for (message_id,) in filled}
    if completing := [incoming_row(message) for message in late if message.status or message.message_type in CALLS]:
        run(connection, "messages/complete", rows=rows(completing), ranking=list(MessageStatus), calls=list(CALLS))
    # A colleague's message may come with its first status, or after it.
    apply_statuses(connection, (message.wamid for message in incoming if message.by_us and message.wamid in new))
    return new


def _merged(first: IncomingMessage, second: IncomingMessage) -> IncomingMessage:
    """Return one message of two with the same id: the content of the first that has one, the higher status, and the
    earlier time of a call.
    """
    merged = second if first.is_placeholder else first
    status = max((one.status for one in (first, second) if one.status), key=_rank, default=None)
    is_call = first.message_type in CALLS and second.message_type in CALLS
    return replace(merged, status=status, sent_at=min(first.sent_at, second.sent_at) if is_call else merged.sent_at)


def _rank(status: str) -> int:
    ranking = list(MessageStatus)
    return ranking.index(MessageStatus(status)) if status in ranking else -1


def incoming_row(message: IncomingMessage) -> dict[str, Any]:
    """Return the row of a received message."""
    customer = message.phone or message.user_id
    return {
        "message_id": message.wamid,
        "from_phone": message.business_phone if message.by_us else customer,
        "to_phone": customer if message.by_us else message.business_phone,
        "message_type": message.message_type,
        "content": message.content,
        "media_url": message.media.url if message.media else None,
        "media_type": message.media.mime_type if message.media else None,
        "status": message.status or ("sent" if message.by_us else "received"),
        "timestamp": utc(message.sent_at),
        "context_message_id": message.context_wamid,
        "webhook_raw_data": message.raw,
        "direction": "outgoing" if message.by_us else "incoming",
        "campaign": HISTORY if message.from_history else None,
        "sent_by": SentBy.HUMAN if message.by_us else None,
        "group_id": message.group_id,
        "customer_user_id": message.user_id,
    }


def insert_edits(connection: sa.Connection, edits: Sequence[Edit]) -> None:
    """Store edits and revocations of messages, which may not be stored yet."""
    if edits:
        changes = [
            {
                "message_id": edit.wamid,
                "content": edit.content,
                "at": edit.at.isoformat(),
                "is_revoked": edit.is_revoked,
            }
            for edit in edits
        ]
        run(connection, "messages/edits", rows=rows(changes))


def insert_notices(connection: sa.Connection, notices: Sequence[Notice]) -> set[str]:
    """Store notices, each once. Return the ids of the new ones."""
    if not notices:
        return set()
    entries = [
        {
            "id": notice.id,
            "account": notice.account,
            "field": notice.field,
            "number": notice.phone_number_id,
            "happened_at": notice.happened_at.isoformat() if notice.happened_at else None,
            "raw": notice.raw,
        }
        for notice in notices
    ]
    return {identity for (identity,) in run(connection, "messages/notices", rows=rows(entries))}


def insert_statuses(connection: sa.Connection, statuses: Sequence[StatusUpdate]) -> set[str]:
    """Store status events, each once. Return the wamids with new events."""
    if not statuses:
        return set()
    events = [
        {
            "wamid": status.wamid,
            "status": status.status,
            "happened_at": status.happened_at.isoformat(),
            "has_time": status.has_time,
            "participant": status.participant,
            "number": status.phone_number_id,
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
    """Apply the stored events of these messages to their rows. Return the number of applied events."""
    wanted = sorted(set(wamids))
    if not wanted:
        return 0
    applied = run(connection, "messages/apply_statuses", wamids=wanted, ranking=list(MessageStatus)).rowcount
    run(connection, "messages/prove", wamids=wanted)
    return int(applied)


def failed_id(reference: UUID) -> str:
    """Return the message_id of a message that failed before it had a wamid."""
    return f"ref:{reference}"


def is_failed_id(message_id: str) -> bool:
    return message_id.startswith("ref:")
