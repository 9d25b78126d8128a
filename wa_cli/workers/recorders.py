"""Deliveries as rows: messages to send go to the outbox, webhook content to the tables of stored messages."""

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
from wa_cli.store.fitting import SECONDARY, log_left_out
from wa_cli.telemetry import events
from wa_cli.workers import number_state
from wa_cli.workers.intake import Batch
from wa_cli.workers.settling import leave_unstored

T = TypeVar("T", Contact, Alias)


REFERENCE_TAKEN = "The reference was used before, for another customer or content."


class OutgoingRecorder:
    """Records messages to send in the outbox. `language` is the default for templates."""

    def __init__(self, outbox: Outbox, language: str) -> None:
        self.outbox = outbox
        self.language = language

    def record(self, connection: sa.Connection, deliveries: Sequence[Delivery], batch: Batch) -> None:
        readable: list[tuple[Delivery, OutgoingMessage]] = []
        for delivery in deliveries:
            try:
                message = OutgoingMessage.from_body(delivery.body, queue_id=delivery.id, language=self.language)
                readable.append((delivery, message))
            except BadInput as error:
                batch.poison.append((delivery, error.message))
        messages_to_send = [message for _, message in readable]
        if readable and self.outbox.record(connection, messages_to_send) < len(readable):
            taken = {id(message) for message in self.outbox.conflicts(connection, messages_to_send)}
            batch.poison += [(delivery, REFERENCE_TAKEN) for delivery, message in readable if id(message) in taken]


class IncomingRecorder:
    """Writes notifications: rows of both directions, statuses, contacts, notices, and pending downloads.

    `spool` takes proofs whose row is refused.
    """

    def __init__(self, outbox: Outbox, spool: Spool) -> None:
        self.outbox = outbox
        self.spool = spool

    def record(self, connection: sa.Connection, deliveries: Sequence[Delivery], batch: Batch) -> None:
        """Write the deliveries in bulk. One refused row fails all, and then `salvage` writes each delivery alone."""
        self._write(connection, _joined([_parsed(delivery, batch) for delivery in deliveries]), batch)

    def salvage(self, connection: sa.Connection, delivery: Delivery, batch: Batch) -> None:
        """Write one delivery, part by part. A refused part is dead-lettered and the others are written."""
        notification = _parsed(delivery, batch)
        parts = [
            *(Notification(statuses=(status,)) for status in notification.statuses),
            *(Notification(messages=(message,)) for message in notification.messages),
            *(Notification(notices=(notice,)) for notice in notification.notices),
            Notification(edits=notification.edits),
            Notification(contacts=notification.contacts, aliases=notification.aliases),
        ]
        for part in parts:
            self._attempt(connection, delivery, part, batch)

    def _attempt(self, connection: sa.Connection, delivery: Delivery, part: Notification, batch: Batch) -> None:
        """Write a part, if necessary without its secondary values. If it is refused even so, dead-letter it."""
        reason = self._try(connection, part, batch)
        if reason is None:
            return
        if part.messages and self._try(connection, part, batch, SECONDARY) is None:
            log_left_out(SECONDARY, reason)
            return
        batch.poison.append((delivery, reason))
        self._keep_proof(connection, part.statuses, reason)

    def _try(
        self, connection: sa.Connection, part: Notification, batch: Batch, left_out: frozenset[str] = frozenset()
    ) -> str | None:
        """Write a part under a savepoint. Return the reason if it fails, and then nothing of it is written."""
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

    def _keep_proof(self, connection: sa.Connection, statuses: Sequence[StatusUpdate], reason: str) -> None:
        """Record that a message was sent although its row is refused. Otherwise it would be sent again."""
        if statuses:
            with suppress(RowRefused), translated(), connection.begin_nested():
                _, proofs = self.outbox.record_statuses(connection, statuses, refused=reason)
                # A full disk costs the row and not the proof.
                leave_unstored(self.spool, proofs)

    def _write(
        self,
        connection: sa.Connection,
        notification: Notification,
        batch: Batch,
        left_out: frozenset[str] = frozenset(),
    ) -> None:
        # Outbox rows are locked before message rows, as in every transaction.
        settled = (
            self.outbox.record_statuses(connection, notification.statuses)[0] if notification.statuses else Settled()
        )
        new = messages.insert_incoming(connection, notification.messages, left_out)
        messages.insert_edits(connection, notification.edits)
        # A message that was stored before teaches nothing new about people.
        contacts.update_people(connection, _news(notification.contacts, new), _news(notification.aliases, new))
        downloads.expect(connection, (message for message in notification.messages if message.wamid in new))
        noticed = messages.insert_notices(connection, notification.notices)
        notify.announce(connection, new, {status.wamid for status in notification.statuses}, noticed)
        if new or notification.statuses or noticed:
            batch.pending_events.append(events.Received(len(new), len(notification.statuses), len(noticed)))
        batch.pending_events += [events.Stored(wamid, message_type) for message_type, wamid in settled.stored]
        batch.pending_events += [events.Duplicated(str(reference)) for reference in settled.duplicates]
        new_notices = [notice for notice in notification.notices if notice.id in noticed]
        batch.pending_events += number_state.update_numbers(connection, notification.statuses, new_notices)


def _joined(parts: Sequence[Notification]) -> Notification:
    return Notification(
        messages=tuple(message for part in parts for message in part.messages),
        statuses=tuple(status for part in parts for status in part.statuses),
        notices=tuple(notice for part in parts for notice in part.notices),
        contacts=tuple(contact for part in parts for contact in part.contacts),
        aliases=tuple(alias for part in parts for alias in part.aliases),
        edits=tuple(edit for part in parts for edit in part.edits),
    )


def _news(items: Sequence[T], new: Set[str]) -> list[T]:
    """Return the contacts or aliases of new messages, and those that do not come from a message."""
    return [item for item in items if item.source is None or item.source in new]


def _parsed(delivery: Delivery, batch: Batch) -> Notification:
    """Return the content of the delivery. Unreadable parts become a dead letter."""
    try:
        notification = webhooks.parse(delivery.body)
    except BadInput as error:
        batch.poison.append((delivery, error.message))
        return Notification()
    if notification.unreadable:
        batch.poison.append((delivery, "; ".join(reason for _, reason in notification.unreadable)))
    return notification
