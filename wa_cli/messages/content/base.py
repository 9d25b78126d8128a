"""The interface of a message type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from wa_cli.errors import BadInput

CAPTION_LIMIT = 1024
FILENAME_LIMIT = 240
ID_LIMIT = 512


@dataclass(frozen=True)
class Columns:
    """The content columns of a row."""

    content: str | None = None
    media_url: str | None = None
    media_type: str | None = None
    template_name: str | None = None
    template_params: list[Any] | None = None


class ContentType(Protocol):
    """A message type of the Cloud API. `name` is its name there, and `part` the object under that name, or the list of
    `contacts`.
    """

    @property
    def name(self) -> str: ...

    def check(self, part: Any) -> None:
        """Raise BadInput if the API would surely refuse it. Limits: Meta, send-messages."""

    def columns(self, part: Any) -> Columns: ...


def check_length(what: str, text: object, limit: int) -> None:
    """Raise BadInput unless it is text of at most `limit` characters."""
    if not isinstance(text, str):
        raise BadInput(f"The {what} is not text.")
    if len(text) > limit:
        raise BadInput(f"The {what} has {len(text):,} characters; WhatsApp takes at most {limit:,}.")
