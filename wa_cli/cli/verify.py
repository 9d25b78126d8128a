"""wa verify: prove that storage works."""

from __future__ import annotations

from typing import Annotated

import typer

from wa_cli.cli import check_results
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import AsJson
from wa_cli.clock import now
from wa_cli.errors import CheckFailed

WORDS = check_results.Words(
    command="verify",
    key="verified",
    well="VERIFIED: every check passed.",
    warned="Storage works",
    failed="NOT VERIFIED",
)


def verify(
    ctx: typer.Context,
    as_json: AsJson = False,
    quiet: check_results.Quiet = False,
    check: check_results.Chosen = None,
    since: Annotated[str, typer.Option(help="What is recent: a time, a date, or a span like 7d.")] = "24h",
) -> None:
    """Prove that storage works: schema, a write and a query, messages, statuses, files, sends in doubt, and the webhook.

    Exit 0 where every check passes, 3 where one fails.

    Example: wa verify --since 7d --check storage_rate
    """
    from wa_cli import verify as checks
    from wa_cli.reports.runner import instant
    from wa_cli.verify.base import Scene

    context = AppContext.of(ctx)
    begin = instant(since, context.settings.timezone, now())
    scene = Scene(context.observed_database, begin, context.settings.business_phone)
    every = [*checks.checks(scene), context.backlog_check(), *context.sending_checks(), context.webhook_check()]
    found = checks.look(check_results.chosen(every, check or []))
    check_results.show(found, WORDS, as_json=as_json, quiet=quiet)
    if failed := check_results.failed(found):
        raise CheckFailed(f"Not verified: {', '.join(failed)}.")
