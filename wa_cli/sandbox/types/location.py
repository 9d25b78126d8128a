from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wa_cli.sandbox import graph_errors


def check(part: Mapping[str, Any], templates: object) -> None:
    del templates
    for key, most in (("latitude", 90), ("longitude", 180)):
        if part.get(key) in (None, ""):
            raise graph_errors.missing(f"location['{key}']")
        try:
            degrees = float(part[key])
        except (TypeError, ValueError):
            raise graph_errors.invalid(f"location.{key} is not a number") from None
        if not -most <= degrees <= most:
            raise graph_errors.invalid(f"location.{key} is out of range")
