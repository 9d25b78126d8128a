"""One way to write a phone number: `+` and digits."""

from __future__ import annotations

import re

from wa_cli.errors import BadInput

_ASIDE = re.compile(r"[\s().\-\u2010-\u2015]")
_NUMBER = re.compile(r"\+[0-9]{2,15}")


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


def from_wire(number: str) -> str:
    """A number as Meta writes it, digits only, as we store it; anything else as it came."""
    digits = number.lstrip("+")
    return f"+{digits}" if digits.isdigit() else number


def customer_key(phone: str | None, user_id: str | None = None) -> str | None:
    """Under which key a conversation is kept: the phone without its `+`, else the user id; as `wa.customer_key` in SQL."""
    return (phone or "").lstrip("+") or user_id
