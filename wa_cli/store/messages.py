"""What is written to `whatsapp_messages` and to what belongs to it: rows of both directions, statuses, contacts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from wa_cli.database.engine import rows, run
from wa_cli.messages.incoming import Edit, IncomingMessage, Notice, StatusUpdate
from wa_cli.messages.states import MessageStatus, SentBy
from wa_cli.store import fitting

# Types under which Meta announces a message that it cannot show yet, or not to us.
PLACEHOLDERS = ("media_placeholder", "unsupported", "unknown")
# The bulk run to which belongs what was said before we were there: it answers nobody, and nobody waits because of it.
HISTORY = "history"


def utc(instant: datetime | None) -> str | None:
    """An instant as a TIMESTAMP column takes it: UTC, without a zone."""
    if instant is None:
        return None
    offset = instant.utcoffset()
    assert offset is not None, "instants know their zone"
    return (instant - offset).replace(tzinfo=None).isoformat()


def insert(
    connection: sa.Connection, messages: Sequence[dict[str, Any]], left_out: frozenset[str] = frozenset()
) -> set[str]:
    """Store rows that are not there yet, without the columns `left_out`; the message ids that were new."""
    if not messages:
        return set()
    fitted = fitting.without(fitting.fit(connection, messages), left_out)
    return {message_id for (message_id,) in run(connection, "messages/insert", rows=rows(fitted))}


def insert_incoming(
    connection: sa.Connection, heard: Sequence[IncomingMessage], left_out: frozenset[str] = frozenset()
) -> set[str]:
    """Store what customers wrote, and what colleagues wrote in the Business app; the message ids that were news."""
    # Meta may show that there is a message before it shows the message, under the same id: in one batch the one that says
    # something wins, and one that comes later takes the place of the other.
    made: dict[str, IncomingMessage] = {}
    for message in heard:
        if made.setdefault(message.wamid, message).is_placeholder:
            made[message.wamid] = message
    new = insert(connection, [incoming_row(message) for message in made.values()], left_out)
    late = [
        incoming_row(message) for message in made.values() if message.wamid not in new and not message.is_placeholder
    ]
    if late:
        fitted = fitting.without(fitting.fit(connection, late), left_out)
        filled = run(connection, "messages/fill", rows=rows(fitted), placeholders=list(PLACEHOLDERS))
        new |= {message_id for (message_id,) in filled}
    # A colleague's message may come after its first status, or with it.
    apply_statuses(connection, (message.wamid for message in heard if message.by_us and message.wamid in new))
    return new


def incoming_row(message: IncomingMessage) -> dict[str, Any]:
    """Return the row of a message that was heard."""
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


def keep_edits(connection: sa.Connection, edits: Sequence[Edit]) -> None:
    """Keep what became of messages that their authors changed or took back, whether or not they are stored yet."""
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


def keep_notices(connection: sa.Connection, notices: Sequence[Notice]) -> set[str]:
    """Keep what is neither message nor status, each once; the ids that were news."""
    if not notices:
        return set()
    told = [
        {
            "id": notice.id,
            "account": notice.account,
            "field": notice.field,
            "number": notice.number,
            "happened_at": notice.happened_at.isoformat() if notice.happened_at else None,
            "raw": notice.raw,
        }
        for notice in notices
    ]
    return {identity for (identity,) in run(connection, "messages/notices", rows=rows(told))}


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
