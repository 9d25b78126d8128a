"""What a delivery becomes in the database: messages to send become outbox rows, notifications become rows and statuses."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import sqlalchemy as sa

from wa_cli.cloud import webhooks
from wa_cli.errors import BadInput, RowRefused
from wa_cli.messages.incoming import IncomingMessage, Notification, StatusUpdate
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.queues.base import Delivery
from wa_cli.storage import messages
from wa_cli.storage.engine import clean, translated
from wa_cli.storage.outbox import Outbox
from wa_cli.storage.settlement import Settled
from wa_cli.storage.spool import Spool
from wa_cli.telemetry import events
from wa_cli.workers.intake import Batch, Record


def outgoing(outbox: Outbox, language: str) -> Record:
    """Messages to be sent, into the outbox. `language` is a template's without one."""

    def record(connection: sa.Connection, deliveries: Sequence[Delivery], batch: Batch) -> None:
        readable = []
        for delivery in deliveries:
            try:
                readable.append(OutgoingMessage.from_body(delivery.body, queue_id=delivery.id, language=language))
            except BadInput as error:
                batch.poison.append((delivery, error.message))
        if readable:
            outbox.record(connection, readable)

    return record


class Incoming:
    """Notifications, into rows of both directions, contacts and statuses. `spool` takes proofs whose row is refused."""

    def __init__(self, outbox: Outbox, spool: Spool) -> None:
        self.outbox = outbox
        self.spool = spool

    def record(self, connection: sa.Connection, deliveries: Sequence[Delivery], batch: Batch) -> None:
        """All of them, in bulk; one refused row is everybody's failure, and `salvage` looks closer."""
        heard: list[IncomingMessage] = []
        statuses: list[StatusUpdate] = []
        for delivery in deliveries:
            notification = _parsed(delivery, batch)
            heard += notification.messages
            statuses += notification.statuses
        self._write(connection, heard, statuses, batch)

    def salvage(self, connection: sa.Connection, delivery: Delivery, batch: Batch) -> None:
        """One delivery, an update at a time: what the database refuses is buried, and takes nothing with it."""
        notification = _parsed(delivery, batch)
        for status in notification.statuses:
            self._attempt(connection, delivery, [], [status], batch)
        for message in notification.messages:
            self._attempt(connection, delivery, [message], [], batch)

    def _attempt(
        self,
        connection: sa.Connection,
        delivery: Delivery,
        heard: Sequence[IncomingMessage],
        statuses: Sequence[StatusUpdate],
        batch: Batch,
    ) -> None:
        try:
            with translated(), connection.begin_nested():
                self._write(connection, heard, statuses, batch)
        except RowRefused as refusal:
            batch.poison.append((delivery, refusal.message))
            self._keep_proof(connection, statuses)

    def _keep_proof(self, connection: sa.Connection, statuses: Sequence[StatusUpdate]) -> None:
        """The row is refused, but the proof counts: without it the message would be sent again."""
        if statuses:
            with suppress(RowRefused), translated(), connection.begin_nested():
                _, proofs = self.outbox.learn(connection, statuses, rows_too=False)
                self.spool.leave([proof.to_record() for proof in proofs])

    def _write(
        self,
        connection: sa.Connection,
        heard: Sequence[IncomingMessage],
        statuses: Sequence[StatusUpdate],
        batch: Batch,
    ) -> None:
        # Outbox rows are locked before message rows, as in every transaction.
        settled = self.outbox.learn(connection, statuses)[0] if statuses else Settled()
        new = messages.insert(connection, [messages.incoming_row(message) for message in heard])
        messages.keep_contacts(connection, heard)
        batch.told.append(events.Received(len(new), len(statuses)))
        batch.told += [events.Stored(wamid) for _, wamid in settled.stored]
        batch.told += [events.Doubled(str(reference)) for reference in settled.doubles]


def _parsed(delivery: Delivery, batch: Batch) -> Notification:
    """What the delivery holds; what in it cannot be read is poison."""
    try:
        notification = webhooks.parse(clean(delivery.body))
    except BadInput as error:
        batch.poison.append((delivery, error.message))
        return Notification()
    if notification.unreadable:
        batch.poison.append((delivery, "; ".join(reason for _, reason in notification.unreadable)))
    return notification
