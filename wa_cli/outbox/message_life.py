"""Everything that is known of one message, and the message that repeats it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from wa_cli.database.engine import Database, run
from wa_cli.errors import BadInput
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.messages.states import OutboxState, SentBy

# States in which a message has ended without being sent.
ENDED = (OutboxState.FAILED, OutboxState.EXPIRED, OutboxState.CANCELLED)


@dataclass(frozen=True)
class MessageLife:
    """The facts of a message by name, and its events with `at`, `what` and `detail`, oldest first."""

    facts: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]


def find(database: Database, identity: str) -> MessageLife | None:
    """Return the life of the message with this reference or id at WhatsApp, or None for an unknown one."""
    reference = _reference(identity)
    asked = {"reference": reference, "wamid": None if reference else identity}
    with database.reading() as connection:
        row = run(connection, "messages/find", **asked).mappings().one_or_none()
        if row is None:
            return None
        known = {"reference": row["reference"], "wamid": row["wamid"]}
        wamids = list(run(connection, "messages/ids", **known).scalars())
        found = run(connection, "messages/events", reference=row["reference"], wamids=wamids).mappings()
        return MessageLife(dict(row), [dict(event) for event in found])


def repetition(database: Database, reference: UUID, *, even_if_sent: bool) -> OutgoingMessage:
    """Return a new message that repeats this one. Raises BadInput if it is unknown, unfinished, or was sent."""
    with database.reading() as connection:
        row = run(connection, "outbox/repeatable", reference=reference).one_or_none()
    if row is None:
        raise BadInput(f"The outbox has no message {reference}.", hint="Finished messages are kept for WA_KEEP_FINAL.")
    is_sent = row.state == OutboxState.SENT
    if not is_sent and row.state not in ENDED:
        raise BadInput(f"The message is {row.state} and may still be sent.", command=f"wa message {reference}")
    if is_sent and not row.has_failed and not even_if_sent:
        raise BadInput("The message was sent and has not failed.", hint="Use --force to send it again.")
    return OutgoingMessage(
        row.message,
        phone=row.phone_number,
        recipient=row.recipient,
        phone_number_id=row.number,
        business_phone=row.business_phone,
        employee_id=row.employee_id,
        campaign=row.campaign,
        sent_by=SentBy(row.sent_by),
        resend_of=reference,
    )


def _reference(identity: str) -> UUID | None:
    try:
        return UUID(identity.removeprefix("ref:"))
    except ValueError:
        return None
