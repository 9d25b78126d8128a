"""The bodies of requests to send, one model for each type of message."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from wa_cli.errors import BadInput
from wa_cli.messages import content, json_text
from wa_cli.messages.content import contacts, interactive, location, media, reaction, template, text
from wa_cli.messages.content.base import CAPTION_LIMIT, FILENAME_LIMIT, ID_LIMIT
from wa_cli.messages.content.media import LINK, LINK_LIMIT
from wa_cli.messages.content.text import TEXT_LIMIT
from wa_cli.messages.outgoing import CAMPAIGN_LIMIT, OutgoingMessage, address
from wa_cli.messages.states import SentBy, WindowRule
from wa_cli.server.auth import Caller
from wa_cli.store.employees import NAME_LIMIT
from wa_cli.submit import reference_of

# Fields for the OpenAPI document. Our own checks answer a wrong value with its reason.
_NUMBER: dict[str, Any] = {"pattern": r"^[ ().-]*\+([ ().-]*[0-9]){2,15}[ ().-]*$", "examples": ["+15551234567"]}
_USER_ID: dict[str, Any] = {"pattern": r"^[A-Z]{2}\.([A-Z]+\.)?[A-Za-z0-9]{1,128}$", "examples": ["BR.1A2B3C4D5E"]}
_SPACES = r"\x00\x09-\x0d\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_WORDS: dict[str, Any] = {"pattern": f"^[^\\x00]*[^{_SPACES}][^\\x00]*$"}
_LINK: dict[str, Any] = {
    "pattern": f"^{LINK.pattern}$",
    "maxLength": LINK_LIMIT,
    "examples": ["https://example.org/red.jpg"],
}
FORCE = "force"
T = TypeVar("T")
_NO_NUL = r"^[^\x00]*$"


def _short(limit: int) -> Any:
    return Field(None, max_length=limit, pattern=_NO_NUL)


def _caption() -> Any:
    return _short(CAPTION_LIMIT)


Parameter = Annotated[str, Field(json_schema_extra={"pattern": r"^(?!.*     )[^\n\t\x00]*$"})]


def _readable(value: T) -> T:
    """Return JSON of a client that a worker can read from the queue. Raises BadInput for NaN or too many levels."""
    json_text.parse(json.dumps(value), "The message")
    return value


class OrTemplate(BaseModel):
    """A template by its name."""

    model_config = ConfigDict(extra="forbid")

    template_name: str = Field(json_schema_extra={"pattern": "^[a-z0-9_]{1,512}$"})
    parameters: list[Parameter] = []
    language: str | None = Field(None, json_schema_extra={"pattern": "^[A-Za-z0-9_-]{2,12}$"})

    def content(self, language: str) -> Mapping[str, Any]:
        chosen = language if self.language is None else self.language
        return template.template(self.template_name, chosen, self.parameters)


class Message(BaseModel):
    """A message to send. The addressee is `phone_number`, or `recipient` (a user id) if WhatsApp hides the number."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"oneOf": [{"required": ["phone_number"]}, {"required": ["recipient"]}]},
    )

    phone_number: str = Field("", json_schema_extra=_NUMBER)
    recipient: str = Field("", json_schema_extra=_USER_ID)
    campaign: str | None = Field(None, min_length=1, max_length=CAMPAIGN_LIMIT, pattern=_NO_NUL)
    sent_by: SentBy | None = Field(
        None, description="human (default), automatic, or campaign. Only a human message ends a turn."
    )

    employee: str | None = Field(
        None, min_length=1, max_length=NAME_LIMIT, pattern=_NO_NUL, description="Name or id, with a key of `KEY=*`."
    )
    reply_to: str | None = Field(
        None, min_length=1, max_length=ID_LIMIT, pattern=_NO_NUL, description="Id of the message that it quotes."
    )

    window: WindowRule | Literal["force"] = Field(
        WindowRule.REFUSE,
        description="If the 24-hour window is closed: refuse the message (default), hold it until the customer writes, or"
        " force it to the API.",
    )
    or_template: OrTemplate | None = Field(None, description="The template to send if the 24-hour window is closed.")

    @abstractmethod
    def content(self, language: str) -> Mapping[str, Any]:
        """Return the content as the Cloud API takes it. `language` is the default for templates."""

    def to(self, language: str, who: Caller, employee: UUID | None, key: str | None = None) -> OutgoingMessage:
        """Return the message with its addressee. Raises BadInput for none or two."""
        phone_number, recipient = (
            getattr(self, name) if name in self.model_fields_set else None for name in ("phone_number", "recipient")
        )
        if self.window == FORCE and self.or_template:
            raise BadInput("A forced message needs no or_template.")
        sent_by = self.sent_by or (SentBy.CAMPAIGN if self.campaign else who.sent_by or SentBy.HUMAN)
        outgoing = OutgoingMessage(
            content.quoting(self.content(language), self.reply_to),
            *address(phone_number, recipient),
            employee_id=employee,
            campaign=self.campaign,
            sent_by=sent_by,
            window=None if self.window == FORCE else WindowRule(self.window),
            or_template=self.or_template.content(language) if self.or_template else None,
        )
        return outgoing if key is None else replace(outgoing, reference=reference_of(key, who.name))


class TextMessage(Message):
    """Queue a text message."""

    text: str = Field(json_schema_extra={"maxLength": TEXT_LIMIT, **_WORDS})
    preview_url: bool = Field(False, description="Show a preview of the first link.")

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        return text.text(self.text, preview_url=self.preview_url)


class ImageMessage(Message):
    """Queue an image by link."""

    image_url: str = Field(json_schema_extra=_LINK)
    caption: str | None = _caption()

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        return media.image(self.image_url, self.caption)


class VideoMessage(Message):
    """Queue a video by link."""

    video_url: str = Field(json_schema_extra=_LINK)
    caption: str | None = _caption()

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        return media.video(self.video_url, self.caption)


class AudioMessage(Message):
    """Queue an audio file by link."""

    audio_url: str = Field(json_schema_extra=_LINK)
    voice: bool = Field(False, description="Show it as a voice message: OGG with Opus, mono.")

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        return media.audio(self.audio_url, voice=self.voice)


class StickerMessage(Message):
    """Queue a sticker by link."""

    sticker_url: str = Field(json_schema_extra=_LINK)

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        return media.sticker(self.sticker_url)


class DocumentMessage(Message):
    """Queue a document by link."""

    document_url: str = Field(json_schema_extra=_LINK)
    filename: str | None = Field(None, max_length=FILENAME_LIMIT, pattern=_NO_NUL)
    caption: str | None = _caption()

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        return media.document(self.document_url, self.filename, self.caption)


class LocationMessage(Message):
    """Queue a location."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: str | None = _short(location.NAME_LIMIT)
    address: str | None = _short(location.NAME_LIMIT)

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        return location.location(self.latitude, self.longitude, self.name, self.address)


class ContactsMessage(Message):
    """Queue contact cards as the Cloud API takes them."""

    contacts: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=contacts.MOST_CARDS,
        examples=[
            [{"name": {"formatted_name": "Ana Diaz", "first_name": "Ana"}, "phones": [{"phone": "+15557654321"}]}]
        ],
    )

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        return {"type": "contacts", "contacts": _readable(self.contacts)}


class ReactionMessage(Message):
    """Queue a reaction to a message of the customer. An empty emoji removes it."""

    message_id: str = Field(min_length=1, max_length=ID_LIMIT, pattern=_NO_NUL, description="Id of that message.")
    emoji: str = Field(max_length=reaction.EMOJI_LIMIT, examples=["\N{THUMBS UP SIGN}"])

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        return reaction.reaction(self.message_id, self.emoji)


class _InteractiveMessage(Message):
    text: str = Field(json_schema_extra={"maxLength": interactive.BODY_LIMIT, **_WORDS})
    header: str | None = _short(interactive.SHORT_LIMIT)
    footer: str | None = _short(interactive.SHORT_LIMIT)

    def _interactive(self, kind: str, action: Mapping[str, Any]) -> Mapping[str, Any]:
        return interactive.interactive(kind, self.text, action, header=self.header, footer=self.footer)


class Choice(BaseModel):
    """A button or a row. `id` comes back with the answer, by default the title."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, pattern=_NO_NUL)
    id: str | None = Field(None, min_length=1, pattern=_NO_NUL)
    description: str | None = Field(None, max_length=interactive.DESCRIPTION_LIMIT, pattern=_NO_NUL)

    def part(self) -> dict[str, str]:
        found = {"id": self.id or self.title, "title": self.title, "description": self.description}
        return {key: value for key, value in found.items() if value}


class ButtonsMessage(_InteractiveMessage):
    """Queue a text with reply buttons."""

    buttons: list[Choice] = Field(min_length=1, max_length=interactive.MOST_BUTTONS)

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        if any(button.description for button in self.buttons):
            raise BadInput("A button has no description.")
        choices = [{"type": "reply", "reply": button.part()} for button in self.buttons]
        return self._interactive("button", {"buttons": choices})


class ListMessage(_InteractiveMessage):
    """Queue a text with a list to choose from."""

    text: str = Field(json_schema_extra={"maxLength": interactive.LIST_BODY_LIMIT, **_WORDS})
    button: str = Field(min_length=1, max_length=interactive.BUTTON_TITLE_LIMIT, pattern=_NO_NUL)
    rows: list[Choice] = Field(min_length=1, max_length=interactive.MOST_ROWS)

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        sections = [{"rows": [row.part() for row in self.rows]}]
        return self._interactive("list", {"button": self.button, "sections": sections})


class CtaUrlMessage(_InteractiveMessage):
    """Queue a text with a button that opens a link."""

    button: str = Field(min_length=1, max_length=interactive.BUTTON_TITLE_LIMIT, pattern=_NO_NUL)
    url: str = Field(json_schema_extra=_LINK)

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        return self._interactive("cta_url", interactive.cta_url(self.button, self.url))


class FlowMessage(_InteractiveMessage):
    """Queue a text with a button that opens a flow, by its id or its name."""

    button: str = Field(min_length=1, max_length=interactive.FLOW_BUTTON_LIMIT, pattern=_NO_NUL)
    flow_id: str | None = None
    flow_name: str | None = None
    token: str | None = None
    screen: str | None = None
    data: dict[str, Any] | None = None
    draft: bool = False

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        if self.data and not self.screen:
            raise BadInput("The data of a flow needs a screen.")
        action = interactive.flow(
            self.button,
            flow_id=self.flow_id,
            flow_name=self.flow_name,
            token=self.token,
            screen=self.screen,
            data=_readable(self.data),
            draft=self.draft,
        )
        return self._interactive("flow", action)


class TemplateMessage(OrTemplate, Message):
    """Queue an approved template."""

    model_config = Message.model_config


class RawMessage(Message):
    """Queue a message as the Cloud API takes it: an object with `type`, and a part under that type."""

    message: dict[str, Any] = Field(examples=[{"type": "text", "text": {"body": "hi"}}])

    def content(self, language: str) -> Mapping[str, Any]:
        del language
        return _readable(self.message)


# The models by their routes.
MODELS: dict[str, type[Message]] = {
    "text": TextMessage,
    "image": ImageMessage,
    "video": VideoMessage,
    "audio": AudioMessage,
    "sticker": StickerMessage,
    "document": DocumentMessage,
    "location": LocationMessage,
    "contacts": ContactsMessage,
    "reaction": ReactionMessage,
    "buttons": ButtonsMessage,
    "list": ListMessage,
    "cta-url": CtaUrlMessage,
    "flow": FlowMessage,
    "template": TemplateMessage,
    "raw": RawMessage,
}
