"""wa message: everything known of one message, and sending it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from wa_cli.cli import render, tables
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import AsJson, Format, JsonOnly, Phone, Zone, chosen_format, written_number
from wa_cli.cli.tables import Column, Table
from wa_cli.clock import EARLIEST
from wa_cli.errors import BadInput
from wa_cli.messages.phone import customer_key, parse_customer
from wa_cli.messages.states import WindowRule
from wa_cli.telemetry.logs import print_note

if TYPE_CHECKING:
    from wa_cli.outbox.message_life import MessageLife

SHOW = "show"
_COLUMNS = [
    Column("at", "Time", "instant"),
    Column("direction", "Direction"),
    Column("message_type", "Type"),
    Column("status", "Status"),
    Column("content", "Content", "words"),
    Column("reference", "Reference", omitted=1),
    Column("message_id", "Message id", omitted=2),
]


class MessageGroup(TyperGroup):
    """Shows the message that is named in place of a command."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        named = args if args[0] in self.commands or args[0].startswith("-") else [SHOW, *args]
        return super().resolve_command(ctx, named)


app = typer.Typer(cls=MessageGroup, no_args_is_help=True)

Identity = Annotated[str, typer.Argument(help="Reference, or id at WhatsApp.", metavar="REFERENCE|WAMID")]


@app.command()
def show(ctx: typer.Context, identity: Identity, zone: Zone = None, as_json: JsonOnly = False) -> None:
    """Show everything known of a message: content, attempts, statuses.

    The word show may be left out: wa message WAMID

    Example: wa message show 060e0119-051c-4f79-9159-9e7b5134b2fe
    """
    from wa_cli.outbox import message_life

    context = AppContext.of(ctx)
    life = message_life.find(context.database, identity)
    if life is None:
        raise BadInput(
            f"No message is known as {identity!r}.",
            hint="A message is unknown until a worker has taken it from the queue.",
            command="wa queue list",
        )
    if as_json:
        document = {"schema": "wa.message/1", **_plain(life.facts), "events": [_plain(event) for event in life.events]}
        print(json.dumps(document, ensure_ascii=False, indent=2))
        return
    _print(life, ZoneInfo(context.zone(zone)))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tables.plain_value(value) for key, value in row.items()}


def _print(life: MessageLife, zone: ZoneInfo) -> None:
    """Print the facts that there are, and below them what happened."""
    console = Console(highlight=False, soft_wrap=True)
    for key, value in {**life.facts, "customer": written_number(life.facts["customer"])}.items():
        if value not in (None, "", 0):
            console.print(
                Text.assemble((f"{key.replace('_', ' ').capitalize():<11}", "bold"), tables.clean(str(value)))
            )
    console.print()
    for event in life.events:
        at = f"{event['at'].astimezone(zone):%Y-%m-%d %H:%M:%S}" if event["at"] else "unknown time"
        detail = f"  {tables.clean(event['detail'])}" if event["detail"] else ""
        console.print(Text.assemble((at, "dim"), f"  {event['what']}", (detail, "dim")))


@app.command("list")
def list_(
    ctx: typer.Context,
    phone: Phone,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum number of messages.")] = 20,
    zone: Zone = None,
    as_json: AsJson = False,
    form: Format = None,
) -> None:
    """List the newest messages with a customer, with references and ids.

    Example: wa message list +15551234567
    """
    context = AppContext.of(ctx)
    key = customer_key(*parse_customer(phone)) or ""
    rows = context.conversations.both_sides(key, EARLIEST, limit)
    table = Table("messages", f"Messages with {phone}", _COLUMNS, rows, zone=context.zone(zone))
    render.show(table, chosen_format(form, as_json))


@app.command()
def resend(
    ctx: typer.Context,
    reference: Annotated[UUID, typer.Argument(help="Reference of the message.", metavar="REFERENCE")],
    force: Annotated[bool, typer.Option("--force", help="Repeat also a message that did not fail.")] = False,
) -> None:
    """Queue a failed message again, as a new one with a reference of its own.

    Example: wa message resend 060e0119-051c-4f79-9159-9e7b5134b2fe
    """
    from wa_cli.outbox import message_life

    context = AppContext.of(ctx)
    again = message_life.repetition(context.database, reference, even_if_sent=force)
    [answer] = context.submitter.submit([again if force else replace(again, window=WindowRule.REFUSE)])
    print(answer["message_id"])
    print_note(f"Queued again for {answer['phone_number']}.")
