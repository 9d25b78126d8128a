"""wa sandbox: the stand-in for WhatsApp."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wa_cli.cli import wiring
from wa_cli.cli.wiring import House, say
from wa_cli.clock import parse_span
from wa_cli.errors import BadInput, ConfigError

if TYPE_CHECKING:
    from wa_cli.sandbox.app import Options

app = typer.Typer(no_args_is_help=True, help="A stand-in for WhatsApp: nothing leaves this machine.")

_LINE = re.compile(r"(?:(?P<after>\d[\d.]*(?:ms|s|m))\s+)?(?P<phone>\+\d[\d ]*\d)\s+(?P<text>.+)")


@app.command()
def serve(
    ctx: typer.Context,
    strict: Annotated[bool, typer.Option(help="Apply the real rules: 24-hour windows.")] = False,
    answer_after: Annotated[str, typer.Option(help="How long an answer takes, like 100ms.", metavar="SPAN")] = "0s",
    fault: Annotated[
        str,
        typer.Option(help="Trouble for a share of the sends, like throttled=3%,cut_accepted=1%.", metavar="KIND=SHARE"),
    ] = "",
    limit: Annotated[float | None, typer.Option(min=0.1, help="Sends a second before it throttles.")] = None,
    statuses: Annotated[bool, typer.Option(help="Report what becomes of each message, by webhook.")] = True,
) -> None:
    """Run the sandbox in the foreground.

    Faults: throttled, failed, gateway_rejected, gateway_accepted, cut_before, cut_accepted, slow.

    Example: wa sandbox serve --strict --fault throttled=3%,cut_accepted=1%
    """
    import asyncio

    from wa_cli.sandbox import faults
    from wa_cli.sandbox.app import Options

    options = Options(
        strict=strict,
        answer_after=parse_span(answer_after).total_seconds(),
        statuses=statuses,
        limit=limit,
        faults=faults.parse(fault),
    )
    asyncio.run(_serve(wiring.of(ctx), options))


@app.command("say")
def customer_says(
    ctx: typer.Context,
    phone: Annotated[str | None, typer.Argument(help="The customer's number.")] = None,
    text: Annotated[str | None, typer.Argument(help="What they write.")] = None,
    name: Annotated[str | None, typer.Option(help="The name in their profile.")] = None,
    script: Annotated[
        Path | None, typer.Option(help="A file with a line for each message: [2s] +15551234567 where is my order?")
    ] = None,
) -> None:
    """Let a customer write to us, as a signed webhook.

    Example: wa sandbox say +15551234567 "where is my order?"
    """
    import asyncio

    from wa_cli.messages.phone import parse_phone

    if script is not None:
        lines = _script(script)
    elif text is not None and not text.strip():
        raise BadInput("The text is empty.")
    elif phone and text:
        lines = [(0.0, parse_phone(phone), text)]
    else:
        raise BadInput("Who says what?", hint='wa sandbox say +15551234567 "where is my order?"')
    house = wiring.of(ctx)
    for after, number, words in lines:
        time.sleep(after)
        answer = asyncio.run(_call(house, {"from": number, "text": words, "name": name}))
        print(answer["id"])
        say(f"{number} wrote: {words}")


async def _serve(house: House, options: Options) -> None:
    from wa_cli.telemetry import logs
    from wa_cli.workers.lifecycle import Stop, stopping_on_signals

    logs.start()
    stop = Stop()
    with stopping_on_signals(stop, logs.tell):
        async with house.sandbox(options=options):
            await stop.wait()


async def _call(house: House, body: dict[str, Any]) -> dict[str, Any]:
    from wa_cli.sandbox.host import call, find

    url = await find(house.sandbox_folder)
    answer = await call(url, "POST", "/_sandbox/say", body) if url else None
    if not answer or "id" not in answer:
        raise ConfigError("No sandbox is listening.", hint="In another terminal: wa up")
    return answer


def _script(path: Path) -> list[tuple[float, str, str]]:
    """Pause in seconds, number and text of each line; empty lines and # comments aside."""
    from wa_cli.messages.phone import parse_phone

    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}.") from None
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
