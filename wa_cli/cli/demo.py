"""wa demo: the whole story in about a minute, on data of its own."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from wa_cli.cli import answer, drawing, findings, render, up, verify, wiring
from wa_cli.clock import now
from wa_cli.errors import CheckFailed

if TYPE_CHECKING:
    from wa_cli.cli.wiring import House


def demo(ctx: typer.Context) -> None:
    """Show the main job on real parts: a sample shop's history, live messages, checks and reports.

    Everything happens in a database and a folder of its own, on this machine alone.

    Example: wa demo
    """
    import asyncio

    began = time.monotonic()
    house = wiring.of(ctx).beside("demo", port=0, sandbox_port=0, business_phone="+15550100000")
    _title("A shop with thirty days of history (sample data: no such shop, no such people)")
    if house.embedded.ensure("postgres"):
        wiring.say(f"Started the embedded database in {house.embedded.data}; it stays up until: wa db stop")
    house.embedded.drop(house.database_name)
    _tell(f"{_history(house):,} messages of 40 customers and 4 employees are in the database {house.database_name}.")
    _title("Live: webhooks in, messages out, statuses back")
    asyncio.run(_live(house))
    found = _checks(house)
    for name in ("unanswered", "response-times", "heatmap"):
        _title(f"wa report {name}")
        _report(house, name)
    _title(f"Done in {time.monotonic() - began:.0f} s")
    _tell(f"Look around in the demo's shop: WA_DATABASE_URL='{house.database_url()}' wa report all")
    _tell('Your own data is untouched and empty. Next: wa send text +15551234567 "hi" and wa worker outgoing --drain')
    if not found:
        raise CheckFailed("The demo's storage is not verified.")


def _history(house: House) -> int:
    from wa_cli.clock import now
    from wa_cli.demo import history

    return history.write(house.database, now())


async def _live(house: House) -> None:
    import logging

    from wa_cli.demo.story import TEMPLATES, Story
    from wa_cli.sandbox.app import Options
    from wa_cli.sandbox.host import call
    from wa_cli.telemetry import logs
    from wa_cli.workers.lifecycle import Stop

    logs.start(level=logging.WARNING)
    async with up.everything(house, Stop(), Options(templates=TEMPLATES)):
        url = (house.sandbox_folder / "url").read_text()

        async def says(phone: str, name: str, text: str) -> None:
            await call(url, "POST", "/_sandbox/say", {"from": phone, "name": name, "text": text})

        await Story(house.database, house.submitter, says, _tell).live()


def _checks(house: House) -> bool:
    from wa_cli import verify as checks
    from wa_cli.verify.base import Scene

    _title("wa verify")
    scene = Scene(house.database, now() - timedelta(hours=24))
    found = checks.look(checks.checks(scene))
    findings.show(found, verify.WORDS)
    return not findings.failed(found)


def _report(house: House, name: str) -> None:
    report = answer.find(name, house)
    table = answer.ask(house, report)
    if report.shape:
        drawing.show(report, table, "incoming")
    else:
        render.show(table)


def _title(text: str) -> None:
    from rich.console import Console
    from rich.text import Text

    Console().print(Text(f"\n{text}", style="bold"))


def _tell(line: str) -> None:
    print(f"  {line}", flush=True)
