"""wa verify: prove that storage works."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from wa_cli.cli import check_results
from wa_cli.cli.context import AppContext, or_unavailable
from wa_cli.cli.parameters import JsonOnly
from wa_cli.clock import now
from wa_cli.errors import CheckFailed
from wa_cli.reports.ranges import instant

if TYPE_CHECKING:
    from wa_cli.checks.catalogue import Found

WORDS = check_results.Words(
    command="verify",
    key="verified",
    passed="VERIFIED: every check passed.",
    warned="VERIFIED",
    failed="NOT VERIFIED",
)


def verify(
    ctx: typer.Context,
    as_json: JsonOnly = False,
    quiet: check_results.Quiet = False,
    check: check_results.Chosen = None,
    since: Annotated[str, typer.Option(help="Start of the examined time: 7d or 2026-11-23.", metavar="TIME")] = "24h",
    watch: Annotated[
        float | None, typer.Option(min=1, help="Verify again every so many seconds, until Ctrl-C.", metavar="SECONDS")
    ] = None,
) -> None:
    """Prove that storage works, with trial writes that are rolled back.

    It checks schema, messages, statuses, files, uncertain messages and webhook.

    Exit 0 if every check passes, 3 if one fails.

    Example: wa verify --since 7d --check storage_rate
    """
    from wa_cli.checks import catalogue

    context = AppContext.of(ctx)
    selected = check_results.chosen(catalogue.find(catalogue.VERIFY), check or [])

    def once() -> Found:
        installation = context.installation(instant(since, context.settings.timezone, now()))
        found = catalogue.run_all(selected, installation)
        check_results.show(found, WORDS, as_json=as_json, quiet=quiet)
        return found

    found = once()
    while watch is not None:
        time.sleep(watch)
        if not as_json:
            print(f"\n{now():%Y-%m-%d %H:%M:%S} UTC")
        or_unavailable(once)
    if failed := check_results.failed(found):
        raise CheckFailed(f"Not verified: {', '.join(failed)}.")
