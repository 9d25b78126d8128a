"""wa export: whole conversations as a file."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import typer

from wa_cli.cli import render
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import AsJson, Format, Output, Since, Until, Zone, chosen_format, key_of, written_number
from wa_cli.cli.progress import bar
from wa_cli.cli.tables import Column, Table
from wa_cli.clock import EARLIEST, now
from wa_cli.counted import counted
from wa_cli.reports.ranges import instant
from wa_cli.telemetry.logs import print_note

_COLUMNS = [
    Column("customer", "Customer", "phone"),
    Column("name", "Name"),
    Column("at", "Time", "instant"),
    Column("direction", "Direction"),
    Column("employee", "Employee"),
    Column("type", "Type"),
    Column("content", "Content", "words"),
    Column("media_url", "Media"),
    Column("template_name", "Template"),
    Column("status", "Status"),
    Column("failure_reason", "Reason"),
    Column("delivered_at", "Delivered", "instant"),
    Column("read_at", "Read", "instant"),
    Column("message_id", "Message id"),
    Column("context_message_id", "In answer to"),
    Column("template_params", "Parameters"),
    Column("retry_count", "Retries", "integer"),
    Column("last_retry_at", "Last retry", "instant"),
]


def export(
    ctx: typer.Context,
    customers: Annotated[
        list[str] | None, typer.Argument(help="Numbers or user ids of customers. Default: all.", metavar="[PHONE]...")
    ] = None,
    since: Since = None,
    until: Until = None,
    zone: Zone = None,
    as_json: AsJson = False,
    form: Format = None,
    output: Output = None,
) -> None:
    """Write whole conversations, from their first message on.

    Example: wa export +15551234567 -o ana.xlsx
    """

    chosen = chosen_format(form, as_json)
    context = AppContext.of(ctx)
    keys = [key_of(customer) or "" for customer in customers or ()]
    zone = context.zone(zone)
    begin = EARLIEST if since is None else instant(since, zone, now())
    end = now() if until is None else instant(until, zone, now())
    kept = context.conversations
    if output is not None:
        render.form_of(output, chosen)
    people = kept.known_as(keys) if keys else kept.speakers(begin, end)
    head = Table("export", "Conversations", _COLUMNS, [], zone=zone, parameters={"since": begin, "until": end})
    written = Counter[str | None]()
    with bar("conversations", len(people), is_shown=output is not None or not sys.stdout.isatty()) as advance:
        render.stream(head, _written(kept.export(begin, end, people, advance), written), chosen, output)
    if output is not None:
        print_note(
            f"Wrote {counted(written.total(), 'message')} of {counted(len(written.keys() - {None}), 'customer')} to {output}."
        )


def _written(rows: Iterable[Mapping[str, Any]], counted: Counter[str | None]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows with phone numbers in written form, and count them."""
    for row in rows:
        customer = written_number(row["customer"])
        counted[customer] += 1
        yield {**row, "customer": customer}
