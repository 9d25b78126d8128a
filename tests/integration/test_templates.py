"""The templates of an account: their list over several pages, and a preview with parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.event_loop import in_event_loop
from tests.support.running_sandbox import running_sandbox
from wa_cli.cloud import templates
from wa_cli.cloud.client import CloudClient
from wa_cli.cloud.templates import TemplateDefinition
from wa_cli.errors import BadInput, NotFound
from wa_cli.sandbox import ACCOUNT
from wa_cli.sandbox.app import Options

MANY = {(f"order_{place}", "en_US"): place % 3 for place in range(7)}


def definition(*components: dict[str, Any]) -> TemplateDefinition:
    return TemplateDefinition("order", "en_US", "APPROVED", "UTILITY", components)


@in_event_loop
async def test_every_page_of_the_list_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "PAGE", "3")
    with running_sandbox(tmp_path, Options(templates=MANY)) as sandbox:
        client = CloudClient(sandbox.url, version="v25.0", number="1", token="t")
        found = await client.templates.list_all(ACCOUNT)
        with pytest.raises(NotFound):
            await client.templates.list_all("123")
        await client.close()

    assert [(one.name, one.language) for one in found] == sorted([("hello_world", "en_US"), *MANY])
    assert {one.name: len(one.parameters) for one in found} == {
        "hello_world": 0,
        **{name: number for (name, _), number in MANY.items()},
    }


def test_a_preview_fills_numbered_and_named_parameters() -> None:
    whole = definition(
        {"type": "HEADER", "format": "TEXT", "text": "Your order"},
        {"type": "BODY", "text": "Hi {{1}}, order {{2}} for {{1}} is on its way."},
        {"type": "FOOTER", "text": "Bye"},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Stop"}, {"type": "URL", "text": "Track"}]},
    )
    assert whole.parameters == ["1", "2"]
    assert whole.preview(["Ana", "42"]) == "Your order\nHi Ana, order 42 for Ana is on its way.\nBye\n[Stop] [Track]"
    named = definition({"type": "BODY", "text": "Hi {{ first_name }}"}, {"type": "HEADER", "format": "IMAGE"})
    assert named.preview(["{{1}}"]) == "[image]\nHi {{1}}"
    for values in ([], ["Ana"], ["a", "b", "c"]):
        with pytest.raises(BadInput, match=r"has 2 parameters, and \d were given"):
            whole.preview(values)


@pytest.mark.parametrize(
    "components", [[], [{}], [{"type": 5}], [{"type": "BODY"}], [{"type": "BUTTONS", "buttons": [None, {"text": 5}]}]]
)
def test_an_odd_definition_has_an_empty_preview(components: list[dict[str, Any]]) -> None:
    assert definition(*components).preview([]) == ""
