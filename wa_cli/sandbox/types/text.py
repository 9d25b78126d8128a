from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wa_cli.sandbox import graph_errors

LONGEST = 4096


def check(part: Mapping[str, Any], templates: object) -> None:
    del templates
    body = part.get("body")
    if body is None or body == "":
        raise graph_errors.missing("text['body']")
    if not isinstance(body, str):
        raise graph_errors.GraphError(100, "(#100) Param text['body'] must be a string.")
    if len(body) > LONGEST:
        raise graph_errors.too_long("text['body']", LONGEST)
