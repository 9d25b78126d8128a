"""Images, documents and other files: by link or by uploaded id."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from wa_cli.errors import BadInput
from wa_cli.messages.content.base import CAPTION_LIMIT, FILENAME_LIMIT, Columns, check_length

LINK_LIMIT = 2048
LINK = re.compile(r"https?://[^\x00-\x20\x7f-\xa0/?#@:\[\]\\]+(:[0-9]{1,5})?([/?#][^\x00-\x20\x7f-\xa0]*)?")


class Media:
    def __init__(self, name: str, *, captioned: bool = False) -> None:
        self.name = name
        self.captioned = captioned

    def check(self, part: Mapping[str, Any]) -> None:
        if bool(part.get("id")) == bool(part.get("link")):
            raise BadInput(f"The {self.name} needs either a link or an uploaded media id.")
        if part.get("link"):
            check_link(part["link"])
        elif isinstance(part["id"], bool) or not isinstance(part["id"], (str, int)):
            raise BadInput(f"The {self.name}'s id is not text.")
        if part.get("filename") is not None:
            check_length("filename", part["filename"], FILENAME_LIMIT)
        if part.get("caption"):
            if not self.captioned:
                raise BadInput(f"A message of type {self.name} has no caption.")
            check_length("caption", part["caption"], CAPTION_LIMIT)
        if "voice" in part and (self.name != "audio" or not isinstance(part["voice"], bool)):
            raise BadInput("voice is true or false, and of an audio message only.")

    def columns(self, part: Mapping[str, Any]) -> Columns:
        named = part.get("filename") or urlsplit(part.get("link") or "").path
        return Columns(
            content=part.get("caption"),
            media_url=part.get("link"),
            media_type=mimetypes.guess_type(named)[0] if named else None,
        )


def check_link(link: object) -> None:
    """Raise BadInput unless WhatsApp can fetch the link."""
    check_length("link", link, LINK_LIMIT)
    if not LINK.fullmatch(str(link)):
        raise BadInput(
            f"{link!r} is not a link that WhatsApp can fetch.",
            hint="Write a link that begins with https:// or http://.",
        )


def image(link: str, caption: str | None = None) -> dict[str, Any]:
    """Return an image message as the Cloud API takes it."""
    return {"type": "image", "image": _given(link=link, caption=caption)}


def video(link: str, caption: str | None = None) -> dict[str, Any]:
    """Return a video message as the Cloud API takes it."""
    return {"type": "video", "video": _given(link=link, caption=caption)}


def audio(link: str, *, voice: bool = False) -> dict[str, Any]:
    """Return an audio message as the Cloud API takes it. `voice` shows it as a voice message (OGG with Opus, mono)."""
    return {"type": "audio", "audio": {**_given(link=link), **({"voice": True} if voice else {})}}


def sticker(link: str) -> dict[str, Any]:
    """Return a sticker as the Cloud API takes it (WebP)."""
    return {"type": "sticker", "sticker": _given(link=link)}


def document(link: str, filename: str | None = None, caption: str | None = None) -> dict[str, Any]:
    """Return a document message as the Cloud API takes it."""
    return {"type": "document", "document": _given(link=link, filename=filename, caption=caption)}


def _given(**values: str | None) -> dict[str, str]:
    return {key: value for key, value in values.items() if value}
