"""wa serve: Meta's webhook receiver and the messaging API."""

from __future__ import annotations

from typing import Annotated

import typer

from wa_cli.cli import wiring
from wa_cli.cli.wiring import House
from wa_cli.errors import ConfigError

Host = Annotated[str | None, typer.Option(help="Address to listen on; default: WA_HOST, this machine alone.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; default: WA_PORT.", min=0, max=65535)]
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    ctx: typer.Context,
    host: Host = None,
    port: Port = None,
    insecure_no_signature: Annotated[
        bool, typer.Option("--insecure-no-signature", help="Take unsigned webhooks; on loopback only.")
    ] = False,
) -> None:
    """Run the webhook receiver and the messaging API.

    Example: wa serve --port 8000
    """
    import asyncio

    house = wiring.of(ctx)
    address = host or house.settings.host
    if insecure_no_signature and address not in _LOOPBACK:
        raise ConfigError(
            "Unsigned webhooks are taken on loopback only.", hint="Leave --host away, or set WA_APP_SECRET."
        )
    asyncio.run(_serve(house, address, house.settings.port if port is None else port, insecure_no_signature))


async def _serve(house: House, host: str, port: int, insecure: bool) -> None:
    from wa_cli.telemetry import events, logs
    from wa_cli.workers.lifecycle import Stop, stopping_on_signals

    logs.start(house.settings.log_format)
    app = house.service_app(insecure=insecure)
    from wa_cli.server.app import Service

    service, stop = Service(app, host, port), Stop()
    with stopping_on_signals(stop, logs.tell):
        logs.tell(events.Started(f"Serving at {service.url}: /webhook, /messaging, /health"))
        await service.run(stop)
