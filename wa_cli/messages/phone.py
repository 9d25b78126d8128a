"""One way to write a phone number: `+` and digits."""

from __future__ import annotations

import re

from wa_cli.errors import BadInput

_ASIDE = re.compile(r"[\s().\-\u2010-\u2015]")
_NUMBER = re.compile(r"\+[0-9]{2,15}")
# A business-scoped user id (Meta, 2026): country and up to 128 letters and digits; a parent one has a part between.
_USER_ID = re.compile(r"[A-Z]{2}\.(?:[A-Z]+\.)?[A-Za-z0-9]{1,128}")


def parse_phone(text: str) -> str:
    """A number as a person gives it, as `+` and 2 to 15 digits; spaces, dots, dashes and brackets are set aside.

    A number without `+` is refused, because the country that was meant is a guess: Meta would prepend our own.
    """
    bare = _ASIDE.sub("", text)
    if _NUMBER.fullmatch(bare):
        return bare
    digits = re.sub(r"^00", "", bare)
    if re.fullmatch(r"[0-9]{2,15}", digits):
        raise BadInput(
            f"{text!r} does not begin with + and a country code.",
            hint=f"If the country code is in it already, +{digits} is meant.",
        )
    raise BadInput(f"{text!r} is not a phone number.", hint="Write + and 2 to 15 digits, like +15551234567.")


def is_user_id(text: str) -> bool:
    """Whether this names a customer whose number WhatsApp hides: a business-scoped user id."""
    return _USER_ID.fullmatch(text) is not None


def parse_customer(text: str) -> tuple[str | None, str | None]:
    """Phone number or user id of a customer as a person names them: one of the two. Raises BadInput."""
    return (None, text.strip()) if is_user_id(text.strip()) else (parse_phone(text), None)


def from_wire(number: str) -> str:
    """A number as Meta writes it, digits only, as we store it; anything else as it came."""
    digits = number.lstrip("+")
    return f"+{digits}" if digits.isdigit() else number


def customer_key(phone: str | None, user_id: str | None = None) -> str | None:
    """Under which key a row belongs to a customer: the phone without its `+`, else the user id; as `wa.customer_key` in SQL."""
    return (phone or "").lstrip("+") or user_id


# Countries in which WhatsApp itself writes one person's number in two ways (Meta: Brazil's and Mexico's prefixes may be
# rewritten, and that is no bug): how the odd form is recognised, and how the person is known.
_TWO_FORMS = (
    (re.compile(r"55([1-9][1-9])([6-9][0-9]{7})"), r"55\g<1>9\2"),  # Brazil: mobiles without their ninth digit
    (re.compile(r"521([0-9]{10})"), r"52\1"),  # Mexico: the old mobile 1
    (re.compile(r"54([1-3][0-9]{9})"), r"549\1"),  # Argentina: without the mobile 9
)


def person_key(key: str) -> str:
    """The one key of a person whose number has two forms; any other key as it is. As `wa.person_key` in SQL."""
    for odd, known in _TWO_FORMS:
        if odd.fullmatch(key):
            return odd.sub(known, key)
    return key
