"""Templates that Meta has approved: the only messages that can be sent when the 24-hour window is closed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from wa_cli.errors import BadInput
from wa_cli.messages.content.base import Columns

_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[A-Za-z0-9_-]{2,12}")
_FORBIDDEN = re.compile(r"[\n\t]| {5,}")


class Template:
    name = "template"

    def check(self, part: Mapping[str, Any]) -> None:
        name, language = part.get("name"), part.get("language")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BadInput(f"{name!r} is not the name of a template.", hint="Use lower-case letters, digits and _.")
        code = language.get("code") if isinstance(language, Mapping) else None
        if not isinstance(code, str) or not _LANGUAGE.fullmatch(code):
            raise BadInput(
                f"{code!r} is not the language of a template.", hint="Write it exactly as at Meta, like en_US."
            )
        if not isinstance(part.get("components", []), list):
            raise BadInput("The template's components are not a list.")
        for text in _texts(part):
            if _FORBIDDEN.search(text):
                raise BadInput(
                    f"The template parameter {text!r} has a new line, a tab or more than four spaces in a row."
                )

    def columns(self, part: Mapping[str, Any]) -> Columns:
        """Return the parameters in order. The rendered text is known to Meta only."""
        parameters = list(_texts(part))
        return Columns(
            content=", ".join(parameters) or None, template_name=part.get("name"), template_params=parameters
        )


def template(name: str, language: str, parameters: Sequence[str] = ()) -> dict[str, Any]:
    """Return a template message with positional parameters of its body, as the Cloud API takes it."""
    part: dict[str, Any] = {"name": name, "language": {"code": language}}
    if parameters:
        body = [{"type": "text", "text": parameter} for parameter in parameters]
        part["components"] = [{"type": "body", "parameters": body}]
    return {"type": "template", "template": part}


def _texts(part: Mapping[str, Any]) -> list[str]:
    """Return the text parameters in order. Any other shape is left to the API."""
    parameters = [parameter for component in _list(part, "components") for parameter in _list(component, "parameters")]
    texts = [parameter.get("text") for parameter in parameters if isinstance(parameter, Mapping)]
    return [text for text in texts if isinstance(text, str)]


def _list(holder: Any, key: str) -> list[Any]:
    found = holder.get(key) if isinstance(holder, Mapping) else None
    return found if isinstance(found, list) else []
