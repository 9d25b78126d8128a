"""One form of a phone number: `+` and digits."""

from __future__ import annotations

import re
import unicodedata

from wa_cli.errors import BadInput

_ASIDE = re.compile(r"[\s().\-\u2010-\u2015]")
# No country code begins with 0 (ITU-T E.164).
_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")
_TRUNK_PREFIX = re.compile(r"\(\s*0+\s*\)")
# A spreadsheet's or a program's decimal number, such as 15551234567.0. Its fraction is not a part of the phone number.
_DECIMAL = re.compile(r"\s*\+?\s*[0-9]+[.,]0+\s*|.*[.,]0\s*", re.DOTALL)
# A business-scoped user id (Meta, 2026): country and up to 128 letters and digits; a parent one has a part between.
_USER_ID = re.compile(r"[A-Z]{2}\.(?:[A-Z]+\.)?[A-Za-z0-9]{1,128}")

_GROUP_ID = re.compile(r"[0-9-]{10,120}@g\.us|(?=[A-Za-z0-9_=-]*[A-Za-z])[A-Za-z0-9_=-]{20,128}")


def parse_phone(text: str) -> str:
    """Return a number that a person wrote, as `+` and 2 to 15 digits.

    Spaces, dots, dashes, brackets and invisible characters are ignored. A number without `+` is refused, since its
    country would be a guess: Meta would prepend ours. A number with a 0 that is dialled only within its country is
    refused too, as in +49 (0)171. Raises BadInput, with the number that was probably meant.
    """
    seen = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    if _DECIMAL.fullmatch(seen):
        raise BadInput(f"{text!r} is a decimal number.", hint="Write the phone number as text, without the fraction.")
    bare = _ASIDE.sub("", seen)
    if _NUMBER.fullmatch(bare) and not _TRUNK_PREFIX.search(seen):
        return bare
    meant = "+" + re.sub(r"^\+?0*", "", _ASIDE.sub("", _TRUNK_PREFIX.sub("", seen)))
    if not _NUMBER.fullmatch(meant):
        raise BadInput(f"{text!r} is not a phone number.", hint="Write + and 2 to 15 digits, like +15551234567.")
    if not bare.startswith("+"):
        raise BadInput(
            f"{text!r} does not begin with + and a country code.",
            hint=f"Write {meant} if the country code is included.",
        )
    raise BadInput(
        f"{text!r} has a 0 that is dialled only within its country or before a country code.", hint=f"Write {meant}."
    )


def is_user_id(text: str) -> bool:
    """Return True for a business-scoped user id, which names a customer whose number WhatsApp hides."""
    return _USER_ID.fullmatch(text) is not None


def is_group_id(text: str) -> bool:
    """Return True for the id of a group (Meta: an opaque id, in webhooks also with @g.us)."""
    return _GROUP_ID.fullmatch(text) is not None


def parse_customer(text: str) -> tuple[str | None, str | None]:
    """Return the phone number, or the user id or group id in its place, as a person names them. Raises BadInput."""
    given = text.strip()
    return (None, given) if is_user_id(given) or is_group_id(given) else (parse_phone(text), None)


def from_wire(number: str) -> str:
    """Return a number of Meta's, which is digits only, as it is stored. Anything else is returned unchanged."""
    digits = number.lstrip("+")
    return f"+{digits}" if digits.isdigit() else number


def customer_key(phone: str | None, user_id: str | None = None) -> str | None:
    """Return the key of a customer: the phone without its `+`, else the user id. Like `wa.customer_key` in SQL."""
    return (phone or "").lstrip("+") or user_id


# Countries where WhatsApp itself writes one number in two ways (Meta: the prefixes of Brazil and Mexico may be
# rewritten, which is not a bug): the pattern of the odd variant, and the key of the person.
_TWO_FORMS = (
    (re.compile(r"55([1-9][1-9])([6-9][0-9]{7})"), r"55\g<1>9\2"),  # Brazil: mobiles without their ninth digit
    (re.compile(r"521([0-9]{10})"), r"52\1"),  # Mexico: the old mobile 1
    (re.compile(r"54([1-3][0-9]{9})"), r"549\1"),  # Argentina: without the mobile 9
)


def person_key(key: str) -> str:
    """Return the one key of a person whose number has two variants. Like `wa.person_key` in SQL."""
    for odd, known in _TWO_FORMS:
        if odd.fullmatch(key):
            return odd.sub(known, key)
    return key
