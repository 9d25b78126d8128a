"""wa conversation: both sides, in order, with statuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from wa_cli.cli import render, wiring
from wa_cli.cli.parameters import AsJson, Format, Phone, chosen_format
from wa_cli.cli.render import Column, Table

_MARKS = {
    "queued": "waiting to be sent",
    "sending": "being sent",
    "uncertain": "may have been sent",
    "held": "held for a person",
    "cancelled": "cancelled",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "FAILED",
}
_COLUMNS = [
    Column("at", "Time", "instant"),
    Column("direction", "Direction"),
    Column("employee", "Who"),
    Column("message_type", "Type"),
    Column("content", "Content"),
    Column("media_url", "Media"),
    Column("template_name", "Template"),
    Column("status", "Status"),
    Column("failure_reason", "Why"),
    Column("message_id", "Message id"),
]


def conversation(
    ctx: typer.Context,
    phone: Phone,
    since: Annotated[str, typer.Option(help="From then: 7d, 2026-11-23.", metavar="TIME")] = "365d",
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="The newest messages, at most this many.")] = 200,
    as_json: AsJson = False,
    form: Format = None,
) -> None:
    """Both sides of a conversation, oldest first.

    Example: wa conversation +15551234567
    """
    from datetime import UTC

    from wa_cli.clock import now
    from wa_cli.messages.phone import customer_key, parse_customer
    from wa_cli.reports.runner import instant
    from wa_cli.storage.engine import run

    house = wiring.of(ctx)
    whom = parse_customer(phone)
    begin = instant(since, house.settings.timezone, now()).astimezone(UTC).replace(tzinfo=None)
    with house.database.reading(house.settings.report_timeout) as connection:
        found = run(
            connection, "conversation/both_sides", customer=customer_key(*whom), since=begin, limit=limit
        ).mappings()
        rows = [{**row, "at": row["at"].replace(tzinfo=UTC)} for row in found]
    name = whom[0] or str(whom[1])
    table = Table("conversation", f"Conversation with {name}", _COLUMNS, rows)
    chosen = chosen_format(form, as_json)
    if chosen is None:
        _print_chat(name, rows)
    else:
        render.show(table, chosen)


def _print_chat(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(f"Conversation with {name}", style="italic"))
    day = None
    for row in rows:
        if row["at"].date() != day:
            day = row["at"].date()
            console.print(Text(f"{day:%A, %d %B %Y} (UTC)", style="dim"))
        console.print(_line(row))
    if not rows:
        console.print(Text("nothing", style="dim"))


def _line(row: Mapping[str, Any]) -> Any:
    from rich.text import Text

    ours = row["direction"] == "outgoing"
    line = Text(f"{row['at']:%H:%M} ")
    line.append("→ " if ours else "← ", style="green" if ours else "cyan")
    if ours and row["employee"]:
        line.append(f"{render.clean(row['employee'])}: ", style="bold")
    line.append(render.clean(_said(row)))
    if ours:
        failed = row["status"] == "failed"
        why = f": {row['failure_reason']}" if row["failure_reason"] else ""
        mark = _MARKS.get(row["status"], row["status"] or "?")
        line.append(render.clean(f"  ({mark}{why})"), style="red" if failed else "dim")
    return line


def _said(row: Mapping[str, Any]) -> str:
    """The words, and in brackets what is not words."""
    kind = row["message_type"]
    if kind == "text":
        return row["content"] or ""
    what = row["template_name"] or row["media_url"]
    marked = f"[{kind}: {what}]" if what else f"[{kind}]"
    return f"{marked} {row['content']}" if row["content"] else marked
