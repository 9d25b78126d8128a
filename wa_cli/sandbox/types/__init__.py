"""The real API's checks of each message type, one file each. A type joins by its name here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wa_cli.sandbox.types import media, template, text

Templates = Mapping[tuple[str, str], int]
Check = Callable[[Mapping[str, Any], Templates], None]

CHECKS: dict[str, Check] = {
    "text": text.check,
    "image": media.image,
    "document": media.document,
    "template": template.check,
}
