"""The real API's checks of each message type, one file each. A type joins by its name here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wa_cli.sandbox.types import contacts, interactive, location, media, reaction, template, text

Templates = Mapping[tuple[str, str], int]
Check = Callable[[Any, Templates], None]

CHECKS: dict[str, Check] = {
    "text": text.check,
    "image": media.image,
    "video": media.video,
    "audio": media.audio,
    "document": media.document,
    "sticker": media.sticker,
    "location": location.check,
    "contacts": contacts.check,
    "reaction": reaction.check,
    "interactive": interactive.check,
    "template": template.check,
}
