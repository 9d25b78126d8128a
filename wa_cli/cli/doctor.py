"""wa doctor: look at the whole installation."""

from __future__ import annotations

import typer

from wa_cli.cli import findings, wiring
from wa_cli.cli.parameters import AsJson
from wa_cli.errors import CheckFailed

WORDS = findings.Words(
    command="doctor",
    key="well",
    well="WELL: everything that wa stands on is in order.",
    warned="Nothing fails",
    failed="NOT WELL",
)


def doctor(
    ctx: typer.Context, as_json: AsJson = False, quiet: findings.Quiet = False, check: findings.Chosen = None
) -> None:
    """Look at the whole installation: settings, database, queues, token, number, webhook, disk.

    What is away is a finding: the rest is looked at all the same. Exit 0 where nothing fails, 3 where something does.

    Example: wa doctor --check token --check number
    """
    from wa_cli import doctor as doctoring

    found = doctoring.look(findings.chosen(wiring.of(ctx).doctor_checks(), check or []))
    findings.show(found, WORDS, as_json=as_json, quiet=quiet)
    if failed := findings.failed(found):
        raise CheckFailed(f"Not well: {', '.join(failed)}.")
