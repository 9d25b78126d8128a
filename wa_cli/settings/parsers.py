"""Text of a setting to its value. Each parser raises BadInput for text that is not one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from wa_cli.clock import parse_span
from wa_cli.errors import BadInput

_IDENTIFIER = r"""(?:[A-Za-z_][A-Za-z0-9_$]*|"[A-Za-z0-9_$ .-]+")"""

EMBEDDED = "embedded"
SANDBOX = "sandbox"
UNKNOWN_BUSINESS = "business"


def text(value: str) -> str:
    return value


def secret(value: str) -> str:
    """Return a key or a token. An empty key would accept every signature, and an empty token would be refused by Meta."""
    if not any(character.isprintable() and not character.isspace() for character in value):
        raise BadInput("the secret is empty.", hint="Give it a value, or remove the setting.")
    if not value.strip().isprintable():
        raise BadInput(
            "the secret holds a control or invisible character.",
            hint="Check that only the secret was copied, not a whole file.",
        )
    return value.strip()


def api_keys(value: str) -> str:
    """Return a list of keys, separated by commas. `server/auth.py` parses it and names a wrong key."""
    secret(value.replace(",", " "))
    return value


def switch(value: str) -> bool:
    word = value.strip().lower()
    if word not in ("yes", "no", "true", "false", "on", "off", "1", "0"):
        raise BadInput(f"{value!r} is neither `yes` nor `no`.")
    return word in ("yes", "true", "on", "1")


def choice(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in allowed:
            raise BadInput(f"{value!r} is not one of {', '.join(allowed)}.")
        return value

    return parse


def at_least(least: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            raise BadInput(f"{value!r} is not a number.") from None
        if not math.isfinite(number):
            raise BadInput(f"{value!r} is not a finite number.")
        if number < least:
            raise BadInput(f"{value} is less than {least:g}.")
        return number

    return parse


def at_least_a_second(value: str) -> timedelta:
    span = parse_span(value)
    if span < timedelta(seconds=1):
        raise BadInput(f"{value!r} is less than a second.")
    return span


def port(value: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", value) or not 0 <= int(value) <= 65535:
        raise BadInput(f"{value!r} is not a port between 0 and 65535.")
    return int(value)


def api_url(value: str) -> str:
    if value != SANDBOX and not re.fullmatch(r"https?://[^/\s]+\S*", value):
        raise BadInput(
            f"{value!r} is neither a URL nor the word `sandbox`.", hint="Write it like https://graph.facebook.com."
        )
    return value


def size(value: str) -> int:
    found = re.fullmatch(r"(\d+)\s*([kKmMgG]?)(?:i?[bB])?", value.strip())
    if not found:
        raise BadInput(f"{value!r} is not a size such as 500MB.")
    return int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[found[2].lower()]


def web_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+\S*", value):
        raise BadInput(f"{value!r} is not a URL.", hint="Write it like https://example.org/webhook.")
    return value


def graph_version(value: str) -> str:
    if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]{1,3}", value):
        raise BadInput(f"{value!r} is not a version of the Graph API.", hint="Write it like v25.0.")
    return value


def number_id(value: str) -> str:
    if not re.fullmatch("[0-9]{1,32}", value):
        raise BadInput(f"{value!r} is not an id: Meta's ids are digits.", hint="Copy it from Meta's app dashboard.")
    return value


def queue_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+/\S+", value):
        raise BadInput(
            f"{value!r} is not a queue's URL.",
            hint="Write it like https://sqs.eu-west-1.amazonaws.com/123456789012/outgoing.",
        )
    return value


def media_place(value: str) -> str:
    is_address = re.match(r"[a-z0-9]+:", value)
    if not value.strip() or (is_address and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/\S*)?", value)):
        raise BadInput(f"{value!r} is neither a folder nor a place like s3://bucket/prefix.")
    return value


def folder(value: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise BadInput(f"{value!r} names the home of an unknown user.") from None


@dataclass(frozen=True)
class BusinessTable:
    """A table or view of the business, and the columns to read. Names are as PostgreSQL takes them, quoted or not."""

    name: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.columns)})"


def business_table(*columns: str, least: int) -> Callable[[str], BusinessTable]:
    """Return a parser of `table`, `schema.table` or `table(column, …)`. `columns` are the default names, of which the
    first `least` are taken if none are given.
    """
    example = f"hr.staff({', '.join(columns)})"

    def parse(value: str) -> BusinessTable:
        found = re.fullmatch(rf"\s*({_IDENTIFIER}(?:\.{_IDENTIFIER})?)\s*(?:\(([^()]*)\))?\s*", value)
        given = (
            [column.strip() for column in found[2].split(",")] if found and found[2] is not None else columns[:least]
        )
        if not found or not all(re.fullmatch(_IDENTIFIER, column) for column in given):
            raise BadInput(f"{value!r} is not a table with its columns.", hint=f"Write it like {example}.")
        if not least <= len(given) <= len(columns):
            raise BadInput(f"{value!r} has {len(given)} columns.", hint=f"Write it like {example}.")
        return BusinessTable(found[1], tuple(given))

    return parse


def business_phone(value: str) -> str:
    """Return a phone number as it is stored, or the word `business` for an unknown one."""
    text_value = value.strip()
    digits = re.sub(r"[\s().-]", "", text_value)
    if text_value == UNKNOWN_BUSINESS or re.fullmatch(r"\+[1-9][0-9]{1,14}", digits):
        return digits
    raise BadInput(f"{value!r} is not a phone number.", hint="Write + and digits, like +15550100000.")


def count(value: str) -> int:
    return int(at_least(1)(value))
