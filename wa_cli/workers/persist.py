"""What a delivery becomes in the database: messages to send become outbox rows, notifications become rows and statuses."""

from __future__ import annotations

from collections.abc import Sequence, Set
from contextlib import suppress
from typing import TypeVar

import sqlalchemy as sa

from wa_cli.cloud import webhooks
from wa_cli.database import notify
from wa_cli.database.engine import translated
from wa_cli.errors import BadInput, RowRefused
from wa_cli.isolation import OUTAGES, reason_of
from wa_cli.media import downloads
from wa_cli.messages.incoming import Alias, Contact, Notification, StatusUpdate
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.outbox.outbox import Outbox
from wa_cli.outbox.settlement import Settled
from wa_cli.outbox.spool import Spool
from wa_cli.queues.base import Delivery
from wa_cli.store import contacts, messages
from wa_cli.store.fitting import SECONDARY, tell_left_out
from wa_cli.telemetry import events
from wa_cli.workers import number_state
from wa_cli.workers.intake import Batch, Record

T = TypeVar("T", Contact, Alias)


REFERENCE_TAKEN = "The reference was used before, for another customer or another content."


def outgoing(outbox: Outbox, language: str) -> Record:
    """Messages to be sent, into the outbox. `language` is a template's without one."""

    def record(connection: sa.Connection, deliveries: Sequence[Delivery], batch: Batch) -> None:
        readable: list[tuple[Delivery, OutgoingMessage]] = []
        for delivery in deliveries:
            try:
                message = OutgoingMessage.from_body(delivery.body, queue_id=delivery.id, language=language)
                readable.append((delivery, message))
            except BadInput as error:
                batch.poison.append((delivery, error.message))
        messages_to_send = [message for _, message in readable]
        if readable and outbox.record(connection, messages_to_send) < len(readable):
            taken = {id(message) for message in outbox.conflicts(connection, messages_to_send)}
            batch.poison += [(delivery, REFERENCE_TAKEN) for delivery, message in readable if id(message) in taken]

    return record


class Incoming:
    """Notifications, into rows of both directions, statuses, contacts, notices, and files to be fetched.

    `spool` takes proofs whose row is refused.
    """

    def __init__(self, outbox: Outbox, spool: Spool) -> None:
        self.outbox = outbox
        self.spool = spool

    def record(self, connection: sa.Connection, deliveries: Sequence[Delivery], batch: Batch) -> None:
        """All of them, in bulk; one refused row is everybody's failure, and `salvage` looks closer."""
        self._write(connection, _joined([_parsed(delivery, batch) for delivery in deliveries]), batch)

    def salvage(self, connection: sa.Connection, delivery: Delivery, batch: Batch) -> None:
        """One delivery, an update at a time: what the database refuses is buried, and takes nothing with it."""
        heard = _parsed(delivery, batch)
        parts = [
            *(Notification(statuses=(status,)) for status in heard.statuses),
            *(Notification(messages=(message,)) for message in heard.messages),
            *(Notification(notices=(notice,)) for notice in heard.notices),
            Notification(edits=heard.edits),
            Notification(contacts=heard.contacts, aliases=heard.aliases),
        ]
        for part in parts:
            self._attempt(connection, delivery, part, batch)

    def _attempt(self, connection: sa.Connection, delivery: Delivery, part: Notification, batch: Batch) -> None:
        """Write a part, if need be without its secondary values; what even so is refused is buried with its reason."""
        reason = self._try(connection, part, batch)
        if reason is None:
            return
        if part.messages and self._try(connection, part, batch, SECONDARY) is None:
            tell_left_out(SECONDARY, reason)
            return
        batch.poison.append((delivery, reason))
        self._keep_proof(connection, part.statuses)

    def _try(
        self, connection: sa.Connection, part: Notification, batch: Batch, left_out: frozenset[str] = frozenset()
    ) -> str | None:
        """Write it under a savepoint; the reason where that fails, and then nothing of it is written or told."""
        pending_events = [*batch.pending_events]
        try:
            with translated(), connection.begin_nested():
                self._write(connection, part, batch, left_out)
        except OUTAGES:
            raise
        except Exception as error:
            batch.pending_events = pending_events
            return reason_of(error)
        return None

    def _keep_proof(self, connection: sa.Connection, statuses: Sequence[StatusUpdate]) -> None:
        """The row is refused, but the proof counts: without it the message would be sent again."""
        if statuses:
            with suppress(RowRefused), translated(), connection.begin_nested():
                _, proofs = self.outbox.learn(connection, statuses, rows_too=False)
                self.spool.append_for_others([proof.to_record() for proof in proofs])

    def _write(
        self, connection: sa.Connection, heard: Notification, batch: Batch, left_out: frozenset[str] = frozenset()
    ) -> None:
        # Outbox rows are locked before message rows, as in every transaction.
        settled = self.outbox.learn(connection, heard.statuses)[0] if heard.statuses else Settled()
        new = messages.insert_incoming(connection, heard.messages, left_out)
        messages.keep_edits(connection, heard.edits)
        # A message that was stored before says nothing new of anybody.
        contacts.learn(connection, _news(heard.contacts, new), _news(heard.aliases, new))
        downloads.expect(connection, (message for message in heard.messages if message.wamid in new))
        noticed = messages.keep_notices(connection, heard.notices)
        notify.announce(connection, new, {status.wamid for status in heard.statuses}, noticed)
        if new or heard.statuses or noticed:
            batch.pending_events.append(events.Received(len(new), len(heard.statuses), len(noticed)))
        batch.pending_events += [events.Stored(wamid) for _, wamid in settled.stored]
        batch.pending_events += [events.Duplicated(str(reference)) for reference in settled.duplicates]
        new_notices = [notice for notice in heard.notices if notice.id in noticed]
        batch.pending_events += number_state.update_numbers(connection, heard.statuses, new_notices)


def _joined(parts: Sequence[Notification]) -> Notification:
    return Notification(
        messages=tuple(message for part in parts for message in part.messages),
        statuses=tuple(status for part in parts for status in part.statuses),
        notices=tuple(notice for part in parts for notice in part.notices),
        contacts=tuple(contact for part in parts for contact in part.contacts),
        aliases=tuple(alias for part in parts for alias in part.aliases),
        edits=tuple(edit for part in parts for edit in part.edits),
    )


def _news(pending_events: Sequence[T], new: Set[str]) -> list[T]:
    """Of what was told of people, what new messages say, or something else than a message."""
    return [one for one in pending_events if one.source is None or one.source in new]


def _parsed(delivery: Delivery, batch: Batch) -> Notification:
    """What the delivery holds; what in it cannot be read is poison."""
    try:
        notification = webhooks.parse(delivery.body)
    except BadInput as error:
        batch.poison.append((delivery, error.message))
        return Notification()
    if notification.unreadable:
        batch.poison.append((delivery, "; ".join(reason for _, reason in notification.unreadable)))
    return notification
