"""The words of a search, read as PostgreSQL's websearch_to_tsquery does, with `ord*` for words that begin so."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(r'-?"[^"]*"?|[^\s"]+')
_PREFIX = re.compile(r"(-?)(\w+)\*")


def alternatives(words: str) -> list[dict[str, str | None]]:
    """Split the query at `or`. Return for each part its words for websearch, and its prefixes as a tsquery or None."""
    if not any(map(_PREFIX.fullmatch, _TOKEN.findall(words))):
        return [{"words": words, "prefixes": None}]
    return [_alternative(tokens) for tokens in _parted(words) if tokens]


def _parted(words: str) -> Iterator[list[str]]:
    tokens: list[str] = []
    for token in _TOKEN.findall(words):
        if token.lower() == "or":
            yield tokens
            tokens = []
        else:
            tokens.append(token)
    yield tokens


def _alternative(tokens: list[str]) -> dict[str, str | None]:
    beginnings = [match for token in tokens if (match := _PREFIX.fullmatch(token))]
    rest = [token for token in tokens if not _PREFIX.fullmatch(token)]
    prefixes = " & ".join(f"{'!' if match[1] else ''}{match[2]}:*" for match in beginnings)
    return {"words": " ".join(rest), "prefixes": prefixes or None}
