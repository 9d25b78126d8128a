"""wa doctor: check the whole installation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from wa_cli.cli import check_comparison, check_results, output_file, render
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import JsonOnly
from wa_cli.clock import now
from wa_cli.errors import BadInput, CheckFailed
from wa_cli.telemetry.logs import print_note

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
    save: Annotated[
        Path | None, typer.Option(help="Measure the database's performance, and save it.", metavar="FILE")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(help="Compare the database's performance with a saved one.", metavar="FILE")
    ] = None,
) -> None:
    """Check settings, database, queues, token, webhook and disk.

    An unavailable part fails its own checks and no others. Exit 0 if no check fails, else 3. Before and after a deployment,
    --save and --compare measure sizes, plans and query times of the database instead.

    Example: wa doctor --check token --check number
    """
    from wa_cli.checks import catalogue

    before = check_comparison.load(compare) if compare else None
    if save and not save.parent.is_dir():
        raise BadInput(f"Cannot write {save}: the folder {save.parent} does not exist.", hint="Choose another path.")
    names = catalogue.PERFORMANCE if save or compare else catalogue.DOCTOR
    selected = check_results.chosen(catalogue.find(names), check or [])
    found = catalogue.run_each(selected, AppContext.of(ctx).installation(now()))
    document = check_results.document(found, WORDS)
    if before:
        compared = check_comparison.table(check_comparison.figures(before), check_comparison.figures(document))
        render.show(compared, "json" if as_json else None)
    else:
        check_results.show(found, WORDS, as_json=as_json, quiet=quiet)
    if save:
        output_file.write(save, [f"{json.dumps(document, indent=2)}\n"])
        print_note(f"Saved to {save}. Compare later: wa doctor --compare {save}")
    if failed := check_results.failed(found):
        raise CheckFailed(f"Unhealthy: {', '.join(failed)}.")
