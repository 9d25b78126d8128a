"""A webhook that is split into pieces has the same contents."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wa_cli.cloud import webhook_splitting, webhooks


def contents(texts: list[str]) -> list[Any]:
    """Return the parsed contents of the bodies, in an order that does not depend on the split."""
    found = [webhooks.parse(text) for text in texts]
    return sorted(
        repr((kind, item))
        for notification in found
        for kind in ("messages", "statuses", "notices", "aliases", "unreadable")
        for item in getattr(notification, kind)
    )


def message(number: int, words: str) -> dict[str, Any]:
    text = {"type": "text", "text": {"body": words}}
    return {"from": "15551234567", "id": f"wamid.{number}", "timestamp": "1792500000", **text}


items = st.lists(st.builds(message, st.integers(0, 99), st.text(max_size=30)), max_size=12)
values = st.fixed_dictionaries(
    {"metadata": st.just({"display_phone_number": "15550100000", "phone_number_id": "42"})},
    optional={
        "messages": items,
        "message_echoes": items.map(lambda payload: [{**one, "to": "1555"} for one in payload]),
        "statuses": st.lists(
            st.builds(lambda n: {"id": f"s{n}", "status": "read", "timestamp": "1"}, st.integers(0, 99)), max_size=12
        ),
        "contacts": st.just([{"wa_id": "15551234567", "profile": {"name": "Ana"}}, {"wa_id": "9"}]),
        "history": st.lists(
            st.builds(lambda payload: {"threads": [{"id": "1555", "messages": payload}]}, items), max_size=3
        ),
        "errors": st.just([{"code": 1}]),
    },
)


@settings(max_examples=40)
@given(st.lists(st.lists(values, max_size=3), max_size=3), st.integers(200, 3000))
def test_a_split_webhook_has_the_same_contents(changes: list[list[Any]], limit: int) -> None:
    entries = [{"id": "1", "changes": [{"field": "messages", "value": value} for value in part]} for part in changes]
    data = {"object": webhooks.OBJECT, "entry": entries}

    pieces = webhook_splitting.split(data, limit)

    assert contents(pieces) == contents([json.dumps(data)])
