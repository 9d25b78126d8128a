"""wa listen: messages, statuses and notices as they are stored."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from wa_cli.cli import data_formats, tables
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import JsonOnly
from wa_cli.errors import DatabaseUnavailable
from wa_cli.telemetry.logs import print_note

RETRY = 1.0


def listen(
    ctx: typer.Context,
    as_json: JsonOnly = False,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after so many updates.")] = None,
) -> None:
    """Show messages, statuses and notices as they are stored, until Ctrl-C.

    With --json each is an object on its own line, with its raw data. "history" is true for imported messages.

    Example: wa listen --json | jq .raw
    """
    from wa_cli.database import notify

    database = AppContext.of(ctx).database
    shown, is_unavailable = 0, False
    while True:
        try:
            for updates in notify.subscribe(database, lambda: print_note("Listening until Ctrl-C.")):
                is_unavailable = False
                for update in updates:
                    if as_json:
                        data_formats.print_json({**update, "at": update["at"].isoformat()})
                    else:
                        print(_line(update), flush=True)
                    shown += 1
                    if shown == count:
                        return
        except DatabaseUnavailable as error:
            if not is_unavailable:
                print_note(f"{error.message}; retrying.")
            is_unavailable = True
            time.sleep(RETRY)


def _line(update: Mapping[str, Any]) -> str:
    """Return a line like `12:01:03 ← +15551234567 Ana text: where is my order?`"""
    at = f"{update['at']:%H:%M:%S}"
    if update["kind"] == "notice":
        return f"{at} ! {tables.clean(update['type'])} {tables.clean(json.dumps(update['raw'], ensure_ascii=False))}"
    arrow = "→" if update["direction"] == "outgoing" else "←"
    who = " ".join(filter(None, (_phone(update["customer"]), update["name"])))
    if update["kind"] == "status":
        text = f"{update['status']} {update['id']}" + (f": {update['reason']}" if update["reason"] else "")
    else:
        text = f"{update['type']}: {update['content']}" if update["content"] else f"[{update['type']}]"
    mark = " (history)" if update["history"] else ""
    return f"{at} {arrow} {tables.clean(who)} {tables.clean(text)}{mark}"


def _phone(customer: str | None) -> str | None:
    """Return the number in written form. Statuses have digits only."""
    return f"+{customer}" if customer and customer.isdigit() else customer
