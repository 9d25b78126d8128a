"""A message is unchanged after the queue, and any other body is refused as bad input."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from wa_cli.errors import BadInput
from wa_cli.messages.content.text import text
from wa_cli.messages.incoming import opaque, parse_opaque
from wa_cli.messages.outgoing import OutgoingMessage


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=50).filter(
        str.strip
    ),
    st.none() | st.uuids(),
    st.none() | st.datetimes(datetime(1970, 1, 1), datetime(8999, 1, 1), timezones=st.just(UTC)),
)
def test_a_message_is_unchanged_after_the_queue(words: str, employee: UUID | None, due: Any) -> None:
    message = OutgoingMessage(text(words), phone="+123", employee_id=employee, due_at=due, campaign="spring")

    assert OutgoingMessage.from_body(message.to_body(), queue_id="1") == message
    assert message.to_body().isascii()


@given(st.uuids(), st.integers(0, 999_999_999))
def test_callback_data_contain_the_reference_and_the_attempt(reference: UUID, attempt: int) -> None:
    assert parse_opaque(opaque(reference, attempt)) == (reference, attempt)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "text", "image", "template", "link", "body", "components"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_no_queue_body_raises_another_error_than_bad_input(data: object) -> None:
    with suppress(BadInput):
        OutgoingMessage.from_body(json.dumps({"phone_number": "+123", "message_data": data}), queue_id="1")
