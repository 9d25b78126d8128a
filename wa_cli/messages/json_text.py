"""JSON from outside: parsed within bounds, and made storable.

PostgreSQL stores neither NUL characters nor lone surrogates. Meta's own bodies are some ten levels deep. Much deeper
ones exhaust the stack of a program that walks or writes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from wa_cli.errors import BadInput

DEEPEST = 64
TOO_DEEP = f"is nested more than {DEEPEST} levels deep"
PRUNED = "[nested too deep]"
LONGEST_INTEGER = 4_000  # digits; Python reads 4,300 (sys.set_int_max_str_digits)
_LONG = re.compile(r"[0-9]{4000}")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# The same as JSON escapes. A complete surrogate pair is found too.
_MAYBE_UNSTORABLE = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)


def parse(text: str | bytes, what: str) -> Any:
    """Return the value of a JSON text. Integers of more digits than Python reads are returned as text.

    Raises BadInput, with the name `what`, if it is not JSON or nested too deep.
    """
    value, is_pruned = parse_pruned(text, what)
    if is_pruned:
        raise BadInput(f"{what} {TOO_DEEP}.")
    return value


def parse_object(text: str | bytes, what: str) -> dict[str, Any]:
    """Return the object of a JSON text. Raises BadInput like `parse`, and for a value that is not an object."""
    found = parse(text, what)
    if not isinstance(found, dict):
        raise BadInput(f"{what} is JSON, but not an object.")
    return found


def parse_pruned(text: str | bytes, what: str) -> tuple[Any, bool]:
    """Return the value like `parse`, with a remark in place of parts that are nested too deep, and True if there are any."""
    try:
        decoded = text if isinstance(text, str) else text.decode()
        value = json.loads(decoded, parse_constant=_no_number, parse_int=_integer if _LONG.search(decoded) else None)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{what} is not JSON: {error}.") from None
    is_deeper = _is_deeper(value, DEEPEST)
    if is_deeper:
        _prune(value, DEEPEST)
    return value, is_deeper


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_INTEGER else digits


def _prune(value: Any, limit: int) -> None:
    """Replace what is deeper, in place, level by level."""
    level = [value]
    for _ in range(limit - 1):
        level = [item for part in level for item in _items(part) if isinstance(item, (dict, list))]
    for part in level:
        for key in list(part) if isinstance(part, dict) else range(len(part)):
            if isinstance(part[key], (dict, list)):
                part[key] = PRUNED


def _items(part: Any) -> Any:
    return part.values() if isinstance(part, dict) else part


def may_be_unstorable(text: str) -> bool:
    """Return True if the value of this JSON text may have characters that PostgreSQL does not store."""
    return bool(_MAYBE_UNSTORABLE.search(text) or UNSTORABLE.search(text))


def clean(value: Any) -> Any:
    """Return the value without NUL characters and lone surrogates, at any depth."""
    if isinstance(value, str):
        return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value) if UNSTORABLE.search(value) else value
    if isinstance(value, Mapping):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return value


def _is_deeper(data: Any, limit: int) -> bool:
    """Return True if the value is deeper. It goes level by level, since a deep value must not exhaust our own stack."""
    level = [data]
    for _ in range(limit):
        inner = [part for part in level if isinstance(part, (dict, list))]
        if not inner:
            return False
        level = [item for part in inner for item in (part.values() if isinstance(part, dict) else part)]
    return any(isinstance(part, (dict, list)) for part in level)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not a JSON number")
