"""Vocabularies that must not be mixed: where a message stands with us, what WhatsApp says of it, and who sent it."""

from __future__ import annotations

from enum import StrEnum


class OutboxState(StrEnum):
    """Where a message stands with us.

    `sent` is never overwritten. `failed`, `expired`, `held` and `cancelled` give way only to proof that it was sent.
    """

    QUEUED = "queued"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    SENT = "sent"
    FAILED = "failed"
    HELD = "held"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself; held is not, a person decides."""
        return self in (OutboxState.SENT, OutboxState.FAILED, OutboxState.EXPIRED, OutboxState.CANCELLED)


class MessageStatus(StrEnum):
    """What WhatsApp says of a message, from the lowest to the highest: a row's status only ever rises.

    `failed` is below `delivered`: where both come, it arrived on one of the customer's devices.
    """

    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"


class SentBy(StrEnum):
    """Who sent a message of ours: a person, a program (a bot, an away message), or a campaign to many.

    Only a person's message answers a customer who waits.
    """

    HUMAN = "human"
    AUTOMATIC = "automatic"
    CAMPAIGN = "campaign"
