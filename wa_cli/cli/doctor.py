"""wa doctor: check the whole installation."""

from __future__ import annotations

import typer

from wa_cli.cli import check_results
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import JsonOnly
from wa_cli.clock import now
from wa_cli.errors import CheckFailed

WORDS = check_results.Words(
    command="doctor",
    key="well",
    passed="HEALTHY: every check passed.",
    warned="HEALTHY",
    failed="UNHEALTHY",
)


def doctor(
    ctx: typer.Context,
    as_json: JsonOnly = False,
    quiet: check_results.Quiet = False,
    check: check_results.Chosen = None,
) -> None:
    """Check settings, database, queues, token, webhook and disk.

    An unavailable part fails its own checks and no others. Exit 0 if no check fails, else 3.

    Example: wa doctor --check token --check number
    """
    from wa_cli.checks import catalogue

    selected = check_results.chosen(catalogue.find(catalogue.DOCTOR), check or [])
    found = catalogue.run_each(selected, AppContext.of(ctx).installation(now()))
    check_results.show(found, WORDS, as_json=as_json, quiet=quiet)
    if failed := check_results.failed(found):
        raise CheckFailed(f"Unhealthy: {', '.join(failed)}.")
