"""The performance of the database at two points in time: figures of the checks, saved to a file and compared with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from rich.filesize import decimal

from wa_cli.cli.tables import Column, Table
from wa_cli.errors import BadInput, system_reason

SCHEMA = "wa.doctor/2"
# The figures that are compared. Others, such as the number of scans, only grow.
UNITS = {"ms": "time", "bytes": "size", "rows": "rows", "cost": "planned cost"}
ALWAYS, NOTABLE = "ms", 0.1  # the unit whose figures are always shown; the change from which others are

Figures = Mapping[tuple[str, str], float]
_COLUMNS = [
    Column("figure", "Figure"),
    Column("of", "Of"),
    Column("before", "Before"),
    Column("now", "Now"),
    Column("change", "Change", "percent"),
]


def load(path: Path) -> Mapping[str, Any]:
    """Return a saved document. Raises BadInput if the file is not one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {system_reason(error)}.", hint="Write it with wa doctor --save.") from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA or not _has_facts(found.get("checks")):
        raise BadInput(f"{path} is not a file of wa doctor --save.", hint="Write it with wa doctor --save.")
    return found


def _has_facts(checks: Any) -> bool:
    return isinstance(checks, list) and all(
        isinstance(check, dict) and isinstance(check.get("facts"), dict) for check in checks
    )


def figures(document: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """Return the comparable figures of a document by their name and unit."""
    return {key: value for check in document["checks"] for key, value in _figures(check["facts"], ())}


def _figures(facts: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, str], float]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _figures(value, (*path, name))
        elif path and name in UNITS and isinstance(value, int | float) and isfinite(value):
            yield (path[-1], name), float(value)


def table(before: Figures, after: Figures) -> Table:
    """Return the figures of both documents, those that changed the most first within each unit."""
    rows = [_row(key, before.get(key), after.get(key)) for key in {**before, **after} if _is_shown(key, before, after)]
    order = list(UNITS.values())
    rows.sort(key=lambda row: (order.index(row["figure"]), -abs(row["change"] or 0.0), row["of"]))
    note = f"Times are always shown, other figures from a change of {NOTABLE:.0%} on."
    return Table("comparison", "Performance of the database", _COLUMNS, rows, note=note)


def _is_shown(key: tuple[str, str], before: Figures, after: Figures) -> bool:
    change = _change(before.get(key), after.get(key))
    return key[1] == ALWAYS or change is None or abs(change) >= NOTABLE


def _change(before: float | None, after: float | None) -> float | None:
    if before == after:
        return 0.0
    return after / before - 1 if before and after is not None else None


def _row(key: tuple[str, str], before: float | None, after: float | None) -> dict[str, Any]:
    name, unit = key
    return {
        "figure": UNITS[unit],
        "of": name,
        "before": _written(before, unit),
        "now": _written(after, unit),
        "change": _change(before, after),
    }


def _written(value: float | None, unit: str) -> str | None:
    if value is None:
        return None
    return f"{value:,.1f} ms" if unit == "ms" else decimal(int(value)) if unit == "bytes" else f"{value:,.0f}"
