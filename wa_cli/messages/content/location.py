"""Places: coordinates with a name and an address."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from wa_cli.errors import BadInput
from wa_cli.messages.content.base import Columns, check_length
from wa_cli.messages.values import word

NAME_LIMIT = 1000
_LIMITS = {"latitude": 90.0, "longitude": 180.0}


class Location:
    name = "location"

    def check(self, part: Mapping[str, Any]) -> None:
        for key, limit in _LIMITS.items():
            _check_coordinate(key, part.get(key), limit)
        for key in ("name", "address"):
            if part.get(key) is not None:
                check_length(key, part[key], NAME_LIMIT)

    def columns(self, part: Mapping[str, Any]) -> Columns:
        return Columns(content=words(part))


def _check_coordinate(key: str, value: Any, limit: float) -> None:
    """Raise BadInput unless it is a number, or one as text, within ±`limit` degrees."""
    try:
        degrees = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        degrees = float("nan")
    if not isfinite(degrees) or abs(degrees) > limit:
        raise BadInput(f"The {key} {value!r} is not a number from -{limit:g} to {limit:g}.")


def words(part: Mapping[str, Any]) -> str | None:
    """Return name and address, and the coordinates of the place. An address often begins with the name."""
    name, address = word(part.get("name")), word(part.get("address"))
    said = ", ".join(filter(None, (None if name and address and address.startswith(name) else name, address)))
    latitude, longitude = part.get("latitude"), part.get("longitude")
    place = f"{latitude}, {longitude}" if latitude is not None and longitude is not None else ""
    return f"{said} ({place})" if said and place else said or place or None


def location(latitude: float, longitude: float, name: str | None = None, address: str | None = None) -> dict[str, Any]:
    """Return a location message as the Cloud API takes it."""
    given = {"name": name, "address": address}
    part = {"latitude": latitude, "longitude": longitude, **{key: value for key, value in given.items() if value}}
    return {"type": "location", "location": part}
