"""Notifications that the sandbox can play: one JSON file each in `notifications/`, with $words to be filled in."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "notifications"


def names() -> list[str]:
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def value(event: str, /, **words: str) -> dict[str, Any]:
    """The `value` of the notification of that name, its words filled in."""
    filled = _fill(json.loads(_text(event)), words)
    assert isinstance(filled, dict)
    return filled


@cache
def _text(name: str) -> str:
    return (_FOLDER / f"{name}.json").read_text(encoding="utf-8")


def _fill(part: Any, words: dict[str, str]) -> Any:
    if isinstance(part, str) and part.startswith("$"):
        return words[part[1:]]
    if isinstance(part, dict):
        return {key: _fill(item, words) for key, item in part.items()}
    if isinstance(part, list):
        return [_fill(item, words) for item in part]
    return part
