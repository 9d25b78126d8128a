from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wa_cli.sandbox import graph_errors

LONGEST_CAPTION = 1024


def image(part: Mapping[str, Any], templates: object) -> None:
    del templates
    _check("image", part)


def video(part: Mapping[str, Any], templates: object) -> None:
    del templates
    _check("video", part)


def audio(part: Mapping[str, Any], templates: object) -> None:
    del templates
    _check("audio", part, captioned=False)


def sticker(part: Mapping[str, Any], templates: object) -> None:
    del templates
    _check("sticker", part, captioned=False)


def document(part: Mapping[str, Any], templates: object) -> None:
    del templates
    _check("document", part)
    if "filename" in part and not isinstance(part["filename"], str):
        raise graph_errors.GraphError(100, "(#100) Param document['filename'] must be a string.")


def _check(kind: str, part: Mapping[str, Any], *, captioned: bool = True) -> None:
    has_id, link = bool(part.get("id")), part.get("link")
    if not has_id and not link:
        raise graph_errors.missing(f"{kind}['link']")
    if has_id and link:
        raise graph_errors.GraphError(100, f"(#100) Only one of {kind}['id'] and {kind}['link'] may be given.")
    if link and not (isinstance(link, str) and link.startswith(("http://", "https://"))):
        raise graph_errors.invalid(f"{kind}.link is not a valid URI")
    if part.get("caption") and not captioned:
        raise graph_errors.GraphError(100, f'(#100) Unexpected key "caption" on param "{kind}".')
    if len(str(part.get("caption") or "")) > LONGEST_CAPTION:
        raise graph_errors.too_long(f"{kind}['caption']", LONGEST_CAPTION)
