"""What a delivery becomes in the database: messages to send become outbox rows, notifications become rows and statuses."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from wa_cli.cloud import webhooks
from wa_cli.errors import BadInput
from wa_cli.messages.incoming import IncomingMessage, StatusUpdate
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.queues.base import Delivery
from wa_cli.storage import messages
from wa_cli.storage.engine import clean
from wa_cli.storage.outbox import Outbox
from wa_cli.telemetry import events
from wa_cli.workers.intake import Batch, Record


def outgoing(outbox: Outbox, language: str) -> Record:
    """Messages to be sent, into the outbox. `language` is a template's without one."""

    def record(connection: sa.Connection, deliveries: Sequence[Delivery], batch: Batch) -> None:
        readable = []
        for delivery in deliveries:
            try:
                readable.append(
                    OutgoingMessage.from_body(clean(delivery.body), queue_id=delivery.id, language=language)
                )
            except BadInput as error:
                batch.poison.append((delivery, error.message))
        if readable:
            outbox.record(connection, readable)

    return record


def incoming(outbox: Outbox) -> Record:
    """Notifications, into rows of both directions, contacts and statuses."""

    def record(connection: sa.Connection, deliveries: Sequence[Delivery], batch: Batch) -> None:
        heard: list[IncomingMessage] = []
        statuses: list[StatusUpdate] = []
        for delivery in deliveries:
            try:
                notification = webhooks.parse(clean(delivery.body))
            except BadInput as error:
                batch.poison.append((delivery, error.message))
                continue
            heard += notification.messages
            statuses += notification.statuses
            if notification.unreadable:
                batch.poison.append((delivery, "; ".join(reason for _, reason in notification.unreadable)))
        # Outbox rows are locked before message rows, as in every transaction.
        settled = outbox.learn(connection, statuses) if statuses else None
        new = messages.insert(connection, [messages.incoming_row(message) for message in heard])
        messages.keep_contacts(connection, heard)
        batch.told.append(events.Received(len(new), len(statuses)))
        if settled:
            batch.told += [events.Stored(wamid) for _, wamid in settled.stored]
            batch.told += [events.Doubled(str(reference)) for reference in settled.doubles]

    return record
