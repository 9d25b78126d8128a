from __future__ import annotations

import pytest

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
