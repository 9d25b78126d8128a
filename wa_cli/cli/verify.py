"""wa verify: prove that storage works."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wa_cli.cli import render, wiring
from wa_cli.cli.parameters import AsJson
from wa_cli.errors import CheckFailed

if TYPE_CHECKING:
    from wa_cli.verify.base import Check, Finding

_MARKS = {"ok": ("✓", "green"), "skipped": ("–", "dim"), "warning": ("!", "yellow"), "failed": ("✗", "red")}


def verify(
    ctx: typer.Context,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the verdict alone.")] = False,
) -> None:
    """Prove that storage works: schema, a write and a query, messages, statuses, files, sends in doubt, and the webhook.

    Exit 0 where every check passes, 3 where one fails.

    Example: wa verify --json
    """
    from wa_cli import verify as checks

    house = wiring.of(ctx)
    # A production database is looked at as it is: a missing migration is what the checks are to find.
    database = house.database if house.is_embedded else house.unchecked_database
    found = checks.look(database, house.backlog_check(), house.webhook_check())
    report(found, as_json=as_json, quiet=quiet)
    failed = [check.title for check, finding in found if finding.level == "failed"]
    if failed:
        raise CheckFailed(f"Not verified: {', '.join(failed)}.")


def report(found: Sequence[tuple[Check, Finding]], *, as_json: bool = False, quiet: bool = False) -> None:
    """Print what the checks found, and a verdict of one line."""
    if as_json:
        print(json.dumps(_document(found), ensure_ascii=False, indent=2, default=str))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for check, finding in () if quiet else found:
        mark, colour = _MARKS[finding.level]
        console.print(Text.assemble((mark, colour), f" {check.title}: {finding.said}"))
        for line in finding.details:
            console.print(Text(f"    {render.clean(line)}", style="dim"))
        if finding.hint:
            console.print(Text(f"    Type: {finding.hint}", style="bold"))
    console.print(Text(verdict(found), style="bold"))


def verdict(found: Sequence[tuple[Check, Finding]]) -> str:
    """One line."""
    levels = [finding.level for _, finding in found]
    if "failed" in levels:
        return f"NOT VERIFIED: {levels.count(levels[0].__class__.FAILED)} of {len(levels)} checks failed."
    if "warning" in levels:
        count = levels.count(levels[0].__class__.WARNING)
        return f"Storage works, with {count} warning{'s' if count > 1 else ''}."
    return "VERIFIED: messages of both directions are stored."


def _document(found: Sequence[tuple[Check, Finding]]) -> dict[str, Any]:
    return {
        "schema": "wa.verify/1",
        "verified": all(finding.level != "failed" for _, finding in found),
        "verdict": verdict(found),
        "checks": [
            {
                "name": check.name,
                "result": finding.level.value,
                "said": finding.said,
                "hint": finding.hint,
                "facts": dict(finding.facts),
                "details": list(finding.details),
            }
            for check, finding in found
        ],
    }
