"""wa sandbox: the stand-in for WhatsApp."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wa_cli.cli import render
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import AsJson, Format, JsonOnly, chosen_format
from wa_cli.cli.tables import Column, Table
from wa_cli.clock import parse_span
from wa_cli.errors import BadInput, CheckFailed, ConfigError
from wa_cli.messages.phone import parse_phone
from wa_cli.runtime.signals import stopping_on_signals
from wa_cli.runtime.stop import Stop
from wa_cli.sandbox import faults, notification_files
from wa_cli.telemetry import logs
from wa_cli.telemetry.logs import print_note

if TYPE_CHECKING:
    from wa_cli.sandbox.app import Options

app = typer.Typer(no_args_is_help=True)

_LINE = re.compile(r"(?:(?P<after>\d[\d.]*(?:ms|s|m))\s+)?(?P<phone>\+\d[\d ]*\d)\s+(?P<text>.+)")


@app.command()
def serve(
    ctx: typer.Context,
    strict: Annotated[bool, typer.Option(help="Apply the rules of the 24-hour window.")] = False,
    answer_after: Annotated[str, typer.Option(help="Delay of an answer, such as 100ms.", metavar="DURATION")] = "0s",
    fault: Annotated[
        str,
        typer.Option(help="Shares of the sends: throttled=3%,slow=1%.", metavar="FAULT"),
    ] = "",
    rate: Annotated[float | None, typer.Option(min=0.1, help="Sends per second before it throttles.")] = None,
    limit: Annotated[float | None, typer.Option(min=0.1, hidden=True, help="Former name of --rate.")] = None,
    statuses: Annotated[bool, typer.Option(help="Send status webhooks.")] = True,
) -> None:
    """Run the sandbox in the foreground.

    Faults: throttled (130429), failed (HTTP 500), slow (answer after 3 s), gateway_rejected and gateway_accepted (HTTP 504
    before or after the message is accepted), cut_before and cut_accepted (connection closed, likewise).

    Example: wa sandbox serve --strict --fault throttled=3%,cut_accepted=1%
    """

    from wa_cli.sandbox.app import Options

    options = Options(
        strict=strict,
        answer_after=parse_span(answer_after).total_seconds(),
        statuses=statuses,
        limit=limit if rate is None else rate,
        faults=faults.parse(fault),
    )
    asyncio.run(_serve(AppContext.of(ctx), options))


@app.command("say")
def customer_says(
    ctx: typer.Context,
    phone: Annotated[str | None, typer.Argument(help="Phone number of the customer.", metavar="[PHONE]")] = None,
    text: Annotated[str | None, typer.Argument(help="Text of the message.", metavar="[TEXT]")] = None,
    name: Annotated[str | None, typer.Option(help="Name in the customer's profile.")] = None,
    script: Annotated[
        Path | None, typer.Option(help="File with a line for each message: [2s] +15551234567 where is my order?")
    ] = None,
) -> None:
    """Send a message as a customer, as a signed webhook.

    Example: wa sandbox say +15551234567 "where is my order?"
    """

    if script is not None:
        lines = _script(script)
    elif text is not None and not text.strip():
        raise BadInput("The text is empty.")
    elif phone and text:
        lines = [(0.0, parse_phone(phone), text)]
    else:
        raise BadInput("A customer and a text are missing.", command='wa sandbox say +15551234567 "where is my order?"')
    context = AppContext.of(ctx)
    for after, number, words in lines:
        time.sleep(after)
        answer = asyncio.run(_call(context, "/_sandbox/say", {"from": number, "text": words, "name": name}))
        print(answer["id"])
        print_note(f"{number} wrote: {words}")


@app.command("list")
def list_webhooks(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """List the webhooks that the sandbox can play.

    Example: wa sandbox list
    """

    del ctx
    rows = [
        {"name": name, "field": notification_files.field(name), "about": notification_files.about(name)}
        for name in notification_files.names()
    ]
    columns = [Column("name", "Name"), Column("field", "Field"), Column("about", "Description", "words")]
    render.show(Table("webhooks", "Webhooks", columns, rows), chosen_format(form, as_json))


@app.command()
def play(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Names from wa sandbox list, or all.", metavar="NAME…")],
    customer: Annotated[str, typer.Option("--from", help="Customer.", metavar="PHONE")] = "+15551234567",
    text: Annotated[str, typer.Option(help="Text.")] = "hello",
    about: Annotated[str | None, typer.Option(help="Id of the message that it refers to.", metavar="WAMID")] = None,
    times: Annotated[int, typer.Option(min=1, max=1000, help="Number of times to post each.")] = 1,
    shuffled: Annotated[bool, typer.Option("--shuffled", help="Post in random order.")] = False,
    after: Annotated[str, typer.Option(help="Delay before posting.", metavar="DURATION")] = "0s",
    batched: Annotated[bool, typer.Option("--batched", help="Post all in one request.")] = False,
    wrong_signature: Annotated[bool, typer.Option("--wrong-signature", help="Sign with another secret.")] = False,
    as_json: JsonOnly = False,
) -> None:
    """Post webhooks like Meta, and show the answer to each.

    Rejected ones are posted again later. Exit 3 if an answer is not the expected one: 200, or 401 with a wrong signature.

    Example: wa sandbox play image reaction --times 2 --shuffled
    """

    wanted = notification_files.names() if names == ["all"] else names
    for name in wanted:
        if name not in notification_files.names():
            raise BadInput(f"Unknown webhook {name!r}.", hint="List them with wa sandbox list.")
    manner = {
        "times": times,
        "shuffled": shuffled,
        "after": parse_span(after).total_seconds(),
        "batched": batched,
        "genuine": not wrong_signature,
    }
    asked = {"names": wanted, "from": parse_phone(customer), "text": text, "about": about, "manner": manner}
    limit = parse_span(after).total_seconds() + 30
    played = asyncio.run(_call(AppContext.of(ctx), "/_sandbox/play", asked, limit))["played"]
    if as_json:
        print(json.dumps(played))
    for one in () if as_json else played:
        if one["id"]:
            print(one["id"])
        print_note(f"{one['name']}: answered {one['status']}" if one["status"] else f"{one['name']}: not answered")
    wanted_status = 401 if wrong_signature else 200
    if any(one["status"] != wanted_status for one in played):
        hint = (
            "Check that the service verifies signatures."
            if wrong_signature
            else "Start the service with the same WA_APP_SECRET. Rejected webhooks are posted again."
        )
        raise CheckFailed(f"Not every answer was {wanted_status}.", hint=hint)


async def _serve(context: AppContext, options: Options) -> None:
    from wa_cli.sandbox.app import Options
    from wa_cli.sandbox.host import find

    folder = context.endpoint.sandbox_folder
    if options != Options() and (url := await find(folder)):
        raise ConfigError(
            f"The sandbox at {url} is already running, so these options have no effect.",
            hint="Stop the process that runs it, then start it with these options.",
        )
    logs.start()
    stop = Stop()
    with stopping_on_signals(stop, logs.emit):
        async with context.endpoint.sandbox(options=options):
            await stop.wait()


async def _call(context: AppContext, path: str, body: dict[str, Any], limit: float = 30.0) -> dict[str, Any]:
    from wa_cli.sandbox.host import call, find

    url = await find(context.endpoint.sandbox_folder)
    answer = await call(url, "POST", path, body, limit) if url else None
    if not answer or "error" in answer:
        raise ConfigError(
            "No sandbox is listening.", hint="Run wa up in another terminal, or wa sandbox serve beside wa serve."
        )
    return answer


def _script(path: Path) -> list[tuple[float, str, str]]:
    """Return pause in seconds, number and text of each line. Empty lines and # comments are skipped."""

    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"Cannot read {path}: {error}.") from None
    lines = []
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if not found:
            raise BadInput(f"{path}, line {number}: {line.strip()!r} is not [PAUSE] PHONE TEXT.")
        pause = parse_span(found["after"]).total_seconds() if found["after"] else 0.0
        lines.append((pause, parse_phone(found["phone"]), found["text"]))
    return lines
