"""wa send: queue a message to a customer."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import typer

from wa_cli.cli.context import AppContext, print_note
from wa_cli.cli.parameters import AsJson, Phone
from wa_cli.clock import format_span, now, parse_instant, parse_span
from wa_cli.errors import BadInput, CloudError, StillPending, Unconfirmed, WaError
from wa_cli.messages import content
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.messages.phone import parse_customer
from wa_cli.messages.states import SentBy
from wa_cli.submit import LONGEST_KEY, reference_of

if TYPE_CHECKING:
    from wa_cli.messages.outgoing import OutgoingMessage

app = typer.Typer(no_args_is_help=True)

POLL = 0.2
ONE_MINUTE = timedelta(minutes=1)

Wait = Annotated[bool, typer.Option("--wait", help="Wait until it is sent. Exit 5 if it was rejected.")]
Within = Annotated[str, typer.Option("--timeout", help="Maximum time to wait, such as 30s.", metavar="SPAN")]
At = Annotated[
    str | None,
    typer.Option("--at", help='Earliest send time: "2026-12-24 09:00" or 30m. Default: now.', metavar="WHEN"),
]
Expires = Annotated[
    str | None,
    typer.Option("--expires", help="Latest send time. An unsent message expires then.", metavar="WHEN"),
]
Employee = Annotated[
    str | None, typer.Option("--employee", help="Employee who sends the message: UUID. Default: WA_EMPLOYEE.")
]
Campaign = Annotated[
    str | None,
    typer.Option("--campaign", help="Campaign of the message. It does not end a turn.", metavar="NAME"),
]
Automatic = Annotated[bool, typer.Option("--automatic", help="Mark as sent by a program. It does not end a turn.")]
IdempotencyKey = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key", help="Queue only one message for repeated commands with this key.", metavar="KEY"
    ),
]


@app.command()
def text(
    ctx: typer.Context,
    phone: Phone,
    body: Annotated[str, typer.Argument(help="Text, at most 4,096 characters.")],
    employee: Employee = None,
    campaign: Campaign = None,
    automatic: Automatic = False,
    idempotency_key: IdempotencyKey = None,
    at: At = None,
    expires: Expires = None,
    wait: Wait = False,
    timeout: Within = "60s",
    as_json: AsJson = False,
) -> None:
    """Queue a text message.

    Example: wa send text +15551234567 "Your order is on its way."
    """

    _send(
        ctx,
        phone,
        content.text.text(body),
        Terms(employee, campaign, automatic, idempotency_key, at, expires, wait, timeout, as_json),
    )


@app.command()
def image(
    ctx: typer.Context,
    phone: Phone,
    link: Annotated[str, typer.Argument(help="URL of the file, https.")],
    caption: Annotated[str | None, typer.Option(help="Caption.")] = None,
    employee: Employee = None,
    campaign: Campaign = None,
    automatic: Automatic = False,
    idempotency_key: IdempotencyKey = None,
    at: At = None,
    expires: Expires = None,
    wait: Wait = False,
    timeout: Within = "60s",
    as_json: AsJson = False,
) -> None:
    """Queue an image by link.

    Example: wa send image +15551234567 https://example.org/red.jpg --caption "The red one"
    """

    _send(
        ctx,
        phone,
        content.media.image(link, caption),
        Terms(employee, campaign, automatic, idempotency_key, at, expires, wait, timeout, as_json),
    )


@app.command()
def document(
    ctx: typer.Context,
    phone: Phone,
    link: Annotated[str, typer.Argument(help="URL of the file, https.")],
    filename: Annotated[str | None, typer.Option(help="File name that the customer sees.")] = None,
    caption: Annotated[str | None, typer.Option(help="Caption.")] = None,
    employee: Employee = None,
    campaign: Campaign = None,
    automatic: Automatic = False,
    idempotency_key: IdempotencyKey = None,
    at: At = None,
    expires: Expires = None,
    wait: Wait = False,
    timeout: Within = "60s",
    as_json: AsJson = False,
) -> None:
    """Queue a document by link.

    Example: wa send document +15551234567 https://example.org/42.pdf --filename invoice-42.pdf
    """

    _send(
        ctx,
        phone,
        content.media.document(link, filename, caption),
        Terms(employee, campaign, automatic, idempotency_key, at, expires, wait, timeout, as_json),
    )


@app.command()
def template(
    ctx: typer.Context,
    phone: Phone,
    name: Annotated[str, typer.Argument(help="Name of the template at Meta.")],
    parameters: Annotated[list[str] | None, typer.Argument(help="Parameters of the body, in order.")] = None,
    language: Annotated[
        str | None, typer.Option(help="Language, such as en_US. Default: WA_TEMPLATE_LANGUAGE.")
    ] = None,
    employee: Employee = None,
    campaign: Campaign = None,
    automatic: Automatic = False,
    idempotency_key: IdempotencyKey = None,
    at: At = None,
    expires: Expires = None,
    wait: Wait = False,
    timeout: Within = "60s",
    as_json: AsJson = False,
) -> None:
    """Queue an approved template, also outside the 24-hour window.

    Example: wa send template +15551234567 hello_world
    """

    chosen = language or AppContext.of(ctx).settings.template_language
    _send(
        ctx,
        phone,
        content.template.template(name, chosen, parameters or ()),
        Terms(employee, campaign, automatic, idempotency_key, at, expires, wait, timeout, as_json),
    )


@dataclass(frozen=True)
class Terms:
    """The options of sending, as they were typed."""

    employee: str | None
    campaign: str | None
    automatic: bool
    idempotency_key: str | None
    at: str | None
    expires: str | None
    wait: bool
    timeout: str
    as_json: bool


def _send(ctx: typer.Context, phone: str, message: Mapping[str, Any], terms: Terms) -> None:

    # A fault of the message is reported before anything is started for it.
    number, user_id = parse_customer(phone)
    patience = parse_span(terms.timeout).total_seconds()
    content.check(message)
    context = AppContext.of(ctx)
    zone = context.settings.timezone
    due_at, expires_at = _when(terms, zone)
    outgoing = OutgoingMessage(
        message,
        phone_number=number,
        recipient=user_id,
        reference=_reference(terms.idempotency_key),
        employee_id=_employee(terms.employee or context.settings.employee),
        campaign=terms.campaign,
        sent_by=_sent_by(terms),
        due_at=due_at,
        expires_at=expires_at,
    )
    answer = _submit(context, outgoing, terms)
    whom = number or user_id
    later = f", not before {due_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}" if due_at else ""
    if terms.as_json:
        _wait_for_json(context, outgoing.reference, answer, patience if terms.wait else None)
        return
    print(answer["message_id"], flush=True)
    if not terms.wait:
        print_note(f"Queued for {whom}{later}.")
        return
    print_note(f"Sent to {whom}: {_wait(context, outgoing.reference, patience)['wamid']}")


def _submit(context: AppContext, outgoing: OutgoingMessage, terms: Terms) -> dict[str, Any]:
    try:
        [answer] = context.submitter.submit([outgoing], has_key=terms.idempotency_key is not None)
    except Unconfirmed as error:
        key = terms.idempotency_key or outgoing.reference
        raise Unconfirmed(error.message, hint=f"Repeat it with --idempotency-key {key} to send it once.") from error
    return answer


def _wait_for_json(context: AppContext, reference: UUID, answer: dict[str, Any], patience: float | None) -> None:
    """Print the result of the message, also if it was rejected or is not sent yet. Then raise its error if there is one."""
    try:
        answer |= {} if patience is None else _wait(context, reference, patience)
    except WaError as error:
        found = context.outbox.find(reference)
        answer |= {"status": found.state if found is not None else "queued", "error": error.message}
        raise
    finally:
        print(json.dumps(answer), flush=True)


def _reference(key: str | None) -> UUID:
    """Return the reference of a key. A UUID is the reference itself, such as that of an unconfirmed message."""
    if key is None:
        return uuid4()
    if not 0 < len(key) <= LONGEST_KEY:
        raise BadInput(f"The idempotency key has {len(key):,} characters. It must have 1 to {LONGEST_KEY}.")
    try:
        return UUID(key)
    except ValueError:
        return reference_of(key)


def _sent_by(terms: Terms) -> SentBy:
    if terms.automatic and terms.campaign:
        raise BadInput("--campaign and --automatic cannot be used together.")
    return SentBy.AUTOMATIC if terms.automatic else SentBy.CAMPAIGN if terms.campaign else SentBy.HUMAN


def _when(terms: Terms, zone: str) -> tuple[datetime | None, datetime | None]:
    """Return the earliest and latest time. Raises BadInput if no time is left between them."""
    due_at = parse_instant(terms.at, zone) if terms.at else None
    expires_at = parse_instant(terms.expires, zone) if terms.expires else None
    if due_at and due_at < now() - ONE_MINUTE:
        raise BadInput(f"--at {terms.at} is in the past.", hint="Leave out --at to send now.")
    if expires_at and expires_at <= max(now(), due_at or now()):
        raise BadInput(f"--expires {terms.expires} is before the earliest send time.")
    return due_at, expires_at


def _employee(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadInput(f"The employee {text!r} is not a UUID.") from None


def _wait(context: AppContext, reference: UUID, patience: float) -> dict[str, Any]:
    """Wait until the message is sent. Return the additional fields of the answer. Raises CloudError if it was rejected,
    StillPending at the end.
    """
    deadline = time.monotonic() + patience
    while True:
        found = context.outbox.find(reference)
        if found is not None and found.state == "sent":
            return {"status": "sent", "wamid": found.wamid}
        if found is not None and found.state in ("failed", "expired", "cancelled", "held"):
            raise CloudError(
                f"The message was not sent ({found.state}): {found.failure_reason}",
                hint=f"Use its reference: {reference}",
            )
        if time.monotonic() >= deadline:
            break
        time.sleep(POLL)
    state = found.state if found is not None else "queued"
    raise StillPending(
        f"The message is still {state} after {format_span(parse_span(str(patience)))}. It will be sent.",
        hint=f"Start a worker: wa worker outgoing --drain. The reference is {reference}.",
    )
