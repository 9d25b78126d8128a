"""Queues a message of any type, with the options that every type has. The types are in `send.py`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_type_hints
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import typer

from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import JsonOnly, Phone
from wa_cli.clock import format_span, now, parse_instant, parse_span
from wa_cli.errors import BadInput, CloudError, StillPending, Unconfirmed, WaError
from wa_cli.messages import content
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.messages.phone import parse_customer
from wa_cli.messages.states import SentBy, WindowRule
from wa_cli.submit import LONGEST_KEY, reference_of
from wa_cli.telemetry.logs import print_note

POLL = 0.2
ONE_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class SendOptions:
    """The options of every type of message, as they were typed."""

    employee: Annotated[
        str | None,
        typer.Option(
            "--employee", help="Employee who sends the message: name or id. Default: WA_EMPLOYEE.", metavar="EMPLOYEE"
        ),
    ] = None
    campaign: Annotated[
        str | None,
        typer.Option("--campaign", help="Campaign of the message. It does not end a turn.", metavar="NAME"),
    ] = None
    automatic: Annotated[
        bool, typer.Option("--automatic", help="Mark as sent by a program. It does not end a turn.")
    ] = False
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key", help="Key under which a repeated command queues only one message.", metavar="KEY"
        ),
    ] = None
    reply_to: Annotated[
        str | None, typer.Option("--reply-to", help="Id of the message that this one quotes.", metavar="WAMID")
    ] = None
    at: Annotated[
        str | None,
        typer.Option("--at", help='Earliest send time: "2026-12-24 09:00" or 30m. Default: now.', metavar="TIME"),
    ] = None
    expires: Annotated[
        str | None,
        typer.Option("--expires", help="Latest send time. An unsent message expires then.", metavar="TIME"),
    ] = None
    or_template: Annotated[
        str | None,
        typer.Option("--or-template", help="Template to send if the 24-hour window is closed.", metavar="NAME"),
    ] = None
    or_parameters: Annotated[
        list[str] | None,
        typer.Option("--or-parameter", help="Parameter of that template. May be repeated.", metavar="PARAMETER"),
    ] = None
    hold_window: Annotated[
        bool, typer.Option("--hold-window", help="Wait for the customer if the 24-hour window is closed.")
    ] = False
    force: Annotated[bool, typer.Option("--force", help="Send even if the 24-hour window is closed.")] = False
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until it is sent. Exit 5 if it fails, 8 after --timeout.")
    ] = False
    timeout: Annotated[
        str, typer.Option("--timeout", help="Maximum time to wait, such as 30s.", metavar="DURATION")
    ] = "60s"
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the request to the API, and queue nothing.")] = False
    as_json: JsonOnly = False


def command_of(build: Callable[..., Mapping[str, Any]]) -> Callable[..., None]:
    """Return a command for a function that returns the content of a message.

    The command takes the customer's number, the parameters of the function, and the options of every message. The
    function gets the context if it has a parameter `ctx`.
    """

    def command(ctx: typer.Context, phone: str, **given: Any) -> None:
        options = SendOptions(**{one.name: given.pop(one.name) for one in fields(SendOptions)})
        context = {"ctx": ctx} if "ctx" in own else {}
        _send(ctx, phone, build(**context, **given), options)

    own = signature(build).parameters
    hints = {"ctx": typer.Context, "phone": Phone}
    hints |= get_type_hints(build, include_extras=True) | get_type_hints(SendOptions, include_extras=True)
    del hints["return"]
    defaults = {name: one.default for name, one in own.items()} | {one.name: one.default for one in fields(SendOptions)}
    parameters = [
        Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=defaults.get(name, Parameter.empty), annotation=hint)
        for name, hint in hints.items()
    ]
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = hints
    command.__doc__ = build.__doc__
    return command


def _send(ctx: typer.Context, phone: str, message: Mapping[str, Any], options: SendOptions) -> None:
    # A fault of the message is reported before anything is started for it.
    number, user_id = parse_customer(phone)
    patience = parse_span(options.timeout).total_seconds()
    message = content.quoting(message, options.reply_to)
    content.check(message)
    context = AppContext.of(ctx)
    zone = context.settings.timezone
    due_at, expires_at = _when(options, zone)
    outgoing = OutgoingMessage(
        message,
        phone=number,
        recipient=user_id,
        reference=_reference(options.idempotency_key),
        employee_id=_employee(context, options.employee or context.settings.employee),
        campaign=options.campaign,
        sent_by=_sent_by(options),
        due_at=due_at,
        expires_at=expires_at,
        window=_window(options),
        or_template=_or_template(context, options),
    )
    if options.dry_run:
        _print_request(context, outgoing)
        return
    answer = _submit(context, outgoing, options)
    whom = number or user_id
    later = f", not before {due_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}" if due_at else ""
    if options.as_json:
        _wait_for_json(context, outgoing.reference, answer, patience if options.wait else None)
        return
    print(answer["message_id"], flush=True)
    if not options.wait:
        instead = (
            " as a template, since the 24-hour window is closed" if answer["message_type"] != outgoing.type else ""
        )
        print_note(f"Queued for {whom}{later}{instead}.")
        return
    print_note(f"Sent to {whom}: {_wait(context, outgoing.reference, patience)['wamid']}")


def _print_request(context: AppContext, outgoing: OutgoingMessage) -> None:
    """Print the request that a worker would send."""
    from wa_cli.cloud.client import request_of

    outgoing.check()
    number = context.endpoint.known_number or "PHONE_NUMBER_ID"
    print_note(f"POST /{context.settings.graph_version}/{number}/messages")
    request = request_of(outgoing.content, outgoing.phone, outgoing.recipient, outgoing.reference, 1)
    print(json.dumps(request, indent=2, ensure_ascii=False))


def _submit(context: AppContext, outgoing: OutgoingMessage, options: SendOptions) -> dict[str, Any]:
    try:
        [answer] = context.submitter.submit([outgoing], has_key=options.idempotency_key is not None)
    except Unconfirmed as error:
        key = options.idempotency_key or outgoing.reference
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


def _sent_by(options: SendOptions) -> SentBy:
    if options.campaign is not None and not options.campaign.strip():
        raise BadInput("The campaign has no name.", hint="Leave out --campaign, or name it.")
    if options.automatic and options.campaign:
        raise BadInput("--campaign and --automatic cannot be used together.")
    return SentBy.AUTOMATIC if options.automatic else SentBy.CAMPAIGN if options.campaign else SentBy.HUMAN


def _window(options: SendOptions) -> WindowRule | None:
    """Return the rule for a closed window, or None to send in any case."""
    chosen = {"--or-template": options.or_template, "--hold-window": options.hold_window, "--force": options.force}
    given = [name for name, value in chosen.items() if value]
    if len(given) > 1:
        raise BadInput(f"{given[0]} and {given[1]} cannot be used together.")
    if options.force:
        return None
    return WindowRule.HOLD if options.hold_window else WindowRule.REFUSE


def _or_template(context: AppContext, options: SendOptions) -> Mapping[str, Any] | None:
    if options.or_template is None:
        if options.or_parameters:
            raise BadInput("--or-parameter needs --or-template.")
        return None
    language = context.settings.template_language
    return content.template.template(options.or_template, language, options.or_parameters or ())


def _when(options: SendOptions, zone: str) -> tuple[datetime | None, datetime | None]:
    """Return the earliest and latest time. Raises BadInput if no time is left between them."""
    due_at = parse_instant(options.at, zone) if options.at else None
    expires_at = parse_instant(options.expires, zone) if options.expires else None
    if due_at and due_at < now() - ONE_MINUTE:
        raise BadInput(f"--at {options.at} is in the past.", hint="Leave out --at to send now.")
    if expires_at and expires_at <= now():
        raise BadInput(f"--expires {options.expires} is in the past.", hint="Leave out --expires, or use a later time.")
    if expires_at and due_at and expires_at <= due_at:
        raise BadInput(f"--expires {options.expires} is before the earliest send time.")
    return due_at, expires_at


def _employee(context: AppContext, who: str | None) -> UUID | None:
    """Return the id of the employee. Only a name is looked up: with SQS the database may be unavailable."""
    if not who:
        return None
    try:
        return UUID(who)
    except ValueError:
        from wa_cli.store.employees import id_of

    return id_of(context.databases.reports, who)


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
        f"The message is still {state} after {format_span(timedelta(seconds=patience))}.",
        hint=f"Start a worker if none is running. The reference is {reference}.",
        command="wa worker outgoing --drain",
    )
