"""wa webhook: post a webhook again, from a file or from the stored ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from wa_cli.cli.context import AppContext
from wa_cli.clock import now
from wa_cli.cloud import signature, webhooks
from wa_cli.errors import BadInput, CloudError, ConfigError, system_reason
from wa_cli.telemetry.logs import print_note

app = typer.Typer(no_args_is_help=True)


@app.command()
def replay(
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(help="File, or id of a message, notice or dead letter.", metavar="FILE|ID"),
    ],
    url: Annotated[str | None, typer.Option(help="URL to post to. Default: WA_WEBHOOK_URL, else this host.")] = None,
) -> None:
    """Post a webhook again, signed with WA_APP_SECRET.

    A repetition is harmless: each message is stored once.

    Example: wa webhook replay body.json
    """

    context = AppContext.of(ctx)
    found = list(_found(context, what))
    target = url or context.endpoint.webhook_url
    for notification in found:
        # The deduplication cache would take the same bytes for a repetition of Meta's.
        body = json.dumps({**notification, "replayed_at": now().isoformat()}).encode()
        status = _post(target, body, {signature.HEADER: signature.sign(body, context.endpoint.app_secret)})
        if status != 200:
            raise CloudError(f"{target} answered {status}.", hint=_HINTS.get(status))
    print_note(f"Posted to {target}, all accepted: {len(found)}.")


_HINTS = {401: "Start the service with the same WA_APP_SECRET.", 404: "Check the URL. It ends in /webhook."}


def _found(context: AppContext, what: str) -> Iterator[dict[str, Any]]:
    path = Path("/dev/stdin" if what == "-" else what)
    if path.exists() or path.suffix == ".json":
        yield from _of_file(path)
        return
    stored = list(_stored(context, what))
    if not stored:
        raise BadInput(
            f"{what!r} is neither a file nor the id of a message, notice or dead letter.",
            hint="Find ids with wa listen --json.",
        )
    yield from stored


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    import httpx

    try:
        return httpx.post(
            url, content=body, headers={**headers, "Content-Type": "application/json"}, timeout=30
        ).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConfigError(
            f"{url} does not answer: {str(error).rstrip('.')}.", hint="Start the service with wa serve or wa up."
        ) from None


def _of_file(path: Path) -> Iterator[dict[str, Any]]:
    """Return the webhook of a file, or one around the `value` in it."""

    try:
        content = webhooks.load(path.read_bytes())
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {system_reason(error)}.") from None
    except BadInput as error:
        raise BadInput(f"{path}: {error.message}") from None
    if not isinstance(content, dict):
        raise BadInput(f"{path} is not a webhook: it is not a JSON object.")
    is_value = "entry" not in content and "object" not in content
    if not is_value and not webhooks.is_ours(content):
        raise BadInput(f"{path} is a webhook of {content['object']!r}, not of {webhooks.OBJECT}.")
    yield webhooks.notify(content) if is_value else content


def _stored(context: AppContext, identity: str) -> Iterator[dict[str, Any]]:
    from wa_cli.database.engine import run

    with context.database.reading() as connection:
        rows = run(connection, "messages/stored", id=identity).mappings().all()
    for row in rows:
        yield _again(dict(row), context.endpoint.known_number or "")


def _again(row: Mapping[str, Any], number: str) -> dict[str, Any]:
    """Return the webhook of a stored message, notice or dead letter, as far as it is known."""

    if row["body"] is not None:
        data = webhooks.load(row["body"])
        if not isinstance(data, dict):
            raise BadInput("The dead letter is not a JSON object and cannot be replayed.")
        return data
    if row["list"] is None:
        return webhooks.notify(row["raw"], row["field"], row["account"], row["happened_at"])
    head = {"phone_number_id": number, "display_phone_number": (row["business_phone"] or "").lstrip("+")}
    # In imported history Meta does not always name the addressee of our messages.
    item = {"to": row["customer"].lstrip("+"), **row["raw"]} if row["customer"] else row["raw"]
    return webhooks.notify({"messaging_product": "whatsapp", "metadata": head, row["list"]: [item]}, row["field"])
