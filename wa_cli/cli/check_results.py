"""What checks found, for people and for programs: wa verify and wa doctor look alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wa_cli.cli import data_formats, tables
from wa_cli.errors import BadInput

if TYPE_CHECKING:
    from wa_cli.verify.base import Check, Finding

Chosen = Annotated[
    list[str] | None,
    typer.Option("--check", help="This check alone, by its name in --json; may be repeated.", metavar="NAME"),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the verdict alone.")]
_MARKS = {"ok": ("✓", "green"), "skipped": ("–", "dim"), "warning": ("!", "yellow"), "failed": ("✗", "red")}


@dataclass(frozen=True)
class Words:
    """The verdict of a command, in its words; `key` is where JSON says whether nothing failed."""

    command: str
    key: str
    well: str
    warned: str
    failed: str


def chosen(checks: Sequence[Check], names: Sequence[str]) -> list[Check]:
    """The checks of these names, or all of them where none is named. Raises BadInput for a name there is not."""
    known = [check.name for check in checks]
    if strange := [name for name in names if name not in known]:
        raise BadInput(f"There is no check {strange[0]!r}.", hint=f"One of {', '.join(known)}.")
    return [check for check in checks if not names or check.name in names]


def failed(found: Sequence[tuple[Check, Finding]]) -> list[str]:
    """The titles of the checks that failed."""
    return [check.title for check, finding in found if finding.level == "failed"]


def show(found: Sequence[tuple[Check, Finding]], words: Words, *, as_json: bool = False, quiet: bool = False) -> None:
    """Print what the checks found, and a verdict of one line."""
    if as_json:
        data_formats.print_json(_document(found, words), indent=2)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for check, finding in () if quiet else found:
        mark, colour = _MARKS[finding.level]
        console.print(Text.assemble((mark, colour), f" {check.title}: {tables.clean(finding.said)}"))
        for line in finding.details:
            console.print(Text(f"    {tables.clean(line)}", style="dim"))
        if finding.hint:
            console.print(Text(f"    Type: {tables.clean(finding.hint)}", style="bold"))
    console.print(Text(outcome(found, words), style="bold"))


def outcome(found: Sequence[tuple[Check, Finding]], words: Words) -> str:
    """One line."""
    levels = [finding.level.value for _, finding in found]
    if count := levels.count("failed"):
        return f"{words.failed}: {count} of {len(levels)} checks failed."
    if count := levels.count("warning"):
        return f"{words.warned}, with {count} warning{'s' if count > 1 else ''}."
    return words.well


def _document(found: Sequence[tuple[Check, Finding]], words: Words) -> dict[str, Any]:
    return {
        "schema": f"wa.{words.command}/1",
        words.key: not failed(found),
        "verdict": outcome(found, words),
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
