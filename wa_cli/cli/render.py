"""The output of a table: at a terminal, in a pipe, in a file."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from wa_cli.cli import charts, data_formats, output_file
from wa_cli.cli.data_formats import Row
from wa_cli.cli.tables import CONTROL, Column, Table, cell, local
from wa_cli.counted import counted
from wa_cli.errors import BadInput
from wa_cli.reports.page import document

ALIASES = {"md": "markdown", "txt": "plain", "htm": "html", "jsonl": "ndjson"}
FILES = ("xlsx", *charts.FORMS)  # formats of files only
FORMATS = ("table", "plain", "json", "ndjson", "csv", "tsv", "markdown", "html")
_SHORT_KINDS = ("phone", "instant", "date")
_MARKDOWN = re.compile(r"[\\`*_\[\]|~#]")


def show(table: Table, form: str | None = None, output: Path | None = None) -> None:
    """Print the table, or write it to a file in the format of its suffix."""
    chosen = form or ("table" if sys.stdout.isatty() else "plain")
    if table.cut and (output is not None or chosen in data_formats.FORMS or not table.note):
        print(table.cut, file=sys.stderr)
    if output is not None:
        _write(table, output, form_of(output, form))
        return
    if chosen == "table":
        from wa_cli.cli.terminal import print_table

        print_table(table)
    else:
        _print(text(table, chosen), chosen)
        sys.stdout.flush()
        if chosen == "plain" and table.note:
            print(table.note, file=sys.stderr)


def stream(table: Table, rows: Iterable[Row], form: str | None = None, output: Path | None = None) -> None:
    """Print more rows than fit memory, like `show`, if the format can be written row by row."""
    chosen = form if output is None else form_of(output, form)
    if chosen not in data_formats.FORMS:
        show(replace(table, rows=list(rows)), form, output)
    elif output is None:
        for piece in data_formats.pieces(table, chosen, rows):
            _print(piece, chosen)
    else:
        output_file.write(output, data_formats.pieces(table, chosen, rows))


def text(table: Table, form: str) -> str:
    """Return the table as text of that format."""
    if form in data_formats.FORMS:
        return "".join(data_formats.pieces(table, form, table.rows))
    if form in ("markdown", "plain"):
        return _tabulated(table, "github" if form == "markdown" else "plain")
    if form == "html":
        note = f"<p class='pale'>{html.escape(table.note)}</p>\n" if table.note else ""
        return document(table.title, f"<div class='wide'>{fragment(table)}</div>{note}")
    raise BadInput(f"{form!r} is not a format.", hint=f"Use one of {', '.join(FORMATS)}, or xlsx for a file.")


def _print(content: str, form: str) -> None:
    if sys.stdout.isatty():
        content = (
            data_formats.terminal_json(content)
            if form in data_formats.JSON_FORMS
            else CONTROL.sub("\N{REPLACEMENT CHARACTER}", content)
        )
    sys.stdout.write(content)


def _tabulated(table: Table, form: str) -> str:
    from tabulate import tabulate

    table = local(table)
    escaped = _markdown if form == "github" else str
    cells = [[escaped(cell(row[c.key], c.kind)) for c in table.columns] for row in table.rows]
    lines = tabulate(
        cells,
        headers=[escaped(c.label) for c in table.columns],
        tablefmt=form,
        disable_numparse=True,
        colalign=["right" if c.is_number else "left" for c in table.columns] if cells else None,
    )
    return lines + "\n" + (f"\n{table.note}\n" if table.note and form == "github" else "")


def _markdown(text: str) -> str:
    """Return text that Markdown shows literally: no HTML, no link, no image, no second cell."""
    return html.escape(_MARKDOWN.sub(r"\\\g<0>", text), quote=False)


def fragment(table: Table) -> str:
    """Return the table as HTML, for a page with a style for it."""
    table = local(table)
    classes = {
        c.key: "number" if c.is_number else "plain" if c.kind in _SHORT_KINDS else "words" for c in table.columns
    }
    head = "".join(f"<th class='{classes[c.key]}'>{html.escape(c.label)}</th>" for c in table.columns)

    def td(row: Row, column: Column) -> str:
        shown, kind = html.escape(cell(row[column.key], column.kind)), classes[column.key]
        inner = f"<div>{shown}</div>" if kind == "words" else shown
        return f"<td class='{kind}' data-label='{html.escape(column.label)}'>{inner}</td>"

    body = "".join(f"<tr>{''.join(td(row, column) for column in table.columns)}</tr>\n" for row in table.rows)
    caption = f"<caption>{html.escape(table.title)}</caption>"
    kind = "wordy" if any(column.kind == "words" for column in table.columns) else "plain"
    return f"<table class='{kind}'>\n{caption}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def form_of(output: Path, form: str | None) -> str:
    """Return the format of the file's suffix, or the chosen one. Raises BadInput for none, for two, or for a missing
    folder, before anything is queried.
    """
    output_file.check(output)
    ending = output.suffix.lstrip(".").lower()
    if not form and not ending:
        raise BadInput(
            f"The suffix of {str(output)!r} is not a format.",
            hint="Use a suffix such as .csv, .xlsx, .json, .md or .html.",
        )
    named = ALIASES.get(ending, ending)
    if form and form != named and named in (*FORMATS, *FILES):
        raise BadInput(
            f"The suffix of {output} is not of the format {form}.", hint="Leave out --format, or choose another suffix."
        )
    if not form and named not in (*FORMATS, *FILES):
        raise BadInput(f"{named!r} is not a format.", hint=f"Use one of {', '.join(FORMATS[1:])}, {', '.join(FILES)}.")
    return form or named


def _write(table: Table, output: Path, form: str) -> None:
    if form == "xlsx":
        from wa_cli.cli import spreadsheet

        output_file.write(output, [spreadsheet.content(table)])
        if cut := spreadsheet.cut_cells(table):
            print(f"{counted(cut, 'text')} cut to the limit of a cell.", file=sys.stderr)
    else:
        output_file.write(output, [text(table, form)])
