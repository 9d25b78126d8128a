"""wa demo: the main job in about a minute, on sample data."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Iterator
from datetime import timedelta

import typer
from rich.console import Console
from rich.text import Text

from wa_cli.assembly.service import require_server
from wa_cli.cli import charts, check_results, render, report_query, up, verify
from wa_cli.cli.context import AppContext
from wa_cli.clock import now
from wa_cli.counted import counted
from wa_cli.errors import CheckFailed
from wa_cli.runtime.stop import Stop
from wa_cli.settings.schema import env_name
from wa_cli.telemetry import logs
from wa_cli.telemetry.logs import print_note

_OF_OTHER_WORK = ("WA_", "DATABASE_URL", "PG", "AWS_", "PROMETHEUS_")


def demo(ctx: typer.Context) -> None:
    """Show the main job on sample data: messages, checks and reports.

    It uses its own database and folder on this machine, and nothing else.

    Example: wa demo
    """

    began = time.monotonic()
    require_server()
    shell = AppContext.of(ctx)
    _forget_environment()
    context = shell.beside("demo", port=0, sandbox_port=0, business_phone="+15550100000")
    _title("A shop with thirty days of history (sample data of a fictitious shop)")
    if context.databases.embedded.ensure("postgres"):
        print_note(f"Started the embedded database in {context.databases.embedded.data}. Stop it with: wa db stop")
    context.databases.embedded.drop(context.databases.name)
    _print_line(
        f"{counted(_history(context), 'message')} of 40 customers and 4 employees are in the database {context.databases.name}."
    )
    _title("Live: webhooks in, messages out, statuses back")
    asyncio.run(_live(context))
    found = _checks(context)
    for name in ("unanswered", "response-times", "heatmap"):
        _title(f"wa report {name}")
        _report(context, name)
    _title(f"Done in {time.monotonic() - began:.0f} s")
    for line in _advice(shell, context.databases.url()):
        _print_line(line)
    if not found:
        raise CheckFailed("The checks of the demo failed.")


def _forget_environment() -> None:
    """Remove variables of other work from this process. The settings were read before."""
    for name in [name for name in os.environ if name.startswith(_OF_OTHER_WORK)]:
        del os.environ[name]


def _advice(shell: AppContext, url: str) -> Iterator[str]:
    """Yield the next steps. In a shell with production settings, none that would use them."""
    database = f"WA_DATABASE_URL='{url}'"
    if shell.settings.report_database_url:
        database += f" WA_REPORT_DATABASE_URL='{url}'"
    yield f"Explore the sample shop: {database} wa report all"
    if given := shell.loaded.production:
        names = ", ".join(map(env_name, given))
        yield f"This shell has production settings ({names}). The demo did not use them."
        yield "To send messages to the sandbox, open a shell and a folder without production settings."
    else:
        yield 'The demo did not touch your own database. Next: wa send text +15551234567 "hi" and wa worker outgoing --drain'


def _history(context: AppContext) -> int:
    from wa_cli.demo import history

    return history.write(context.database, now())


async def _live(context: AppContext) -> None:

    from wa_cli.demo.story import TEMPLATES, Story
    from wa_cli.sandbox.app import Options
    from wa_cli.sandbox.host import call

    logs.start(level=logging.WARNING)
    async with up.everything(context, Stop(), Options(templates=TEMPLATES)):
        url = (context.endpoint.sandbox_folder / "url").read_text()

        async def says(phone: str, name: str, text: str) -> None:
            await call(url, "POST", "/_sandbox/say", {"from": phone, "name": name, "text": text})

        await Story(context.database, context.submitter, says, _print_line).live()


def _checks(context: AppContext) -> bool:
    from wa_cli.checks import catalogue
    from wa_cli.checks.installation import Installation

    _title("wa verify")
    installation = Installation(open_database=lambda: context.database, since=now() - timedelta(hours=24))
    found = catalogue.run_all(catalogue.find(catalogue.STORAGE), installation)
    check_results.show(found, verify.WORDS)
    return not check_results.failed(found)


def _report(context: AppContext, name: str) -> None:
    report = report_query.find(name, context)
    table = report_query.run_report(context, report)
    if report.shape:
        charts.show(report, table, "incoming")
    else:
        render.show(table)


def _title(text: str) -> None:

    Console().print(Text(f"\n{text}", style="bold"))


def _print_line(line: str) -> None:
    print(f"  {line}", flush=True)
