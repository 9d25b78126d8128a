"""Plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wa_cli.errors import BadInput
from wa_cli.messages.content.base import Columns, check_length

TEXT_LIMIT = 4096


class Text:
    name = "text"

    def check(self, part: Mapping[str, Any]) -> None:
        body = part.get("body")
        if not isinstance(body, str) or not body.strip():
            raise BadInput("The text is empty.")
        check_length("text", body, TEXT_LIMIT)
        if not isinstance(part.get("preview_url", False), bool):
            raise BadInput("preview_url is neither true nor false.")

    def columns(self, part: Mapping[str, Any]) -> Columns:
        return Columns(content=part.get("body"))


def text(body: str, *, preview_url: bool = False) -> dict[str, Any]:
    """Return a text message as the Cloud API takes it. `preview_url` shows a preview of its first link."""
    return {"type": "text", "text": {"body": body, **({"preview_url": True} if preview_url else {})}}
