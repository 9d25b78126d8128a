"""What we say: a message to a customer, and the JSON body in which it travels on the outgoing queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from wa_cli.messages.states import SentBy

# Names a reference for a body without one after the queue's message id: a redelivery gets the same.
_REFERENCES = UUID("6f0f2a5e-7c1d-5e0b-9d57-0f6e3c1b8a42")
CAMPAIGN_LIMIT = 100
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
OLDEST_UNIX = datetime(2001, 9, 10, tzinfo=UTC)  # ten digits


@dataclass(frozen=True)
class OutgoingMessage:
    """A message to one customer.

    `message` is the Cloud API's own object with its `type`. Either `phone_number` (`+` and digits) or `recipient` (a
    business-scoped user id) says to whom. `number` is the id of the business number that is to send it: no other may,
    above all not the real one what was meant for the sandbox. Instants are aware.
    """

    message: Mapping[str, Any]
    phone_number: str | None = None
    recipient: str | None = None
    reference: UUID = field(default_factory=uuid4)
    number: str | None = None
    business_phone: str | None = None
    employee_id: UUID | None = None
    campaign: str | None = None
    sent_by: SentBy = SentBy.HUMAN
    queued_at: datetime = field(default_factory=clock.now)
    due_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def type(self) -> str:
        return str(self.message["type"])

    @property
    def customer(self) -> str:
        key = customer_key(self.phone_number, self.recipient)
        assert key
        return key

    def check(self) -> None:
        """Raise BadInput where it could not be sent."""
        if not (self.phone_number or self.recipient):
            raise BadInput("The message says to nobody: it has no phone_number.")
        if self.recipient and not (is_user_id(self.recipient) or is_group_id(self.recipient)):
            raise BadInput(f"{self.recipient[:40]!r} is not a user id or a group id.")
        for what, value, limit in (
            ("campaign", self.campaign, CAMPAIGN_LIMIT),
            ("business phone", self.business_phone, 150),
        ):
            check_length(what, value or "", limit)
        self._check_addressee()
        content.check(self.message)

    def _check_addressee(self) -> None:
        """The envelope says to whom; a Cloud API object that names somebody else contradicts it."""
        for key, ours in (("to", self.phone_number or self.recipient), ("recipient", self.recipient)):
            named = self.message.get(key)
            if named is not None and str(named).lstrip("+") != (ours or "").lstrip("+"):
                raise BadInput(f"message_data.{key} names {str(named)[:40]!r}, and the message goes to {ours}.")

    def to_body(self) -> str:
        """The message as it travels on the queue: JSON in ASCII, which every transport carries unharmed."""
        body = {
            "reference": str(self.reference),
            "phone_number": self.phone_number,
            "recipient": self.recipient,
            "message_data": dict(self.message),
            "metadata": {
                "phone_number_id": self.number,
                "business_phone": self.business_phone,
                "employee_id": str(self.employee_id) if self.employee_id else None,
                "campaign": self.campaign,
                "sent_by": self.sent_by,
                "queued_at": self.queued_at.isoformat(),
                "due_at": self.due_at.isoformat() if self.due_at else None,
                "expires_at": self.expires_at.isoformat() if self.expires_at else None,
            },
        }
        return json.dumps(_without_nones(body), separators=(",", ":"))

    @classmethod
    def from_body(cls, body: str, *, queue_id: str, language: str = "en_US") -> OutgoingMessage:
        """The message of such a body, also of an older producer's. Raises BadInput with what is wrong.

        `queue_id` names the reference of a body that has none; `language` is a template's without one.
        """
        try:
            return cls._from_body(body, queue_id, language)
        except BadInput:
            raise
        except Exception as error:  # a shape that was not thought of must not end the worker that reads it
            raise BadInput(f"The body cannot be read: {type(error).__name__}: {error}.") from error

    @classmethod
    def _from_body(cls, body: str, queue_id: str, language: str) -> OutgoingMessage:
        data = _json_object(body)
        metadata = json_text.clean(data.get("metadata"))
        metadata = metadata if isinstance(metadata, dict) else {}
        recipient = data.get("recipient")
        phone = data.get("phone_number")
        message = cls(
            message=_modern(data.get("message_data"), language),
            phone_number=None if phone is None else _phone(phone),
            recipient=recipient if isinstance(recipient, str) and recipient else None,
            reference=_uuid(data["reference"], "reference") if data.get("reference") else uuid5(_REFERENCES, queue_id),
            number=_optional_text(metadata, "phone_number_id"),
            business_phone=_optional_text(metadata, "business_phone"),
            employee_id=_optional_uuid(metadata.get("employee_id")),
            campaign=_optional_text(metadata, "campaign"),
            sent_by=_sent_by(metadata),
            queued_at=_parse_instant(metadata.get("queued_at")) or clock.now(),
            due_at=_instant(metadata, "due_at"),
            expires_at=_instant(metadata, "expires_at"),
        )
        message.check()
        return message


def address(phone_number: str | None, recipient: str | None) -> tuple[str | None, str | None]:
    """To whom a message goes: a phone number as a person writes it, or a user id. Raises BadInput for neither or both."""
    if (phone_number is None) == (recipient is None):
        raise BadInput("A message goes to a phone_number, or in its place to a recipient.")
    if recipient is not None and not (is_user_id(recipient) or is_group_id(recipient)):
        raise BadInput(f"{recipient!r} is not a user id.", hint="WhatsApp writes them like BR.1A2B3C4D5E.")
    return parse_phone(phone_number) if phone_number is not None else None, recipient


def _modern(data: object, language: str) -> dict[str, Any]:
    """The Cloud API's object, made of an older producer's `{"type", "content", "media_url"}` where it is that."""
    if not isinstance(data, dict):
        raise BadInput("The body has no message_data.")
    kind = data.get("type")
    if not isinstance(kind, str):
        raise BadInput("The message has no `type`.")
    if kind in data:
        return data
    said, link = data.get("content"), data.get("media_url")
    if kind == "text":
        return text(said if isinstance(said, str) else "")
    if kind == "document":
        return document(str(link or ""), data.get("filename"), said)
    if kind == "template":
        return template(str(data.get("template_name") or said), language, data.get("parameters") or ())
    if link:
        return {"type": kind, kind: {"link": link, **({"caption": said} if said else {})}}
    raise BadInput(f"The message of type {kind!r} has neither a {kind!r} object nor a media_url.")


def _json_object(body: str) -> dict[str, Any]:
    data = json_text.parse(body, "The body")
    if not isinstance(data, dict):
        raise BadInput("The body is JSON, but not an object.")
    return data


def _phone(value: object) -> str:
    """A producer's number: older ones write digits alone, and mean the country code to be in them."""
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
    return str(metadata[key]) if metadata.get(key) is not None else None


def _sent_by(metadata: Mapping[str, Any]) -> SentBy:
    """A campaign's where the body names one; else as it says, by default a person's."""
    word = metadata.get("sent_by")
    if word in list(SentBy):
        return SentBy(word)
    return SentBy.CAMPAIGN if metadata.get("campaign") else SentBy.HUMAN


def _optional_uuid(value: object) -> UUID | None:
    """None where it is no UUID: the message is worth more than who sent it."""
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
    """Return an ISO 8601 time or Unix seconds as an aware instant; one that no calendar holds as the last there is.

    None where it is neither.
    """
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        found = clock.parse_unix(value)
        return found if found and found > OLDEST_UNIX else None  # a small number is a span, of whatever unit
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    if not EARLIEST <= instant.replace(tzinfo=UTC) < LATEST:  # a zone could carry it past the years that there are
        return LATEST if instant.year > EARLIEST.year else EARLIEST
    return aware


def _without_nones(value: dict[str, Any]) -> dict[str, Any]:
    return {key: _without_nones(item) if key == "metadata" else item for key, item in value.items() if item is not None}
