"""wa verify: prove that storage works."""

from __future__ import annotations

from typing import Annotated

import typer

from wa_cli.cli import check_results
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import JsonOnly
from wa_cli.clock import now
from wa_cli.errors import CheckFailed
from wa_cli.reports.ranges import instant

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
) -> None:
    """Prove that storage works, with trial writes that are rolled back.

    It checks schema, messages, statuses, files, uncertain messages and webhook.

    Exit 0 if every check passes, 3 if one fails.

    Example: wa verify --since 7d --check storage_rate
    """
    from wa_cli.checks import catalogue

    context = AppContext.of(ctx)
    installation = context.installation(instant(since, context.settings.timezone, now()))
    selected = check_results.chosen(catalogue.find(catalogue.VERIFY), check or [])
    found = catalogue.run_all(selected, installation)
    check_results.show(found, WORDS, as_json=as_json, quiet=quiet)
    if failed := check_results.failed(found):
        raise CheckFailed(f"Not verified: {', '.join(failed)}.")
