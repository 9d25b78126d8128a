"""Any message of any type: wa refuses exactly the messages that the API would refuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_cli.errors import BadInput
from wa_cli.messages import content
from wa_cli.sandbox.graph_errors import GraphError
from wa_cli.sandbox.types import CHECKS

TEMPLATES = {("hello", "en_US"): 0}


def sized(*borders: int) -> st.SearchStrategy[str]:
    """Return texts around these lengths."""
    return st.sampled_from([length for border in borders for length in (border - 1, border, border + 1)]).map(
        lambda length: "x" * length
    )


def sometimes(key: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.just({}) | value.map(lambda found: {key: found})


def merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: {key: value for part in found for key, value in part.items()})


links = st.sampled_from(["https://example.org/a.png", "http://example.org/a", "ftp://example.org/a", "", "example.org"])
titles, ids = sized(20) | st.sampled_from(["Yes", "No", ""]), sized(256) | st.sampled_from(["yes", "no", "", " yes"])
# Values of the wrong shape.
odd: st.SearchStrategy[Any] = st.sampled_from([5, True, "x", [1], ["x"], [{}], {}])
replies = st.fixed_dictionaries({"title": titles, "id": ids})
rows = merged(
    st.fixed_dictionaries({"title": sized(24) | st.just("Row"), "id": sized(200) | st.text("abcd", max_size=2)}),
    sometimes("description", sized(72)),
)
headers = st.sampled_from(
    [
        {"type": "text", "text": "x" * 60},
        {"type": "text", "text": "x" * 61},
        {"type": "text", "text": ""},
        {"type": "image", "image": {"link": "https://example.org/a.png"}},
        {"type": "document", "document": {"id": "12"}},
        {"type": "video", "video": {}},
        {"type": "sticker", "sticker": {"id": "1"}},
        {},
    ]
)
actions: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "button": st.fixed_dictionaries(
        {"buttons": st.lists(replies.map(lambda reply: {"type": "reply", "reply": reply}), max_size=4) | odd}
    ),
    "list": st.fixed_dictionaries(
        {
            "button": sized(20) | st.just(""),
            "sections": st.lists(
                merged(
                    st.fixed_dictionaries({"rows": st.lists(rows, max_size=6) | odd}),
                    sometimes("title", sized(24) | st.just("")),
                ),
                max_size=3,
            )
            | odd
            | st.just([{"rows": [{"title": "Row", "id": "1"}]}] * 11),
        }
    ),
    "cta_url": st.fixed_dictionaries(
        {
            "name": st.just("cta_url") | st.just("other"),
            "parameters": st.fixed_dictionaries({"display_text": sized(20) | st.just(""), "url": links}),
        }
    ),
    "flow": st.fixed_dictionaries(
        {
            "name": st.just("flow"),
            "parameters": merged(
                st.fixed_dictionaries(
                    {"flow_message_version": st.just("3") | st.just("2"), "flow_cta": sized(30) | st.just("")}
                ),
                sometimes("flow_id", st.just("1")),
                sometimes("flow_name", st.just("booking")),
                sometimes("flow_action_payload", st.sampled_from([{"screen": "A"}, {}, {"screen": ""}])),
            ),
        }
    ),
}


def interactives(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    return merged(
        st.just({"type": kind}),
        st.fixed_dictionaries({"body": (sized(1024, 4096) | st.just("")).map(lambda text: {"text": text})}),
        sometimes("footer", sized(60).map(lambda text: {"text": text})),
        sometimes("header", headers),
        sometimes("action", actions[kind]),
    )


files = merged(sometimes("link", links), sometimes("id", st.just("123")), sometimes("caption", sized(1024)))
degrees = st.sampled_from([0, -90, 90, 90.5, 180, -180.1, "52.5", "north", None, 1e9])
names = merged(sometimes("formatted_name", st.sampled_from(["Ana", ""])), sometimes("first_name", st.just("Ana")))
cards: st.SearchStrategy[dict[str, Any]] = merged(
    sometimes("name", names),
    sometimes("phones", odd),
    sometimes("birthday", st.sampled_from(["1990-12-31", "31.12.1990"])),
) | st.just({})
messages = st.one_of(
    (sized(4096) | st.just("")).map(lambda body: ("text", {"body": body})),
    st.tuples(st.sampled_from(["image", "video", "audio", "document", "sticker"]), files),
    st.fixed_dictionaries({"latitude": degrees, "longitude": degrees}).map(lambda part: ("location", part)),
    st.lists(cards, max_size=2).map(lambda part: ("contacts", part)),
    merged(
        sometimes("message_id", st.sampled_from(["wamid.1", ""])),
        sometimes("emoji", st.sampled_from(["\N{THUMBS UP SIGN}", "", "ok"])),
    ).map(lambda part: ("reaction", part)),
    st.tuples(st.just("interactive"), st.one_of([interactives(kind) for kind in actions])),
)


def is_refused_by_wa(kind: str, part: Any) -> bool:
    try:
        content.check({"type": kind, kind: part})
    except BadInput:
        return True
    return False


def is_refused_by_the_api(kind: str, part: Any) -> bool:
    try:
        CHECKS[kind](part, TEMPLATES)
    except GraphError:
        return True
    return False


@settings(max_examples=1500, deadline=None)
@given(messages)
def test_wa_refuses_what_the_api_refuses_and_nothing_else(message: tuple[str, Any]) -> None:
    assert is_refused_by_wa(*message) == is_refused_by_the_api(*message)


@settings(max_examples=300, deadline=None)
@given(messages)
def test_every_accepted_message_has_readable_content(message: tuple[str, Any]) -> None:
    kind, part = message
    if not is_refused_by_wa(kind, part):
        columns = content.columns({"type": kind, kind: part})
        assert columns.content or columns.media_url or "id" in part


@pytest.mark.parametrize("kind", CHECKS)
def test_every_type_of_the_api_can_be_sent(kind: str) -> None:
    assert kind in content.CONTENT_TYPES
