"""Two vocabularies that must not be mixed: where a message stands with us, and what WhatsApp says of it."""

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
    """What WhatsApp says of a message. `rank` orders them: a row's status only ever rises."""

    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"

    @property
    def rank(self) -> int:
        return list(MessageStatus).index(self) + 1

    @classmethod
    def of(cls, wire: str) -> MessageStatus | None:
        """Meta's word as one of ours; `played` counts as read, and a word nobody knows as none."""
        try:
            return cls("read" if wire == "played" else wire)
        except ValueError:
            return None
