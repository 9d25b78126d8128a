import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa_cli.errors import BadInput
from wa_cli.messages.phone import customer_key, from_wire, is_user_id, parse_phone, person_key


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+123", "+123"),
        ("+55 (11) 98765-4321", "+5511987654321"),
        ("+49.30.1234", "+49301234"),
        ("+1\u2011555\u2011123", "+1555123"),
    ],
)
def test_spaces_dots_dashes_and_brackets_are_set_aside(text: str, number: str) -> None:
    assert parse_phone(text) == number


@pytest.mark.parametrize(("text", "meant"), [("4915112345", "+4915112345"), ("0049 151 12345", "+4915112345")])
def test_a_number_without_plus_is_refused_with_the_one_that_was_meant(text: str, meant: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse_phone(text)

    assert meant in (refusal.value.hint or "")
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize("text", ["", "+", "+1", "+1234567890123456", "+12a4", "hello", "++123", "+١٢٣"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_phone(text)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("+49 (0)171 123", "+49171123"),
        ("+49 ( 0 ) 171 123", "+49171123"),
        ("0049171123", "+49171123"),
        ("+0049171123", "+49171123"),
        ("+0171123", "+171123"),
        ("49171123", "+49171123"),
    ],
)
def test_a_number_that_would_reach_a_stranger_is_refused_with_what_was_meant(given: str, meant: str) -> None:
    with pytest.raises(BadInput) as error:
        parse_phone(given)

    assert meant in str(error.value.hint)


def test_characters_that_nobody_sees_are_set_aside() -> None:
    assert parse_phone("\u202a+49\u00a0171\u200b\u2060 123\u202c\ufeff") == "+49171123"


@given(st.from_regex(r"[1-9][0-9]{1,14}", fullmatch=True))
def test_every_number_survives_the_wire_and_back(digits: str) -> None:
    number = parse_phone(f"+{digits}")

    assert from_wire(digits) == number
    assert customer_key(number) == customer_key(digits) == digits


def test_a_customer_without_a_phone_is_their_user_id() -> None:
    assert customer_key(None, "BR.1A2B") == "BR.1A2B"
    assert customer_key("", "BR.1A2B") == "BR.1A2B"
    assert customer_key("+55", "BR.1A2B") == "55"
    assert customer_key(None) is None


@pytest.mark.parametrize(
    ("key", "known"),
    [
        ("551187654321", "5511987654321"),
        ("5511987654321", "5511987654321"),
        ("551132654321", "551132654321"),  # a landline has no ninth digit
        ("5215512345678", "525512345678"),
        ("525512345678", "525512345678"),
        ("541112345678", "5491112345678"),
        ("5491112345678", "5491112345678"),
        ("15551234567", "15551234567"),
        ("BR.1A2B", "BR.1A2B"),
        ("", ""),
    ],
)
def test_a_person_with_two_forms_of_a_number_is_one(key: str, known: str) -> None:
    assert person_key(key) == known


@pytest.mark.parametrize("text", ["BR.1A2B3C4D5E6F7G", "US.ENT.1A2B", "DE." + "x" * 128])
def test_a_user_id_is_known_by_its_shape(text: str) -> None:
    assert is_user_id(text)


@pytest.mark.parametrize("text", ["", "15551234567", "BR.", "br.1A", "BR.1A 2", "BR." + "x" * 129])
def test_what_is_no_user_id_is_none(text: str) -> None:
    assert not is_user_id(text)
