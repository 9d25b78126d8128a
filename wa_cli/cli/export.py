"""wa export: whole conversations, to take away."""

from __future__ import annotations

from typing import Annotated

import typer

from wa_cli.cli import render, wiring
from wa_cli.cli.parameters import AsJson, Format, Output, Until, Zone, chosen_format, key_of, written_number
from wa_cli.cli.tables import Column, Table
from wa_cli.clock import check_zone, now

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
    Column("failure_reason", "Why"),
    Column("delivered_at", "Delivered", "instant"),
    Column("read_at", "Read", "instant"),
    Column("message_id", "Message id"),
    Column("context_message_id", "In answer to"),
]


def export(
    ctx: typer.Context,
    customers: Annotated[
        list[str] | None, typer.Argument(help="Numbers or user ids; without any, everybody.", metavar="[PHONE]...")
    ] = None,
    since: Annotated[str, typer.Option(help="From then: 7d, monday, 2026-11-23.", metavar="TIME")] = "365d",
    until: Until = None,
    zone: Zone = None,
    as_json: AsJson = False,
    form: Format = None,
    output: Output = None,
) -> None:
    """Whole conversations, one after the other, each from its beginning: every row that is stored of them.

    Example: wa export +15551234567 -o ana.xlsx
    """
    from wa_cli.reports.runner import instant

    chosen = chosen_format(form, as_json)
    house = wiring.of(ctx)
    keys = [key_of(customer) or "" for customer in customers or ()]
    zone = check_zone(zone or house.settings.timezone)
    begin, end = instant(since, zone, now()), instant(until, zone, now()) if until else now()
    found = house.conversations.export(begin, end, keys)
    rows = [{**row, "customer": written_number(row["customer"])} for row in found]
    parameters = {"since": begin, "until": end}
    render.show(Table("export", "Conversations", _COLUMNS, rows, zone=zone, parameters=parameters), chosen, output)
    if output is not None:
        wiring.say(f"Written: {len(rows):,} messages of {len({row['customer'] for row in rows}):,} people to {output}.")
