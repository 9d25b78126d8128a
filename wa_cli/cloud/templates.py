"""The templates of an account at the Cloud API (Meta, business-management-api/message-templates)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from wa_cli.cloud import graph_request
from wa_cli.counted import counted
from wa_cli.errors import BadInput
from wa_cli.messages.values import word

FIELDS = "name,language,status,category,id,parameter_format,components"
PAGE, MOST_PAGES = "100", 100
APPROVED = "APPROVED"
_PARAMETER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")


@dataclass(frozen=True)
class TemplateDefinition:
    """A template as Meta knows it. `components` are Meta's own objects, such as header, body and buttons."""

    name: str
    language: str
    status: str
    category: str
    components: Sequence[Mapping[str, Any]]

    @property
    def parameters(self) -> list[str]:
        """The parameters of the body in order: numbers, or names."""
        return list(dict.fromkeys(_PARAMETER.findall(self._text("BODY") or "")))

    def preview(self, values: Sequence[str]) -> str:
        """Return the message as the customer reads it, with these parameters of the body.

        Raises BadInput if their number is wrong.
        """
        expected = self.parameters
        if len(values) != len(expected):
            raise BadInput(
                f"The template {self.name} has {counted(len(expected), 'parameter')}, and {len(values)} were given.",
                hint=f"Its text is: {self._text('BODY')}",
            )
        given = dict(zip(expected, values, strict=True))
        body = _PARAMETER.sub(lambda found: given[found[1]], self._text("BODY") or "")
        buttons = " ".join(f"[{title}]" for title in self._buttons())
        return "\n".join(filter(None, (self._header(), body, self._text("FOOTER"), buttons)))

    def _component(self, kind: str) -> Mapping[str, Any]:
        return next((one for one in self.components if str(one.get("type")).upper() == kind), {})

    def _text(self, kind: str) -> str | None:
        return word(self._component(kind).get("text"))

    def _header(self) -> str | None:
        """Return the text of the header, or the kind of its file in brackets."""
        form = word(self._component("HEADER").get("format"))
        return self._text("HEADER") or (f"[{form.lower()}]" if form else None)

    def _buttons(self) -> list[str]:
        buttons = self._component("BUTTONS").get("buttons")
        found = [word(button.get("text")) for button in (buttons or ()) if isinstance(button, Mapping)]
        return [title for title in found if title]


class TemplateClient:
    """A client for templates. Raises CloudError: Unauthorized if the token is refused, NotFound for an unknown account."""

    def __init__(self, http: httpx.AsyncClient, base_url: str = "") -> None:
        self.base_url = base_url
        self._http = http

    async def list_all(self, account: str) -> list[TemplateDefinition]:
        """Return every template of the account, by name and language."""
        found: list[TemplateDefinition] = []
        after: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = await graph_request.get(
                self._http,
                f"{self.base_url}/{account}/message_templates",
                f"the templates of the account {account}",
                fields=FIELDS,
                limit=PAGE,
                **after,
            )
            listed = answer.get("data")
            found += [_definition(one) for one in (listed or ()) if isinstance(one, Mapping) and word(one.get("name"))]
            cursor = _next(answer.get("paging"))
            if cursor is None:
                break
            after = {"after": cursor}
        return sorted(found, key=lambda template: (template.name, template.language))


def _next(paging: Any) -> str | None:
    """Return the cursor of the next page, or None after the last one."""
    if not isinstance(paging, Mapping) or not paging.get("next"):
        return None
    cursors = paging.get("cursors")
    return word(cursors.get("after")) if isinstance(cursors, Mapping) else None


def _definition(found: Mapping[str, Any]) -> TemplateDefinition:
    components = found.get("components")
    return TemplateDefinition(
        name=str(found["name"]),
        language=str(found.get("language") or ""),
        status=str(found.get("status") or "UNKNOWN").upper(),
        category=str(found.get("category") or "UNKNOWN").upper(),
        components=[one for one in (components or ()) if isinstance(one, Mapping)],
    )
