from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wa_cli.sandbox import graph_errors


def check(part: Mapping[str, Any], templates: object) -> None:
    del templates
    if not part.get("message_id"):
        raise graph_errors.missing("reaction['message_id']")
    if not isinstance(part.get("emoji"), str):
        raise graph_errors.missing("reaction['emoji']")
    if part["emoji"] and all(ord(character) < 0x80 for character in part["emoji"]):
        raise graph_errors.invalid("reaction.emoji is not an emoji")
