"""Rows as the workers write them, one for each message type, direction and status, for the trial writes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from wa_cli.clock import now
from wa_cli.cloud import webhook_content
from wa_cli.messages import content
from wa_cli.messages.content.interactive import buttons
from wa_cli.messages.content.template import template
from wa_cli.messages.incoming import PLACEHOLDERS, IncomingMessage, Media
from wa_cli.messages.outcomes import Accepted, Outcome, Rejected
from wa_cli.messages.states import MessageStatus, OutboxState, SentBy
from wa_cli.outbox.settlement import Decision, Settlement
from wa_cli.store.messages import incoming_row

BUSINESS, CUSTOMER = "+15550100000", "+15557654321"
# As long as the user ids in Meta's documentation.
USER_ID = "US.13491208655302741918"
LONGEST_TEXT = 4096
FILES = ("image", "video", "audio", "voice", "document", "sticker")
INCOMING = (*webhook_content.READERS, *(kind for kind in PLACEHOLDERS if kind not in webhook_content.READERS))
OUTGOING = tuple(content.CONTENT_TYPES)


_SAMPLES: dict[str, Any] = {
    "text": {"body": "trial"},
    "location": {"latitude": 0, "longitude": 0},
    "contacts": [{"name": {"formatted_name": "trial", "first_name": "trial"}}],
    "reaction": {"message_id": "wamid.trial", "emoji": "\N{THUMBS UP SIGN}"},
    "interactive": {"type": "button", "body": {"text": "trial"}, "action": buttons(["trial"])},
}


@dataclass(frozen=True)
class Trial:
    """A row to write, and its description, such as `incoming sticker`."""

    name: str
    row: dict[str, Any]


def wamid() -> str:
    """Return an id like those of Meta: 80 characters of base64, in both cases."""
    return "wamid.HBgTrial" + b64encode(uuid4().bytes * 4).decode()[:66]


def incoming(kind: str = "text", **changes: Any) -> IncomingMessage:
    """Return a received message of this type."""
    message: dict[str, Any] = {
        "wamid": wamid(),
        "phone_number_id": "0",
        "business_phone": BUSINESS,
        "phone": CUSTOMER,
        "user_id": None,
        "message_type": kind,
        "sent_at": now().replace(microsecond=0),
        "content": "trial" if kind == "text" else None,
        "media": Media("1", "image/jpeg", None, "https://example.com/1") if kind in FILES else None,
        "raw": {"type": kind},
    }
    return IncomingMessage(**{**message, **changes})


def outbox_row(kind: str = "text", **changes: Any) -> dict[str, Any]:
    """Return a locked outbox row with a message of this type. No such message is queued."""
    row: dict[str, Any] = {
        "reference": uuid4(),
        "number": "0",
        "customer": f"trial:{uuid4()}",
        "phone_number": CUSTOMER,
        "recipient": None,
        "message_type": kind,
        "message": _message(kind),
        "business_phone": BUSINESS,
        "employee_id": None,
        "campaign": None,
        "sent_by": SentBy.HUMAN,
        "state": OutboxState.SENDING,
        "attempt": 1,
        "retry_count": 0,
        "token": uuid4(),
        "last_attempt_at": None,
        "uncertain_count": 0,
        "possible_double": False,
        "wamid": None,
        "expires_at": None,
        "failure_reason": None,
        "overdue": False,
        "confirmed": False,
    }
    return {**row, **changes}


def _message(kind: str) -> dict[str, Any]:
    if kind == "template":
        return template("hello_world", "en_US", ["trial"])
    if kind in _SAMPLES:
        return {"type": kind, kind: _SAMPLES[kind]}
    return {"type": kind, kind: {"link": "https://example.com/1"}}


def decision_of(row: dict[str, Any], outcome: Outcome) -> Decision:
    """Return the changes of settling this outbox row with this outcome."""
    decision = Decision()
    answered_at = now().replace(microsecond=0)
    decision.add_outcome(row, Settlement(row["reference"], row["attempt"], row["token"], outcome, answered_at))
    return decision


def refused() -> Outcome:
    return Rejected(131026, "131026: trial")


def without_phone() -> Trial:
    """Return a message of a customer whose number WhatsApp hides, which needs the wider columns."""
    return Trial("incoming text without a phone number", incoming_row(incoming(phone=None, user_id=USER_ID)))


def of_employee(employee: UUID) -> Trial:
    row = outbox_row(employee_id=employee)
    return Trial("outgoing text of an employee", decision_of(row, Accepted(wamid())).rows_to_store[0])


def long_text() -> str:
    """Return a text of the maximum length, of random words, which no index can compress."""
    return "".join(uuid4().hex for _ in range(LONGEST_TEXT // 32))


def trials(business: str) -> Iterator[Trial]:
    """Return every kind of row, each with its own message id. `business` is the value of `from_phone` in outgoing rows."""
    for kind in INCOMING:
        yield Trial(f"incoming {kind}", incoming_row(incoming(kind)))
    yield Trial("incoming text of imported history", incoming_row(incoming(from_history=True)))
    yield Trial("incoming text of 4,096 characters", incoming_row(incoming(content=long_text())))
    for status in MessageStatus:
        yield Trial(f"imported outgoing text, {status}", incoming_row(incoming(by_us=True, status=status)))
    for kind in OUTGOING:
        sent, failed = (outbox_row(kind, business_phone=business) for _ in range(2))
        yield Trial(f"outgoing {kind}, sent", decision_of(sent, Accepted(wamid())).rows_to_store[0])
        yield Trial(f"outgoing {kind}, failed", decision_of(failed, refused()).rows_to_store[0])
    retried = outbox_row(business_phone=business, retry_count=2, last_attempt_at=now(), campaign="trial")
    yield Trial("outgoing text, sent after a retry", decision_of(retried, Accepted(wamid())).rows_to_store[0])
