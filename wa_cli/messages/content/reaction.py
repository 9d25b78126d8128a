"""Reactions: an emoji on one message of the customer, or its removal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wa_cli.errors import BadInput
from wa_cli.messages.content.base import ID_LIMIT, Columns, check_length
from wa_cli.messages.values import word

# The longest emoji are sequences of several code points, such as families and flags.
EMOJI_LIMIT = 32
REMOVED = "reaction removed"


class Reaction:
    name = "reaction"

    def check(self, part: Mapping[str, Any]) -> None:
        if not word(part.get("message_id")):
            raise BadInput("The reaction has no message_id.", hint="Use the id of a message of the customer.")
        check_length("reaction's message_id", part["message_id"], ID_LIMIT)
        emoji = part.get("emoji")
        if not isinstance(emoji, str):
            raise BadInput("The reaction has no emoji. An empty text removes a reaction.")
        if len(emoji) > EMOJI_LIMIT or (emoji.isascii() and emoji):
            raise BadInput(f"{emoji!r} is not one emoji.")

    def columns(self, part: Mapping[str, Any]) -> Columns:
        return Columns(content=words(part))


def words(part: Mapping[str, Any]) -> str:
    """Return the emoji. A removed reaction has none."""
    return word(part.get("emoji")) or REMOVED


def reaction(message_id: str, emoji: str) -> dict[str, Any]:
    """Return a reaction as the Cloud API takes it. An empty emoji removes it."""
    return {"type": "reaction", "reaction": {"message_id": message_id, "emoji": emoji}}
