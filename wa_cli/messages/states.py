"""Three vocabularies that must not be mixed: the outbox states, WhatsApp's statuses, and the kinds of senders."""

from __future__ import annotations

from enum import StrEnum


class OutboxState(StrEnum):
    """The state of an outbox message.

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
        """True if nothing more happens without a person. A held message waits for a decision and is not final."""
        return self in (OutboxState.SENT, OutboxState.FAILED, OutboxState.EXPIRED, OutboxState.CANCELLED)


class WindowRule(StrEnum):
    """The treatment of a free-form message if the customer's 24-hour window is closed: refused, or held until the customer
    writes.
    """

    REFUSE = "refuse"
    HOLD = "hold"


class MessageStatus(StrEnum):
    """WhatsApp's status of a message, from the lowest to the highest. The status of a row only rises.

    `failed` is below `delivered`: if both come, the message arrived on one of the customer's devices.
    """

    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"


class SentBy(StrEnum):
    """The sender of an outgoing message: a person, a program (a bot, an absence note), or a campaign.

    Only a person's message answers a waiting customer.
    """

    HUMAN = "human"
    AUTOMATIC = "automatic"
    CAMPAIGN = "campaign"
