"""Tables for programs: JSON, CSV and their like, written row by row, however many there are."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wa_cli.cli.tables import Table, plain_value

FORMS = ("json", "ndjson", "csv", "tsv")
Row = Mapping[str, Any]
_UNITS = {"span": "seconds", "percent": "fraction", "instant": "ISO 8601, UTC"}
_PHONE = re.compile(r"\+[0-9]+")
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def pieces(table: Table, form: str, rows: Iterable[Row]) -> Iterator[str]:
    """The text of one of FORMS, of a table with these rows instead of its own."""
    match form:
        case "json":
            return _document(table, rows)
        case "ndjson":
            return (json.dumps(_values(table, row), ensure_ascii=False) + "\n" for row in rows)
        case _:
            return _separated(table, rows, "," if form == "csv" else "\t")


def _document(table: Table, rows: Iterable[Row]) -> Iterator[str]:
    """Schema, parameters, columns with their units, how many rows are shown of how many there are, and the rows."""
    head = {
        "schema": f"wa.{table.name}/1",
        "title": table.title,
        "parameters": {key: plain_value(value) for key, value in table.parameters.items()},
        "columns": [
            {"key": c.key, "kind": c.kind, **({"unit": _UNITS[c.kind]} if c.kind in _UNITS else {})}
            for c in table.columns
        ],
        **({} if table.total is None else {"shown": len(table.rows), "total": table.total}),
    }
    yield json.dumps(head, ensure_ascii=False, indent=2).removesuffix("\n}") + ',\n  "rows": ['
    before = "\n"
    for row in rows:
        yield before + "    " + json.dumps(_values(table, row), ensure_ascii=False, indent=2).replace("\n", "\n    ")
        before = ",\n"
    yield "]\n}\n" if before == "\n" else "\n  ]\n}\n"


def _separated(table: Table, rows: Iterable[Row], separator: str) -> Iterator[str]:
    line = io.StringIO()
    writer = csv.writer(line, delimiter=separator, lineterminator="\n")
    writer.writerow([column.key for column in table.columns])
    yield line.getvalue()
    for row in rows:
        line.seek(0)
        line.truncate()
        writer.writerow([_harmless(_value(row[column.key], column.kind), column.kind) for column in table.columns])
        yield line.getvalue()


def _values(table: Table, row: Row) -> dict[str, Any]:
    return {column.key: _value(row[column.key], column.kind) for column in table.columns}


def _value(value: Any, kind: str) -> Any:
    """Spans to the millisecond: beyond that is noise of division."""
    value = plain_value(value)
    return round(value, 3) if kind == "span" and isinstance(value, float) else value


def _harmless(value: Any, kind: str) -> Any:
    """Text that a spreadsheet will not run as a formula. A number with its + is none."""
    if not isinstance(value, str) or not value.startswith(_FORMULA) or (kind == "phone" and _PHONE.fullmatch(value)):
        return value
    return f"'{value}"
