import pytest

from wa_cli.errors import BadInput
from wa_cli.messages.phone import customer_key, is_user_id, parse_phone, person_key


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+123", "+123"),
        ("+55 (11) 98765-4321", "+5511987654321"),
        ("+49.30.1234", "+49301234"),
        ("+1\u2011555\u2011123", "+1555123"),
    ],
)
def test_spaces_dots_dashes_and_brackets_are_removed(text: str, number: str) -> None:
    assert parse_phone(text) == number


@pytest.mark.parametrize(("text", "meant"), [("4915112345", "+4915112345"), ("0049 151 12345", "+4915112345")])
def test_a_number_without_a_plus_is_refused_with_a_suggestion(text: str, meant: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse_phone(text)

    assert meant in (refusal.value.hint or "")
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize("text", ["", "+", "+1", "+1234567890123456", "+12a4", "hello", "++123", "+١٢٣"])
def test_an_invalid_phone_number_is_refused(text: str) -> None:
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
        ("+49 (00) 171 123", "+49171123"),
    ],
)
def test_a_number_that_would_reach_another_person_is_refused_with_a_suggestion(given: str, meant: str) -> None:
    with pytest.raises(BadInput) as error:
        parse_phone(given)

    assert meant in str(error.value.hint)


@pytest.mark.parametrize("text", ["+15551234567.0", "15551234567.0", "+15551234567.00", "+1555123,0", "+1 555 123.0 "])
def test_a_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="decimal number") as refusal:
        parse_phone(text)

    assert "5670" not in (refusal.value.hint or "")


def test_invisible_characters_are_removed() -> None:
    assert parse_phone("\u202a+49\u00a0171\u200b\u2060 123\u202c\ufeff") == "+49171123"


def test_a_customer_without_a_phone_number_is_identified_by_the_user_id() -> None:
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
def test_phone_variants_have_the_same_person_key(key: str, known: str) -> None:
    assert person_key(key) == known


@pytest.mark.parametrize("text", ["BR.1A2B3C4D5E6F7G", "US.ENT.1A2B", "DE." + "x" * 128])
def test_a_user_id_is_recognized_by_its_format(text: str) -> None:
    assert is_user_id(text)


@pytest.mark.parametrize("text", ["", "15551234567", "BR.", "br.1A", "BR.1A 2", "BR." + "x" * 129])
def test_an_invalid_user_id_is_not_recognized(text: str) -> None:
    assert not is_user_id(text)
