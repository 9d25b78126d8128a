"""Notifications that the sandbox can play: one JSON file each in `notifications/`, with $words to fill in."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from wa_cli.sandbox import ACCOUNT_FIELDS, DISPLAY_PHONE, NUMBER

_FOLDER = Path(__file__).parent / "notifications"


@cache
def names() -> list[str]:
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def about(event: str) -> str:
    """Return a description of the notification in one sentence."""
    return str(_read(event)["about"])


def field(event: str) -> str:
    """Return the webhook field of the notification."""
    return str(_read(event)["field"])


def value(event: str, /, **words: str) -> dict[str, Any]:
    """Return the `value` of the notification of that name, with its words filled in."""
    filled = _fill(_read(event)["value"], words)
    assert isinstance(filled, dict)
    return filled if field(event) in ACCOUNT_FIELDS else {**_head(), **filled}


def _head() -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": DISPLAY_PHONE, "phone_number_id": NUMBER},
    }


@cache
def _read(name: str) -> dict[str, Any]:
    content = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def _fill(part: Any, words: dict[str, str]) -> Any:
    """Replace $words: a text that is only one becomes its value, in a longer text each is replaced."""
    if isinstance(part, str) and "$" in part:
        for word in sorted(words, key=len, reverse=True):
            part = part.replace(f"${word}", words[word])
        return part
    if isinstance(part, dict):
        return {key: _fill(item, words) for key, item in part.items()}
    if isinstance(part, list):
        return [_fill(item, words) for item in part]
    return part
