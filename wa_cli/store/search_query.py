"""The words of a search, read as PostgreSQL's websearch_to_tsquery does, with `ord*` for words that begin so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_TOKEN = re.compile(r'-?"[^"]*"?|[^\s"]+')
_PREFIX = re.compile(r"(-?)(\w+)\*")


def alternatives(words: str) -> list[dict[str, str | None]]:
    """Split the query at `or` or `|`. Return for each part its words for websearch, and its prefixes as a tsquery or None."""
    tokens = ["or" if word == "|" else word for word in _TOKEN.findall(words)]
    if not any(map(_PREFIX.fullmatch, tokens)):
        return [{"words": " ".join(tokens), "prefixes": None}]
    return [_alternative(part) for part in _parted(tokens) if part]


def _parted(tokens: Iterable[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for token in tokens:
        if token.lower() == "or":
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _alternative(tokens: list[str]) -> dict[str, str | None]:
    beginnings = [match for token in tokens if (match := _PREFIX.fullmatch(token))]
    rest = [token for token in tokens if not _PREFIX.fullmatch(token)]
    prefixes = " & ".join(f"{'!' if match[1] else ''}{match[2]}:*" for match in beginnings)
    return {"words": " ".join(rest), "prefixes": prefixes or None}
