"""Every way to show a table: for a person at a terminal, for a pipe, for a file."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wa_cli.cli.tables import CONTROL, Table, cell, local, plain_value
from wa_cli.errors import BadInput

FORMATS = ("table", "plain", "json", "ndjson", "csv", "tsv", "markdown", "html")
_PHONE = re.compile(r"\+[0-9]+")
_SHORT_KINDS = ("phone", "instant", "date")
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def show(table: Table, form: str | None = None, output: Path | None = None) -> None:
    """Print the table, or write it to a file whose ending says the form."""
    if output is not None:
        _write(table, output, form)
        return
    chosen = form or ("table" if sys.stdout.isatty() else "plain")
    if chosen == "table":
        from wa_cli.cli.terminal import print_table

        print_table(table)
    else:
        said = text(table, chosen)
        sys.stdout.write(CONTROL.sub("\N{REPLACEMENT CHARACTER}", said) if sys.stdout.isatty() else said)
        sys.stdout.flush()
        if chosen == "plain" and table.note:
            print(table.note, file=sys.stderr)


def text(table: Table, form: str) -> str:
    """The table as text of that form."""
    match form:
        case "json":
            return json.dumps(document(table), ensure_ascii=False, indent=2) + "\n"
        case "ndjson":
            return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _values(table))
        case "csv" | "tsv":
            return _separated(table, "," if form == "csv" else "\t")
        case "markdown" | "plain":
            return _tabulated(table, "github" if form == "markdown" else "plain")
        case "html":
            return _html(table)
        case _:
            raise BadInput(f"{form!r} is not a format.", hint=f"One of {', '.join(FORMATS)}; for a file xlsx too.")


def document(table: Table) -> dict[str, Any]:
    """What JSON says: schema, parameters, columns with their units, rows."""
    units = {"span": "seconds", "percent": "fraction", "instant": "ISO 8601, UTC"}
    return {
        "schema": f"wa.{table.name}/1",
        "title": table.title,
        "parameters": {key: plain_value(value) for key, value in table.parameters.items()},
        "columns": [
            {"key": c.key, "kind": c.kind, **({"unit": units[c.kind]} if c.kind in units else {})}
            for c in table.columns
        ],
        "rows": _values(table),
    }


def _values(table: Table) -> list[dict[str, Any]]:
    return [{column.key: plain_value(row[column.key]) for column in table.columns} for row in table.rows]


def _tabulated(table: Table, form: str) -> str:
    from tabulate import tabulate

    table = local(table)
    cells = [[cell(row[c.key], c.kind) for c in table.columns] for row in table.rows]
    if form == "github":
        cells = [[value.replace("|", "\\|") for value in row] for row in cells]
    lines = tabulate(
        cells,
        headers=[c.label for c in table.columns],
        tablefmt=form,
        disable_numparse=True,
        colalign=["right" if c.is_number else "left" for c in table.columns] if cells else None,
    )
    return lines + "\n" + (f"\n{table.note}\n" if table.note and form == "github" else "")


def _separated(table: Table, separator: str) -> str:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=separator, lineterminator="\n")
    writer.writerow([column.key for column in table.columns])
    for row in _values(table):
        writer.writerow([_harmless(row[column.key], column.kind) for column in table.columns])
    return written.getvalue()


def _harmless(value: Any, kind: str) -> Any:
    """Text that a spreadsheet will not run as a formula. A number with its + is none."""
    if not isinstance(value, str) or not value.startswith(_FORMULA) or (kind == "phone" and _PHONE.fullmatch(value)):
        return value
    return f"'{value}"


def _html(table: Table) -> str:
    table = local(table)
    classes = {
        c.key: "number" if c.is_number else "plain" if c.kind in _SHORT_KINDS else "words" for c in table.columns
    }
    head = "".join(f"<th class='{classes[c.key]}'>{html.escape(c.label)}</th>" for c in table.columns)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td class='{classes[c.key]}' data-label='{html.escape(c.label)}'>{html.escape(cell(row[c.key], c.kind))}</td>"
            for c in table.columns
        )
        + "</tr>\n"
        for row in table.rows
    )
    caption = f"<caption>{html.escape(table.title)}</caption>"
    kind = "wordy" if any(column.kind == "words" for column in table.columns) else "plain"
    note = f"<p class='note'>{html.escape(table.note)}</p>\n" if table.note else ""
    return (
        f"<table class='{kind}'>\n{caption}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n{note}"
    )


@contextmanager
def written(output: Path) -> Iterator[None]:
    """While a file is written: what the system says to it is a sentence. Raises BadInput."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"{output} cannot be written: {error.strerror}.") from None


def _write(table: Table, output: Path, form: str | None) -> None:
    ending = output.suffix.lstrip(".").lower()
    if not form and not ending:
        raise BadInput(
            f"The name {str(output)!r} does not end in a format.", hint="Like .csv, .xlsx, .json, .md or .html."
        )
    known = {"md": "markdown", "txt": "plain", "htm": "html", "jsonl": "ndjson"}
    chosen = form or known.get(ending, ending)
    with written(output):
        if chosen == "xlsx":
            from wa_cli.cli import spreadsheet

            spreadsheet.write(table, output)
        else:
            output.write_text(text(table, chosen), encoding="utf-8")
