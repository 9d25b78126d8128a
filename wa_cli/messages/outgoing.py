"""A message to a customer, and its JSON body on the outgoing queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from wa_cli import clock
from wa_cli.errors import BadInput
from wa_cli.messages import content, json_text
from wa_cli.messages.content.base import check_length
from wa_cli.messages.content.media import document
from wa_cli.messages.content.template import template
from wa_cli.messages.content.text import text
from wa_cli.messages.phone import customer_key, is_group_id, is_user_id, parse_phone
from wa_cli.messages.states import SentBy, WindowRule

# Namespace for references of bodies without one, made from the queue's message id, so that a redelivery gets the same.
_REFERENCES = UUID("6f0f2a5e-7c1d-5e0b-9d57-0f6e3c1b8a42")
CAMPAIGN_LIMIT = 100
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
OLDEST_UNIX = datetime(2001, 9, 10, tzinfo=UTC)  # ten digits


@dataclass(frozen=True)
class OutgoingMessage:
    """A message to one customer.

    `content` is the Cloud API's own object with its `type`. The addressee is either `phone` (`+` and digits) or
    `recipient` (a business-scoped user id or a group id). `phone_number_id` is the business number that must send it:
    a message for the sandbox must not be sent by a real number. `window` rules what happens outside the 24-hour window,
    and `or_template` is sent then instead. `resend_of` is the reference of a message that it repeats. Instants are aware.
    """

    content: Mapping[str, Any]
    phone: str | None = None
    recipient: str | None = None
    reference: UUID = field(default_factory=uuid4)
    phone_number_id: str | None = None
    business_phone: str | None = None
    employee_id: UUID | None = None
    campaign: str | None = None
    sent_by: SentBy = SentBy.HUMAN
    queued_at: datetime = field(default_factory=clock.now)
    due_at: datetime | None = None
    expires_at: datetime | None = None
    window: WindowRule | None = None
    or_template: Mapping[str, Any] | None = None
    resend_of: UUID | None = None

    @property
    def needs_window(self) -> bool:
        """True if it is judged by the 24-hour window: only templates can be sent outside of it, and groups have none."""
        return self.window is not None and self.type != "template" and not is_group_id(self.recipient or "")

    def as_template(self) -> OutgoingMessage:
        """Return the message with its template in place of its content."""
        assert self.or_template
        return replace(self, content=self.or_template, window=None, or_template=None)

    @property
    def type(self) -> str:
        return str(self.content["type"])

    @property
    def customer(self) -> str:
        key = customer_key(self.phone, self.recipient)
        assert key
        return key

    def check(self) -> None:
        """Raise BadInput if the message cannot be sent."""
        if not (self.phone or self.recipient):
            raise BadInput("The message has no addressee: phone_number is missing.")
        if self.recipient and not (is_user_id(self.recipient) or is_group_id(self.recipient)):
            raise BadInput(f"{self.recipient[:40]!r} is not a user id or a group id.")
        for what, value, limit in (
            ("campaign", self.campaign, CAMPAIGN_LIMIT),
            ("business phone", self.business_phone, 150),
        ):
            check_length(what, value or "", limit)
        self._check_addressee()
        content.check(self.content)
        if self.or_template is not None:
            content.check(self.or_template)
            if self.or_template["type"] != "template":
                raise BadInput(f"or_template is a message of type {self.or_template['type']!r} and not a template.")

    def _check_addressee(self) -> None:
        """Raise BadInput if the Cloud API object names another addressee than the message."""
        for key, ours in (("to", self.phone or self.recipient), ("recipient", self.recipient)):
            named = self.content.get(key)
            if named is not None and str(named).lstrip("+") != (ours or "").lstrip("+"):
                raise BadInput(f"message_data.{key} names {str(named)[:40]!r}, but the message is for {ours}.")

    def to_body(self) -> str:
        """Return the message as queue body: JSON in ASCII, which every transport carries unchanged."""
        body = {
            "reference": str(self.reference),
            "phone_number": self.phone,
            "recipient": self.recipient,
            "message_data": dict(self.content),
            "metadata": {
                "phone_number_id": self.phone_number_id,
                "business_phone": self.business_phone,
                "employee_id": str(self.employee_id) if self.employee_id else None,
                "campaign": self.campaign,
                "sent_by": self.sent_by,
                "queued_at": self.queued_at.isoformat(),
                "due_at": self.due_at.isoformat() if self.due_at else None,
                "expires_at": self.expires_at.isoformat() if self.expires_at else None,
                "window": self.window,
                "or_template": dict(self.or_template) if self.or_template else None,
                "resend_of": str(self.resend_of) if self.resend_of else None,
            },
        }
        return json.dumps(_without_nones(body), separators=(",", ":"))

    @classmethod
    def from_body(cls, body: str, *, queue_id: str, language: str = "en_US") -> OutgoingMessage:
        """Return the message of a body, also of an older producer. Raises BadInput with the fault.

        `queue_id` determines the reference of a body without one. `language` is the default for templates.
        """
        try:
            return cls._from_body(body, queue_id, language)
        except BadInput:
            raise
        except Exception as error:  # an unexpected shape must not end the worker that reads it
            raise BadInput(f"The body cannot be read: {type(error).__name__}: {error}.") from error

    @classmethod
    def _from_body(cls, body: str, queue_id: str, language: str) -> OutgoingMessage:
        data = json_text.parse_object(body, "The body")
        metadata = json_text.clean(data.get("metadata"))
        metadata = metadata if isinstance(metadata, dict) else {}
        recipient = data.get("recipient")
        phone = data.get("phone_number")
        message = cls(
            content=_modern(data.get("message_data"), language),
            phone=None if phone is None else _phone(phone),
            recipient=recipient if isinstance(recipient, str) and recipient else None,
            reference=_uuid(data["reference"], "reference") if data.get("reference") else uuid5(_REFERENCES, queue_id),
            phone_number_id=_optional_text(metadata, "phone_number_id"),
            business_phone=_business_phone(metadata),
            employee_id=_optional_uuid(metadata.get("employee_id")),
            campaign=_optional_text(metadata, "campaign"),
            sent_by=_sent_by(metadata),
            queued_at=_parse_instant(metadata.get("queued_at")) or clock.now(),
            due_at=_instant(metadata, "due_at"),
            expires_at=_instant(metadata, "expires_at"),
            window=_window(metadata),
            or_template=_template(metadata.get("or_template")),
            resend_of=_optional_uuid(metadata.get("resend_of")),
        )
        message.check()
        return message


def address(phone_number: str | None, recipient: str | None) -> tuple[str | None, str | None]:
    """Return phone number or user id of an addressee, as a person writes it. Raises BadInput for neither or both."""
    if (phone_number is None) == (recipient is None):
        raise BadInput("A message needs either a phone_number or a recipient.")
    if recipient is not None and not (is_user_id(recipient) or is_group_id(recipient)):
        raise BadInput(f"{recipient!r} is not a user id.", hint="Write it like BR.1A2B3C4D5E.")
    return parse_phone(phone_number) if phone_number is not None else None, recipient


def _modern(data: object, language: str) -> dict[str, Any]:
    """Return the Cloud API's object, converted from an older producer's `{"type", "content", "media_url"}` if necessary."""
    if not isinstance(data, dict):
        raise BadInput("The body has no message_data.")
    kind = data.get("type")
    if not isinstance(kind, str):
        raise BadInput("The message has no `type`.")
    if kind in data:
        return data
    words, link = data.get("content"), data.get("media_url")
    if kind == "text":
        return text(words if isinstance(words, str) else "")
    if kind == "document":
        return document(str(link or ""), data.get("filename"), words)
    if kind == "template":
        return template(str(data.get("template_name") or words), language, data.get("parameters") or ())
    if link:
        return {"type": kind, kind: {"link": link, **({"caption": words} if words else {})}}
    raise BadInput(f"The message of type {kind!r} has neither a {kind!r} object nor a media_url.")


def _phone(value: object) -> str:
    """Return a producer's number. Older producers write digits only, including the country code."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise BadInput(f"The phone_number {value!r} is not text.", hint='Write it like "+15551234567".')
    text_value = str(value)
    return parse_phone(text_value if text_value.startswith("+") else f"+{text_value}")


def _uuid(value: object, what: str) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise BadInput(f"The {what} {value!r} is not a UUID.") from None


def _optional_text(metadata: Mapping[str, Any], key: str) -> str | None:
    """Return the text, or None for an empty one and for a value that says that there is none, such as false or 0."""
    value = metadata.get(key)
    return str(value).strip() or None if value else None


def _business_phone(metadata: Mapping[str, Any]) -> str | None:
    """Return the business's own number as numbers are stored. Another text, such as a name, is kept."""
    value = _optional_text(metadata, "business_phone")
    if value is None:
        return None
    try:
        return _phone(value)
    except BadInput:
        return value


def _sent_by(metadata: Mapping[str, Any]) -> SentBy:
    """Return the kind of sender of a body: a campaign if it names one, else its own value, by default a person.

    An unknown word is a program, since the answer of a person would end a turn.
    """
    word = str(metadata.get("sent_by") or "").strip().lower()
    if word in list(SentBy):
        return SentBy(word)
    if _optional_text(metadata, "campaign"):
        return SentBy.CAMPAIGN
    return SentBy.AUTOMATIC if word else SentBy.HUMAN


def _window(metadata: Mapping[str, Any]) -> WindowRule | None:
    """Return the rule of a body. A body of another producer has none: the API judges."""
    word = metadata.get("window")
    return WindowRule(word) if word in list(WindowRule) else None


def _template(value: object) -> dict[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    raise BadInput("or_template is not an object.")


def _optional_uuid(value: object) -> UUID | None:
    """Return the UUID, or None if it is not one: a wrong employee must not lose a message."""
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def _instant(metadata: Mapping[str, Any], key: str) -> datetime | None:
    value = metadata.get(key)
    if not value:
        return None
    instant = _parse_instant(value)
    if instant is None:
        raise BadInput(f"The {key} {str(value)[:40]!r} is neither an ISO 8601 time nor Unix seconds.")
    return instant


def _parse_instant(value: object) -> datetime | None:
    """Return an ISO 8601 time or Unix seconds as an aware instant, at most the last one of the calendar.

    Return None if it is neither.
    """
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        found = clock.parse_unix(value)
        return found if found and found > OLDEST_UNIX else None  # a small number is a duration in an unknown unit
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    if not EARLIEST <= instant.replace(tzinfo=UTC) < LATEST:  # a time zone could move it out of the calendar
        return LATEST if instant.year > EARLIEST.year else EARLIEST
    return aware


def _without_nones(value: dict[str, Any]) -> dict[str, Any]:
    return {key: _without_nones(item) if key == "metadata" else item for key, item in value.items() if item is not None}
