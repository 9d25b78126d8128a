from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wa_cli.store.search_query import alternatives


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ord* status", [("status", "ord:*")]),
        ("a* b*", [("", "a:* & b:*")]),
        ("plain or simple", [("plain or simple", None)]),
        ('"a phrase*"', [('"a phrase*"', None)]),
        ("-not* this", [("this", "!not:*")]),
        ('größ* OR "this or that" now or x', [("", "größ:*"), ('"this or that" now', None), ("x", None)]),
        ("or a* or", [("", "a:*")]),
        ("x-y* a*b", [("x-y* a*b", None)]),
    ],
)
def test_prefixes_are_separated_from_words(words: str, expected: list[tuple[str, str | None]]) -> None:
    assert [(one["words"], one["prefixes"]) for one in alternatives(words)] == expected


PIECES = ["a*", "-b*", "größ*", "or", "OR", "word", '"two words"', '"', "-x", "*", "&", "'"]


@settings(max_examples=150)
@example(['"', '"two words"', "a*"])
@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_every_prefix_is_searched_once_and_no_alternative_is_empty(tokens: list[str]) -> None:
    text = " ".join(tokens)
    unquoted = text.split('"')[::2]
    beginnings = [word for part in unquoted for word in part.split() if word in ("a*", "-b*", "größ*")]

    asked = alternatives(text)

    found = [prefix for one in asked for prefix in (one["prefixes"] or "").split(" & ") if prefix]
    assert len(found) == len(beginnings)
    assert all(one["words"] or one["prefixes"] for one in asked) or asked == [{"words": text, "prefixes": None}]
