"""Tables for programs: JSON, CSV and similar formats, written row by row."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from wa_cli.cli.tables import Table, plain_value

JSON_FORMS = ("json", "ndjson")
FORMS = (*JSON_FORMS, "csv", "tsv")
Row = Mapping[str, Any]
_UNITS = {"span": "seconds", "percent": "fraction", "instant": "ISO 8601, UTC"}
_PHONE = re.compile(r"\+[0-9]+")
# A field with a common separator, quote or line break is quoted. Python's csv writer before 3.11.9 does not quote a
# bare CR, and a reader may use the separator of another country.
_QUOTED = re.compile('[",;|\t\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]|^ | $')
# The first character of a formula, after compatibility normalization. The minus sign has no such form.
_FORMULA = ("=", "+", "-", "@", "\N{MINUS SIGN}")
# Characters that control a terminal, and marks that change the text direction.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
# A spreadsheet drops these before it looks for a formula.
_DROPPED = ("\t", "\r", "\n")


def pieces(table: Table, form: str, rows: Iterable[Row]) -> Iterator[str]:
    """Yield the text of one of FORMS, with these rows instead of the table's own."""
    match form:
        case "json":
            return _document(table, rows)
        case "ndjson":
            return (json.dumps(_values(table, row), ensure_ascii=False) + "\n" for row in rows)
        case _:
            return _separated(table, rows, "," if form == "csv" else "\t")


def print_json(value: Any, *, indent: int | None = None) -> None:
    """Print one JSON document, without characters that control a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    print(terminal_json(text) if sys.stdout.isatty() else text, flush=True)


def terminal_json(text: str) -> str:
    """Return the same JSON, with escapes for characters that control a terminal or change the text direction."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _document(table: Table, rows: Iterable[Row]) -> Iterator[str]:
    """Yield schema, parameters, columns with their units, shown and total rows, and the rows."""
    head = {
        "schema": f"wa.{table.name}/1",
        "title": table.title,
        "parameters": {key: plain_value(value) for key, value in table.parameters.items()},
        "columns": [
            {"key": c.key, "kind": c.kind, **({"unit": _UNITS[c.kind]} if c.kind in _UNITS else {})}
            for c in table.columns
        ],
        **({} if table.total is None else {"shown": len(table.rows), "total": table.total}),
        **table.facts,
    }
    yield json.dumps(head, ensure_ascii=False, indent=2).removesuffix("\n}") + ',\n  "rows": ['
    before = "\n"
    for row in rows:
        yield before + "    " + json.dumps(_values(table, row), ensure_ascii=False, indent=2).replace("\n", "\n    ")
        before = ",\n"
    yield "]\n}\n" if before == "\n" else "\n  ]\n}\n"


def _separated(table: Table, rows: Iterable[Row], separator: str) -> Iterator[str]:
    yield _record([_harmless(column.key, "text") for column in table.columns], separator)
    for row in rows:
        values = (_harmless(_value(row[column.key], column.kind), column.kind) for column in table.columns)
        yield _record(["" if value is None else str(value) for value in values], separator)


def _record(fields: Sequence[str], separator: str) -> str:
    """Return one record of a file. A single empty field is quoted, since an empty line is not a record."""
    if fields == [""]:
        return '""\n'
    return separator.join(map(_field, fields)) + "\n"


def _field(text: str) -> str:
    text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return '"{}"'.format(text.replace('"', '""')) if _QUOTED.search(text) else text


def _values(table: Table, row: Row) -> dict[str, Any]:
    return {column.key: _value(row[column.key], column.kind) for column in table.columns}


def _value(value: Any, kind: str) -> Any:
    """Return the value, with durations to the millisecond."""
    value = plain_value(value)
    return round(value, 3) if kind == "span" and isinstance(value, float) else value


def _harmless(value: Any, kind: str) -> Any:
    """Return text that a spreadsheet does not run as a formula. A phone number with its + is harmless."""
    if not isinstance(value, str) or not _is_formula(value) or (kind == "phone" and _PHONE.fullmatch(value)):
        return value
    return f"'{value}"


def _is_formula(text: str) -> bool:
    """Return True if a spreadsheet may run it. Spaces, control and invisible characters before the first sign are
    ignored.
    """
    first = next((character for character in text if not _is_invisible(character)), "")
    return text.startswith(_DROPPED) or unicodedata.normalize("NFKC", first).startswith(_FORMULA)


def _is_invisible(character: str) -> bool:
    """Return True for white space, and for a control, format, combining or unassigned character."""
    return character.isspace() or unicodedata.category(character)[0] in "CMZ"
