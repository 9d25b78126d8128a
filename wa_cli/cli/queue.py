"""wa queue: waiting, held and dead messages."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from wa_cli.cli import render
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import AsJson, Customer, Format, Yes, chosen_format, key_of, written_number
from wa_cli.cli.parameters import confirm as ask
from wa_cli.cli.tables import Column, Table
from wa_cli.clock import now, parse_span
from wa_cli.counted import counted
from wa_cli.errors import BadInput, PartlyDone
from wa_cli.messages.states import OutboxState
from wa_cli.telemetry.logs import print_note

if TYPE_CHECKING:
    from wa_cli.outbox.operator_actions import Decided
    from wa_cli.queues.base import Queue

app = typer.Typer(no_args_is_help=True)


class Name(StrEnum):
    OUTGOING = "outgoing"
    INCOMING = "incoming"


References = Annotated[
    list[str], typer.Argument(help="References, as printed when the messages were queued.", metavar="REFERENCE...")
]
OfNumber = Annotated[str | None, typer.Option("--number", help="Only this business number.", metavar="ID")]
OfCampaign = Annotated[str | None, typer.Option("--campaign", help="Only this campaign.", metavar="NAME")]
OlderThan = Annotated[
    str | None, typer.Option("--older", help="Only messages queued longer ago, such as 1h.", metavar="DURATION")
]
# States in which a message can be cancelled.
CANCELLABLE = (OutboxState.QUEUED, OutboxState.HELD, OutboxState.UNCERTAIN)
MOST_CANCELLED = 100_000
UNFINISHED = (OutboxState.QUEUED, OutboxState.SENDING, OutboxState.UNCERTAIN, OutboxState.HELD)
States = Annotated[
    list[OutboxState] | None,
    typer.Option("--state", help="Only this state. May be repeated. Default: unfinished messages.", metavar="STATE"),
]
QueueName = Annotated[Name, typer.Argument(help="outgoing or incoming.", metavar="QUEUE")]


@app.command()
def status(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """Count waiting, in-flight, delayed and dead messages of both directions.

    Example: wa queue status
    """
    queues = AppContext.of(ctx).backlog.status()
    columns = [
        Column("queue", "Queue"),
        Column("waiting", "Waiting", "integer"),
        Column("in_flight", "In flight", "integer"),
        Column("delayed", "Delayed", "integer"),
        Column("dead", "Dead", "integer"),
        Column("oldest_seconds", "Oldest", "span"),
    ]
    rows = [{"queue": name, **counts} for name, counts in queues.items()]
    render.show(Table("queue-status", "Queues", columns, rows), chosen_format(form, as_json))


@app.command("list")
def list_(
    ctx: typer.Context,
    states: States = None,
    number: OfNumber = None,
    customer: Customer = None,
    campaign: OfCampaign = None,
    older: OlderThan = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum number of messages.")] = 50,
    as_json: AsJson = False,
    form: Format = None,
) -> None:
    """List messages of the outbox with their references, oldest first.

    Example: wa queue list --state queued --older 1h
    """
    rows = _listed(AppContext.of(ctx), states or UNFINISHED, number, customer, campaign, older, limit)
    columns = [
        Column("reference", "Reference"),
        Column("customer", "Customer", "phone"),
        Column("state", "State"),
        Column("queued_at", "Queued", "instant"),
        Column("attempt", "Attempts", "integer", omitted=3),
        Column("type", "Type", omitted=2),
        Column("content", "Content", "words", omitted=4),
        Column("reason", "Reason", "words", omitted=5),
        Column("due_at", "Due", "instant", omitted=1),
        Column("number", "Number", is_quiet=True, omitted=6),
        Column("campaign", "Campaign", is_quiet=True, omitted=7),
    ]
    shown = [{**row, "customer": written_number(row["customer"])} for row in rows]
    note = f"Only the oldest {limit:,}. Use --limit to show more." if len(rows) == limit else None
    render.show(Table("outbox", "Outbox messages", columns, shown, note=note), chosen_format(form, as_json))


def _listed(
    context: AppContext,
    states: Sequence[OutboxState],
    number: str | None,
    customer: str | None,
    campaign: str | None,
    older: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    return context.outbox.operator.list_messages(
        [state.value for state in states],
        number=number,
        customer=key_of(customer),
        campaign=campaign,
        before=now() - parse_span(older, unit_required=True) if older else None,
        limit=limit,
    )


@app.command()
def dead(
    ctx: typer.Context,
    queue: Annotated[
        Name | None, typer.Argument(help="outgoing or incoming. Default: both.", metavar="[QUEUE]")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum number of each queue.")] = 20,
    as_json: AsJson = False,
    form: Format = None,
) -> None:
    """List dead letters with their reasons, newest first.

    Example: wa queue dead incoming
    """
    context = AppContext.of(ctx)
    rows = [
        {"queue": name.value, "died_at": x.died_at, "reason": x.reason, "body": x.body, "id": x.id}
        for name in ([queue] if queue else list(Name))
        for x in _queue(context, name).dead_letters(limit)
    ]
    columns = [
        Column("queue", "Queue"),
        Column("died_at", "Died", "instant"),
        Column("reason", "Reason", "words"),
        Column("body", "Body", "words"),
        Column("id", "Id"),
    ]
    render.show(Table("dead-letters", "Dead letters", columns, rows), chosen_format(form, as_json))


@app.command()
def redrive(
    ctx: typer.Context,
    queue: QueueName = Name.OUTGOING,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number to move.")] = 100,
) -> None:
    """Move dead letters back to their queue.

    Example: wa queue redrive --limit 20
    """
    moved = _queue(AppContext.of(ctx), queue).redrive(limit)
    print_note(f"{counted(moved, 'dead letter')} moved back to the {queue} queue.")


@app.command()
def purge(ctx: typer.Context, queue: QueueName, yes: Yes = False) -> None:
    """Delete the dead letters of a queue. They cannot be restored.

    Example: wa queue purge incoming
    """
    of = _queue(AppContext.of(ctx), queue)
    if not yes:
        ask(f"Delete {counted(of.dead_count(), 'dead letter')} of the {queue} queue?")
    print_note(f"{counted(of.purge_dead(), 'dead letter')} of the {queue} queue deleted.")


@app.command()
def held(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum number of messages to show.")] = 50,
    as_json: AsJson = False,
    form: Format = None,
) -> None:
    """List uncertain messages that wait for a person's decision.

    Decide with: wa queue release, confirm or cancel.

    Example: wa queue held
    """
    found = AppContext.of(ctx).outbox.operator.held(limit)
    columns = [
        Column("reference", "Reference"),
        Column("customer", "Customer", "phone"),
        Column("last_attempt_at", "Last attempt", "instant"),
        Column("attempt", "Attempts", "integer"),
        Column("content", "Content", "words"),
        Column("failure_reason", "Reason", "words"),
    ]
    rows = [dict(row._mapping) for row in found]
    render.show(Table("held", "Held messages", columns, rows), chosen_format(form, as_json))


@app.command()
def release(ctx: typer.Context, references: References) -> None:
    """Send held messages again. Each is marked as a possible duplicate.

    Example: wa queue release 060e0119-051c-4f79-9159-9e7b5134b2fe
    """
    _print_decided(AppContext.of(ctx).outbox.operator.release_held(_parsed(references)), "will be sent again")


@app.command()
def confirm(
    ctx: typer.Context,
    references: References,
    wamid: Annotated[
        str | None, typer.Option(help="Id at WhatsApp, if known. For one message only.", metavar="WAMID")
    ] = None,
) -> None:
    """Mark held messages as sent.

    Example: wa queue confirm 060e0119-051c-4f79-9159-9e7b5134b2fe
    """
    if wamid and len(references) > 1:
        raise BadInput("--wamid needs exactly one reference.", hint="Confirm them one at a time.")
    _print_decided(AppContext.of(ctx).outbox.operator.confirm(_parsed(references), wamid), "stored as sent")


@app.command()
def cancel(
    ctx: typer.Context,
    references: Annotated[
        list[str] | None, typer.Argument(help="References, or none with a filter.", metavar="[REFERENCE...]")
    ] = None,
    number: OfNumber = None,
    customer: Customer = None,
    campaign: OfCampaign = None,
    older: OlderThan = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the messages, and cancel none.")] = False,
    yes: Yes = False,
) -> None:
    """Cancel messages. A message that is being sent cannot be cancelled.

    Example: wa queue cancel --campaign spring --older 1h --dry-run
    """
    has_filter = any((number, customer, campaign, older))
    if bool(references) is has_filter:
        raise BadInput(
            "Name either references or a filter.", hint="Use --number, --customer, --campaign or --older as a filter."
        )
    context = AppContext.of(ctx)
    wanted = _parsed(references) if references else []
    if has_filter:
        rows = _listed(context, CANCELLABLE, number, customer, campaign, older, MOST_CANCELLED)
        wanted = [row["reference"] for row in rows]
    if dry_run:
        print_note(f"{counted(len(wanted), 'message')} would be cancelled.")
        return
    if has_filter and not yes:
        ask(f"Cancel {counted(len(wanted), 'message')}?")
    _print_decided(context.outbox.operator.cancel(wanted), "cancelled")


@app.command()
def move(
    ctx: typer.Context,
    number: Annotated[str, typer.Option("--from", help="Id of the business number whose messages wait.", metavar="ID")],
    to: Annotated[
        str | None,
        typer.Option("--to", help="Id of the number to send from. Default: WA_PHONE_NUMBER_ID.", metavar="ID"),
    ] = None,
    yes: Yes = False,
) -> None:
    """Move waiting messages to another business number.

    Example: wa queue move --from 106540352242922
    """
    from wa_cli.outbox.outbox import Outbox

    context = AppContext.of(ctx)
    target = to or context.endpoint.number
    if target == number:
        raise BadInput(f"The messages already wait for {number}.", hint="Choose another number with --to.")
    if not yes:
        ask(f"Move the messages that wait for {number} to {target}?")
    moved = Outbox(context.database, number).operator.move(target)
    print_note(f"{counted(moved, 'message')} moved to {target}.")


def _parsed(references: list[str]) -> list[UUID]:
    parsed = []
    for reference in references:
        try:
            parsed.append(UUID(reference))
        except ValueError:
            raise BadInput(f"{reference!r} is not a reference.", hint="List references with wa queue list.") from None
    return parsed


def _print_decided(decided: Decided, what: str) -> None:
    """Print the result. Raises BadInput if no message was changed, and PartlyDone if some were not."""
    done = f"{counted(decided.changed, 'message')} {what}."
    if not decided.others:
        print_note(done)
        return
    others = ", ".join(f"{reference} is {state or 'unknown'}" for reference, state in decided.others.items())
    hint = "List held messages with wa queue held. A message is unknown until a worker has taken it from the queue."
    if not decided.changed:
        raise BadInput(f"No message was changed: {others}.", hint=hint)
    raise PartlyDone(f"{done} Not changed: {others}.", hint=hint)


def _queue(context: AppContext, name: Name) -> Queue:
    return context.queues.outgoing if name is Name.OUTGOING else context.queues.incoming
