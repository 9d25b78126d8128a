"""Other programs read each format back with the same rows and run no formula or markup."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from wa_cli.cli import data_formats, render, spreadsheet, tables
from wa_cli.cli.tables import Column, Table

# Some spreadsheet program reads each of these as a formula after it drops or normalizes characters.
FORMULAS = [
    "=1+1",
    "@SUM(1)",
    "+1",
    "-2",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\N{NO-BREAK SPACE}=1+1",
    "\N{ZERO WIDTH NO-BREAK SPACE}=1+1",
    "\N{ZERO WIDTH SPACE}\N{IDEOGRAPHIC SPACE}\t +1",
    "\x1b=1+1",
    "\N{FULLWIDTH EQUALS SIGN}1+1",
    "\N{FULLWIDTH PLUS SIGN}1",
    "\N{FULLWIDTH HYPHEN-MINUS}1",
    "\N{FULLWIDTH COMMERCIAL AT}SUM(1)",
    "\N{SMALL PLUS SIGN}1",
    "\N{MINUS SIGN}1",
    " \N{FULLWIDTH EQUALS SIGN}1",
    "-",
    "=",
]
HARMLESS = ["hello", "a|b", "1+1", "'=1+1", "%0A=1+1", "hello =1", "", " ", "\N{EM DASH} none", "é=1"]
NASTY = [
    *FORMULAS,
    *HARMLESS,
    "hello\r=1+1",
    "hello\n=1+1",
    "hi;=1+1",
    "a\\|b",
    "a\\",
    "<script>alert(1)</script>",
    "![x](http://evil/p.png)",
    'say "hi"',
    "a\u2028b",
    "a\x00b",
    "\ufffe\uffff",
]
texts = st.one_of(st.sampled_from(NASTY), st.text(st.characters(codec="utf-8"), max_size=20))
rows = st.lists(st.tuples(texts, texts), max_size=5)


def table_of(rows: list[tuple[str, str]]) -> Table:
    columns = [Column("first", "First"), Column("second", "Second", "words")]
    return Table("t", "T", columns, [{"first": first, "second": second} for first, second in rows])


def would_run(cell: str) -> bool:
    """Return true if a spreadsheet would run the cell, judged by its first visible character after normalization."""
    visible = [c for c in unicodedata.normalize("NFKC", cell) if c.isprintable() and not c.isspace()]
    return cell[:1] in ("\t", "\r", "\n") or bool(visible and visible[0] in "=+-@\N{MINUS SIGN}")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_begins_like_a_formula_is_escaped(text: str) -> None:
    [_, row] = csv.reader(io.StringIO(render.text(table_of([(text, "x")]), "csv"), newline=""))

    assert row == [f"'{text}", "x"]


@pytest.mark.parametrize("text", HARMLESS)
def test_a_cell_that_is_not_a_formula_is_unchanged(text: str) -> None:
    [_, row] = csv.reader(io.StringIO(render.text(table_of([(text, "x")]), "csv"), newline=""))

    assert row == [text, "x"]


@given(rows)
def test_csv_and_tsv_are_read_back_with_the_same_rows_and_no_formula(rows: list[tuple[str, str]]) -> None:
    for form, separator in (("csv", ","), ("tsv", "\t")):
        text = render.text(table_of(rows), form)
        # Once with the original line breaks, and once with a reader that normalizes them.
        for read in (io.StringIO(text, newline=""), io.StringIO(text, newline=None)):
            [head, *found] = csv.reader(read, delimiter=separator)
            assert head == ["first", "second"]
            assert [len(row) for row in found] == [2] * len(rows)
            assert not any(would_run(cell) for row in found for cell in row)
        [_, *found] = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        written = [[cell.replace("\x00", "\ufffd") for cell in row] for row in rows]
        assert [[a.removeprefix("'"), b.removeprefix("'")] for a, b in found] == [
            [a.removeprefix("'"), b.removeprefix("'")] for a, b in written
        ]


@given(st.lists(texts, min_size=1, max_size=3))
def test_a_single_column_has_a_record_for_each_row(values: list[str]) -> None:
    table = Table("t", "T", [Column("only", "Only")], [{"only": value} for value in values])

    found = list(csv.reader(io.StringIO(render.text(table, "csv"), newline="")))

    assert [len(row) for row in found] == [1] * (1 + len(values))


@settings(max_examples=20)
@given(rows)
def test_a_spreadsheet_is_read_back_with_the_same_rows_and_no_formula(rows: list[tuple[str, str]]) -> None:
    sheet = load_workbook(io.BytesIO(spreadsheet.content(table_of(rows)))).worksheets[0]

    found = list(sheet.iter_rows(min_row=2))
    assert [len(row) for row in found] == [2] * len(rows)
    assert all(cell.data_type in ("s", "inlineStr") for row in found for cell in row)
    for row, expected in zip(found, rows, strict=True):
        for cell, text in zip(row, expected, strict=True):
            lines = text.replace("\r\n", "\n").replace("\r", "\n")
            assert (cell.value or "") == tables.xml_text(tables.CONTROL.sub("\ufffd", lines))


def test_a_spreadsheet_counts_characters_as_excel_does() -> None:
    sheet = load_workbook(io.BytesIO(spreadsheet.content(table_of([("😀" * 20_000, "x")])))).worksheets[0]

    held = sheet["A2"].value
    assert len(held.encode("utf-16-le")) // 2 <= 32_767
    assert held.endswith("😀…")


def test_a_spreadsheet_writes_unsupported_values_as_text() -> None:
    table = Table("t", "T", [Column("a", "A"), Column("b", "B", "number")], [{"a": {"x": 1}, "b": float("nan")}])

    sheet = load_workbook(io.BytesIO(spreadsheet.content(table))).worksheets[0]

    assert [cell.value for cell in sheet[2]] == ["{'x': 1}", "nan"]


@given(rows)
def test_markdown_has_the_same_cells_and_escapes_markup(rows: list[tuple[str, str]]) -> None:
    [_, _, *lines] = render.text(table_of(rows), "markdown").splitlines()

    assert len(lines) == len(rows)
    for line in lines:
        # GFM splits a row at each bar without a backslash before it.
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3
        assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]`]", line)
        assert "<" not in line
        assert ">" not in line


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a|b", r"a\|b"),
        (r"a\|b", r"a\\\|b"),
        ("<img src=x>", "&lt;img src=x&gt;"),
        ("![x](http://evil/p.png)", r"!\[x\](http://evil/p.png)"),
        ("&lt;script&gt;", "&amp;lt;script&amp;gt;"),
        ("*b* _i_ ~s~ `c` # h", r"\*b\* \_i\_ \~s\~ \`c\` \# h"),
    ],
)
def test_markdown_escapes_special_characters(text: str, written: str) -> None:
    assert written in render.text(table_of([(text, "x")]), "markdown")


@given(rows)
def test_html_has_the_same_cells_and_no_element_from_a_text(rows: list[tuple[str, str]]) -> None:
    cells = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in ("script", "img")
            if tag == "td":
                cells.append(dict(attrs))

    Reader().feed(render.fragment(table_of(rows)))

    assert len(cells) == 2 * len(rows)


@given(rows)
def test_plain_text_has_at_most_one_line_for_each_row(rows: list[tuple[str, str]]) -> None:
    assert len(render.text(table_of(rows), "plain").rstrip("\n").splitlines()) <= 1 + len(rows)


@given(texts)
def test_json_for_a_terminal_is_equal_and_has_no_control_characters(text: str) -> None:
    shown = data_formats.terminal_json(json.dumps({"text": text}, ensure_ascii=False))

    assert json.loads(shown) == {"text": text}
    assert not tables.CONTROL.search(shown)


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_json_for_a_terminal_escapes_control_characters_and_a_file_keeps_them(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    steering = "\x9b31m \x85 \u202e \u2066 \u200f \u061c \x1b[0m"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    render.show(table_of([(steering, "x")]), form)

    shown = capsys.readouterr().out
    for character in "\x9b\x85\u202e\u2066\u200f\u061c\x1b":
        assert character not in shown
        assert f"\\u{ord(character):04x}" in shown
    render.show(table_of([(steering, "x")]), form, tmp_path / "x")
    assert "\u202e" in (tmp_path / "x").read_text()


@given(st.text(max_size=30))
def test_every_format_can_show_any_text(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    table = Table("t", "T", [Column("text", "Text")], [{"text": text}])

    for form in ("plain", "json", "ndjson", "csv", "tsv", "markdown", "html"):
        assert render.text(table, form)
    assert json.loads(render.text(table, "json"))["rows"] == [{"text": text}]
