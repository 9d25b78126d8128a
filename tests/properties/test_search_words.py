"""Every prefix of a search is asked for once."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from wa_cli.store.search_query import alternatives

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
