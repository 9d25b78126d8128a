"""wa conversation: one conversation, both sides, with statuses."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.text import Text

from wa_cli.cli import render, tables
from wa_cli.cli.context import AppContext, or_unavailable
from wa_cli.cli.parameters import AsJson, Format, Phone, Since, Zone, chosen_format
from wa_cli.cli.tables import Column, Table
from wa_cli.clock import EARLIEST, now
from wa_cli.errors import BadInput
from wa_cli.messages.phone import customer_key, parse_customer
from wa_cli.reports.ranges import instant
from wa_cli.telemetry.logs import print_note

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from rich.console import Console
    from rich.text import Text

_MARKS = {
    "queued": "waiting to be sent",
    "sending": "being sent",
    "uncertain": "may have been sent",
    "held": "held for a decision",
    "cancelled": "cancelled",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "FAILED",
}
_COLUMNS = [
    Column("at", "Time", "instant"),
    Column("direction", "Direction"),
    Column("employee", "Employee"),
    Column("message_type", "Type"),
    Column("content", "Content", "words"),
    Column("quoted", "In answer to", "words"),
    Column("media_url", "Media"),
    Column("template_name", "Template"),
    Column("status", "Status"),
    Column("failure_reason", "Reason"),
    Column("message_id", "Message id"),
    Column("participant", "Participant", "phone"),
    Column("sent_by", "Sent by"),
    Column("campaign", "Campaign"),
    Column("edited_at", "Edited", "instant"),
    Column("original", "Original", "words"),
    Column("revoked_at", "Deleted", "instant"),
    Column("delivered_at", "Delivered", "instant"),
    Column("read_at", "Read", "instant"),
    Column("retry_count", "Retries", "integer"),
    Column("reference", "Reference"),
]
# Types with content that needs no label.
_WORDS = ("text", "button", "call", "missed_call", "unsupported", "system")
FOLLOW_EVERY = 1.0
# Options of less: with colours, at the end, where the newest message is.
PAGED = "-RX +G"
QUOTED = 50
# A status comes late, and a message in a worker's hands is not stored yet.
LOOKED_BACK = timedelta(days=1)


def conversation(
    ctx: typer.Context,
    phone: Phone,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Maximum number of messages.")] = 200,
    zone: Zone = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Add new messages and statuses until Ctrl-C.")] = False,
    as_json: AsJson = False,
    form: Format = None,
) -> None:
    """Show both sides of a conversation, oldest message first.

    Example: wa conversation +15551234567 --follow
    """

    chosen = chosen_format(form, as_json)
    if follow and chosen is not None:
        raise BadInput("--follow cannot be used with a format.", command="wa listen --json")
    context = AppContext.of(ctx)
    whom = parse_customer(phone)
    zone = context.zone(zone)
    key = customer_key(*whom) or ""
    begin = EARLIEST if since is None else instant(since, zone, now())
    found = context.conversations.both_sides(key, begin, limit)
    name = " ".join(filter(None, (whom[0] or whom[1], context.conversations.name(key))))
    total = len(found) if len(found) < limit else context.conversations.count(key, begin)
    if chosen is not None:
        table = Table("conversation", f"Conversation with {name}", _COLUMNS, found, zone=zone, total=total)
        render.show(table, chosen)
        return
    chat = Chat(ZoneInfo(zone))
    chat.begin(name, found, paged=not follow)
    if total > len(found):
        print_note(f"showing the newest {len(found):,} of {total:,}. Use --limit to show more.")
    while follow:
        time.sleep(FOLLOW_EVERY)
        newest = or_unavailable(lambda: context.conversations.both_sides(key, max(begin, now() - LOOKED_BACK), limit))
        chat.go_on(newest or ())


class Chat:
    """A conversation on stdout. New messages and statuses are added with --follow."""

    def __init__(self, zone: ZoneInfo) -> None:

        self._zone = zone
        self._console: Console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
        self._day: Any = None
        self._shown: dict[str, tuple[Any, ...]] = {}

    def begin(self, name: str, rows: Sequence[Mapping[str, Any]], *, paged: bool) -> None:
        """Print the first messages, through a pager if they do not fit the terminal."""

        lines = [Text(f"Conversation with {tables.clean(name)}", style="italic"), *self._lines(rows)]
        if not rows:
            lines.append(Text("No messages.", style="dim"))
        os.environ.setdefault("LESS", PAGED)
        is_long = paged and self._console.is_terminal and len(lines) >= self._console.height
        with self._console.pager(styles=True) if is_long else nullcontext():
            for line in lines:
                self._console.print(line)

    def go_on(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for line in self._lines(rows):
            self._console.print(line)

    def _lines(self, rows: Iterable[Mapping[str, Any]]) -> list[Text]:

        lines = []
        for row in rows:
            known, state = self._shown.get(row["id"]), (row["status"], row["edited_at"], row["revoked_at"])
            self._shown[row["id"]] = state
            if known == state:
                continue
            local = row["at"].astimezone(self._zone)
            if local.date() != self._day:
                self._day = local.date()
                lines.append(Text(f"{self._day:%A, %d %B %Y} ({self._zone})", style="dim"))
            lines += _line({**row, "at": local})
        return lines


def _line(row: Mapping[str, Any]) -> list[Text]:
    """Return a message, below the one that it answers."""

    ours = row["direction"] == "outgoing"
    line = Text(f"{row['at']:%H:%M} ")
    line.append("→ " if ours else "← ", style="green" if ours else "cyan")
    if ours and row["employee"]:
        line.append(f"{tables.clean(row['employee'])}: ", style="bold")
    if row["participant"]:
        line.append(f"{tables.clean(row['participant_name'] or row['participant'])}: ", style="bold")
    line.append(tables.clean(_readable(row)))
    if row["edited_at"] and not row["revoked_at"]:
        line.append(" (edited)", style="dim")
    if ours:
        failed = row["status"] == "failed"
        why = f": {row['failure_reason']}" if row["failure_reason"] else ""
        mark = _MARKS.get(row["status"], row["status"] or "?")
        line.append(tables.clean(f"  ({mark}{why})"), style="red" if failed else "dim")
    if not row["quoted"]:
        return [line]
    quoted = tables.clean(row["quoted"])
    return [Text(f"      ┌ {quoted[:QUOTED]}{'…' if len(quoted) > QUOTED else ''}", style="dim"), line]


def _readable(row: Mapping[str, Any]) -> str:
    """Return the text of a message, with other content in brackets."""
    kind = row["message_type"]
    if row["revoked_at"]:
        return "[deleted]"
    if kind in _WORDS:
        return row["content"] or "[no text]"
    if kind == "revoke":
        return "[deleted a message]"
    if kind == "edit":
        return f"[edited a message] {row['content'] or ''}"
    what = row["template_name"] or row["media_url"]
    marked = f"[{kind}: {what}]" if what else f"[{kind}]"
    return f"{marked} {row['content']}" if row["content"] else marked
