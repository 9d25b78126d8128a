"""wa send: queue a message to a customer."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer

from wa_cli.cli import wiring
from wa_cli.cli.parameters import AsJson, Phone
from wa_cli.cli.wiring import House, say
from wa_cli.clock import format_span, now, parse_instant, parse_span
from wa_cli.errors import BadInput, CloudError, StillPending

app = typer.Typer(no_args_is_help=True, help="Queue a message to a customer; a worker sends it.")

POLL = 0.2
ONE_MINUTE = timedelta(minutes=1)

Wait = Annotated[bool, typer.Option("--wait", help="Wait until a worker has sent it; exit 5 where it was refused.")]
Within = Annotated[str, typer.Option("--timeout", help="How long to wait, like 30s.", metavar="SPAN")]
At = Annotated[
    str | None,
    typer.Option("--at", help='Not before: "2026-12-24 09:00" in WA_TIMEZONE, or 30m from now.', metavar="WHEN"),
]
Expires = Annotated[
    str | None,
    typer.Option(
        "--expires", help="Not after, as a time or a span from now: what is unsent by then is given up.", metavar="WHEN"
    ),
]
Employee = Annotated[str | None, typer.Option("--employee", help="In whose name (a UUID); default: WA_EMPLOYEE.")]


@app.command()
def text(
    ctx: typer.Context,
    phone: Phone,
    body: Annotated[str, typer.Argument(help="What to say; at most 4,096 characters.")],
    employee: Employee = None,
    at: At = None,
    expires: Expires = None,
    wait: Wait = False,
    timeout: Within = "60s",
    as_json: AsJson = False,
) -> None:
    """Queue a text.

    Example: wa send text +15551234567 "Your order is on its way."
    """
    from wa_cli.messages.content import text

    _send(ctx, phone, text.text(body), Terms(employee, at, expires, wait, timeout, as_json))


@app.command()
def image(
    ctx: typer.Context,
    phone: Phone,
    link: Annotated[str, typer.Argument(help="Where WhatsApp fetches it, https.")],
    caption: Annotated[str | None, typer.Option(help="The words under it.")] = None,
    employee: Employee = None,
    at: At = None,
    expires: Expires = None,
    wait: Wait = False,
    timeout: Within = "60s",
    as_json: AsJson = False,
) -> None:
    """Queue an image by link.

    Example: wa send image +15551234567 https://example.org/red.jpg --caption "The red one"
    """
    from wa_cli.messages.content import media

    _send(ctx, phone, media.image(link, caption), Terms(employee, at, expires, wait, timeout, as_json))


@app.command()
def document(
    ctx: typer.Context,
    phone: Phone,
    link: Annotated[str, typer.Argument(help="Where WhatsApp fetches it, https.")],
    filename: Annotated[str | None, typer.Option(help="The name the customer sees.")] = None,
    caption: Annotated[str | None, typer.Option(help="The words under it.")] = None,
    employee: Employee = None,
    at: At = None,
    expires: Expires = None,
    wait: Wait = False,
    timeout: Within = "60s",
    as_json: AsJson = False,
) -> None:
    """Queue a document by link.

    Example: wa send document +15551234567 https://example.org/42.pdf --filename invoice-42.pdf
    """
    from wa_cli.messages.content import media

    _send(ctx, phone, media.document(link, filename, caption), Terms(employee, at, expires, wait, timeout, as_json))


@app.command()
def template(
    ctx: typer.Context,
    phone: Phone,
    name: Annotated[str, typer.Argument(help="The template's name at Meta.")],
    parameters: Annotated[list[str] | None, typer.Argument(help="The values of its body, in order.")] = None,
    language: Annotated[str | None, typer.Option(help="Like en_US; default: WA_TEMPLATE_LANGUAGE.")] = None,
    employee: Employee = None,
    at: At = None,
    expires: Expires = None,
    wait: Wait = False,
    timeout: Within = "60s",
    as_json: AsJson = False,
) -> None:
    """Queue an approved template: what may be sent when the 24-hour window is closed.

    Example: wa send template +15551234567 hello_world
    """
    from wa_cli.messages.content import template

    chosen = language or wiring.of(ctx).settings.template_language
    _send(
        ctx,
        phone,
        template.template(name, chosen, parameters or ()),
        Terms(employee, at, expires, wait, timeout, as_json),
    )


@dataclass(frozen=True)
class Terms:
    """How a message is to be sent, as it was typed."""

    employee: str | None
    at: str | None
    expires: str | None
    wait: bool
    timeout: str
    as_json: bool


def _send(ctx: typer.Context, phone: str, message: Mapping[str, Any], terms: Terms) -> None:
    from zoneinfo import ZoneInfo

    from wa_cli.messages import content
    from wa_cli.messages.outgoing import OutgoingMessage
    from wa_cli.messages.phone import parse_customer

    # What is wrong with the message is said before anything is started for it.
    number, user_id = parse_customer(phone)
    patience = parse_span(terms.timeout).total_seconds()
    content.check(message)
    house = wiring.of(ctx)
    zone = house.settings.timezone
    due_at, expires_at = _when(terms, zone)
    outgoing = OutgoingMessage(
        message,
        phone_number=number,
        recipient=user_id,
        employee_id=_employee(terms.employee or house.settings.employee),
        due_at=due_at,
        expires_at=expires_at,
    )
    [told] = house.submitter.submit([outgoing])
    if terms.wait:
        told |= _wait(house, outgoing.reference, patience)
    if terms.as_json:
        print(json.dumps(told))
    else:
        print(told["message_id"])
        later = f", not before {due_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}" if due_at else ""
        whom = number or user_id
        say(f"Queued for {whom}{later}." if not terms.wait else f"Sent to {whom}: {told['wamid']}")


def _when(terms: Terms, zone: str) -> tuple[datetime | None, datetime | None]:
    """Not before and not after. Raises BadInput where no time is left between the two."""
    due_at = parse_instant(terms.at, zone) if terms.at else None
    expires_at = parse_instant(terms.expires, zone) if terms.expires else None
    if due_at and due_at < now() - ONE_MINUTE:
        raise BadInput(f"--at {terms.at} is past.", hint="Leave it out to send now.")
    if expires_at and expires_at <= max(now(), due_at or now()):
        raise BadInput(f"--expires {terms.expires} is over before the message could be sent.")
    return due_at, expires_at


def _employee(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadInput(f"The employee {text!r} is not a UUID.") from None


def _wait(house: House, reference: UUID, patience: float) -> dict[str, Any]:
    """Until it is sent; what to add to the answer. Raises CloudError where it was refused, StillPending in the end."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = house.outbox.find(reference)
        if found is not None and found.state == "sent":
            return {"status": "sent", "wamid": found.wamid}
        if found is not None and found.state in ("failed", "expired", "cancelled", "held"):
            raise CloudError(
                f"The message was not sent ({found.state}): {found.failure_reason}", hint=f"Its reference: {reference}"
            )
        time.sleep(POLL)
    state = found.state if found is not None else "queued"
    raise StillPending(
        f"The message is still {state} after {format_span(parse_span(str(patience)))}; it will be sent.",
        hint=f"Is a worker running? wa worker outgoing --drain. Its reference: {reference}",
    )
