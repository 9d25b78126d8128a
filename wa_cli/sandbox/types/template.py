from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wa_cli.sandbox import graph_errors

_FORBIDDEN = re.compile(r"[\n\t]| {5,}")


def check(part: Mapping[str, Any], templates: Mapping[tuple[str, str], int]) -> None:
    """Check a template. `templates` maps name and language of the approved ones to the number of body parameters."""
    name = part.get("name")
    if not name:
        raise graph_errors.missing("template['name']")
    language = part.get("language")
    code = language.get("code") if isinstance(language, Mapping) else None
    if not code:
        raise graph_errors.missing("template['language']")
    if (name, code) not in templates:
        raise graph_errors.no_template(str(name), str(code))
    given = [parameter for component in _list(part.get("components")) for parameter in _body(component)]
    expected = templates[name, code]
    if len(given) != expected:
        raise graph_errors.parameter_count("body", len(given), expected)
    for parameter in given:
        if _FORBIDDEN.search(str(parameter.get("text", "")) if isinstance(parameter, Mapping) else ""):
            raise graph_errors.GraphError(
                132018,
                "(#132018) There's an issue with the parameters in your template",
                details="Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
            )


def _body(component: Any) -> list[Any]:
    is_body = isinstance(component, Mapping) and component.get("type") == "body"
    return _list(component.get("parameters")) if is_body else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
