"""wa read: show a customer that a message was read."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from wa_cli.cli.context import AppContext
from wa_cli.errors import BadInput
from wa_cli.messages.content.base import ID_LIMIT
from wa_cli.telemetry.logs import print_note


def read(
    ctx: typer.Context,
    wamid: Annotated[str, typer.Argument(help="Id of the customer's message.", metavar="WAMID")],
    typing: Annotated[bool, typer.Option("--typing", help="Show that an answer is being written.")] = False,
) -> None:
    """Mark a customer's message as read, with the earlier ones.

    Example: wa read wamid.HBgLMTU1NTEyMzQ1NjcVAgASGBQz --typing
    """
    if not 0 < len(wamid) <= ID_LIMIT or not wamid.startswith("wamid."):
        raise BadInput(f"{wamid[:40]!r} is not the id of a message.", command="wa message list +15551234567")
    context = AppContext.of(ctx)

    async def mark() -> None:
        async with context.cloud() as client:
            await client.mark_read(wamid, is_typing=typing)

    asyncio.run(mark())
    print_note("Marked as read.")
