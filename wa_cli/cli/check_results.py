"""Results of checks, for people and for programs. `wa verify` and `wa doctor` print them alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wa_cli.cli import data_formats, tables
from wa_cli.errors import BadInput

if TYPE_CHECKING:
    from wa_cli.checks.catalogue import Check, Found

Chosen = Annotated[
    list[str] | None,
    typer.Option("--check", help="Run this check only, by its name in --json. May be repeated.", metavar="NAME"),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the summary line only.")]
_MARKS = {"ok": ("✓", "green"), "skipped": ("–", "dim"), "warning": ("!", "yellow"), "failed": ("✗", "red")}


@dataclass(frozen=True)
class Words:
    """The summary line of a command. `key` is the JSON member that is true if no check failed."""

    command: str
    key: str
    passed: str
    warned: str
    failed: str


def chosen(checks: Sequence[Check], names: Sequence[str]) -> list[Check]:
    """Return the checks of these names, or all of them without names. Raises BadInput for an unknown name."""
    known = [check.name for check in checks]
    if unknown := [name for name in names if name not in known]:
        raise BadInput(f"Unknown check {unknown[0]!r}.", hint=f"Use one of {', '.join(known)}.")
    return [check for check in checks if not names or check.name in names]


def failed(found: Found) -> list[str]:
    """Return the titles of the checks that failed."""
    return [check.title for check, finding in found if finding.level == "failed"]


def show(found: Found, words: Words, *, as_json: bool = False, quiet: bool = False) -> None:
    """Print the results of the checks, and one summary line."""
    if as_json:
        data_formats.print_json(document(found, words), indent=2)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for check, finding in () if quiet else found:
        mark, colour = _MARKS[finding.level]
        console.print(Text.assemble((mark, colour), f" {check.title}: {tables.clean(finding.message)}"))
        for line in finding.details:
            console.print(Text(f"    {tables.clean(line)}", style="dim"))
        if finding.hint:
            console.print(Text(f"    hint: {tables.clean(finding.hint)}", style="bold"))
        if finding.command:
            console.print(Text(f"    run: {tables.clean(finding.command)}", style="bold"))
    console.print(Text(summary(found, words), style="bold"))


def summary(found: Found, words: Words) -> str:
    """Return the summary line."""
    levels = [finding.level.value for _, finding in found]
    if count := levels.count("failed"):
        return f"{words.failed}: {count} of {len(levels)} checks failed."
    if count := levels.count("warning"):
        return f"{words.warned}, with {count} warning{'s' if count > 1 else ''}."
    return words.passed


def document(found: Found, words: Words) -> dict[str, Any]:
    """Return the results as --json prints them."""
    return {
        "schema": f"wa.{words.command}/2",
        words.key: not failed(found),
        "summary": summary(found, words),
        "checks": [
            {
                "name": check.name,
                "result": finding.level.value,
                "message": finding.message,
                "command": finding.command,
                "hint": finding.hint,
                "facts": dict(finding.facts),
                "details": list(finding.details),
            }
            for check, finding in found
        ],
    }
