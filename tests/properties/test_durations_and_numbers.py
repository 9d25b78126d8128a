"""Any duration and any phone number is unchanged after it was written and read again."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from wa_cli.clock import format_span, parse_span
from wa_cli.messages.phone import customer_key, from_wire, parse_phone


@given(st.integers(min_value=1, max_value=10**7))
def test_a_formatted_duration_is_parsed_to_within_an_hour(minutes: int) -> None:
    shown = format_span(timedelta(minutes=minutes))

    assert abs(parse_span(shown) - timedelta(minutes=minutes)) < timedelta(hours=1)


@given(st.from_regex(r"[1-9][0-9]{1,14}", fullmatch=True))
def test_every_number_is_unchanged_after_the_wire_format(digits: str) -> None:
    number = parse_phone(f"+{digits}")

    assert from_wire(digits) == number
    assert customer_key(number) == customer_key(digits) == digits
