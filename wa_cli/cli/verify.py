"""wa verify: prove that storage works."""

from __future__ import annotations

from typing import Annotated

import typer

from wa_cli.cli import check_results, context
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

    house = context.of(ctx)
    begin = instant(since, house.settings.timezone, now())
    scene = Scene(house.observed_database, begin, house.settings.business_phone)
    every = [*checks.checks(scene), house.backlog_check(), *house.sending_checks(), house.webhook_check()]
    found = checks.look(check_results.chosen(every, check or []))
    check_results.show(found, WORDS, as_json=as_json, quiet=quiet)
    if failed := check_results.failed(found):
        raise CheckFailed(f"Not verified: {', '.join(failed)}.")
