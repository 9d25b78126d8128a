"""Spreadsheets for Excel, with cell types that formulas can calculate with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from wa_cli.cli import render, spreadsheet
from wa_cli.cli.tables import Column, Table
from wa_cli.errors import BadInput

COLUMNS = [
    Column("name", "Name"),
    Column("count", "Count", "integer"),
    Column("wait", "Wait", "span"),
    Column("share", "Share", "percent"),
    Column("at", "At", "instant"),
    Column("day", "Day", "date"),
]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROW = {"name": "Ana", "count": 1234, "wait": 3725.0, "share": 0.5, "at": NOON, "day": date(2026, 11, 23)}


def opened(table: Table, folder: Path) -> Any:
    render.show(table, output=folder / "t.xlsx")
    return load_workbook(folder / "t.xlsx")


def test_a_text_that_is_longer_than_a_cell_is_counted(tmp_path: Path) -> None:
    table = Table("t", "T", [Column("text", "Text", "words")], [{"text": "x" * 40_000}, {"text": "short"}])

    book = opened(table, tmp_path)

    assert spreadsheet.cut_cells(table) == 1
    assert "1 text cut to 32,767 characters" in str([cell.value for row in book.worksheets[1] for cell in row])


def test_each_column_kind_has_its_spreadsheet_type_and_format(tmp_path: Path) -> None:
    nothing = dict.fromkeys(ROW)

    sheet = opened(Table("t", "T", COLUMNS, [ROW, nothing], zone="Asia/Kolkata"), tmp_path).active

    assert [cell.value for cell in sheet[1]] == ["Name", "Count", "Wait", "Share", "At (Asia/Kolkata)", "Day"]
    assert [cell.value for cell in sheet[2]] == [
        "Ana",
        1234,
        timedelta(hours=1, minutes=2, seconds=5),
        0.5,
        datetime(2026, 11, 23, 17, 30),
        datetime(2026, 11, 23),
    ]
    assert [cell.number_format for cell in sheet[2]][1:4] == ["#,##0", "[h]:mm:ss", "0 %"]
    assert {cell.value for cell in sheet[3]} == {None}
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:F3"


def test_a_second_sheet_lists_the_title_the_parameters_and_the_note(tmp_path: Path) -> None:
    book = opened(Table("t", "A title", COLUMNS, [ROW], note="7 days.", parameters={"since": NOON}), tmp_path)

    assert {row[0].value: row[1].value for row in book["About"].iter_rows()} == {
        "Table": "A title",
        "since": "2026-11-23T12:00:00+00:00",
        "Note": "7 days.",
        "Times": "In UTC. Durations are hours, minutes and seconds.",
    }


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ('=HYPERLINK("x")', '=HYPERLINK("x")'),
        ("esc\x1b[0m", "esc\ufffd[0m"),
        ("x" * 40_000, "x" * 32_766 + "…"),
        ("مرحبا 😀", "مرحبا 😀"),
    ],
)
def test_a_text_cell_never_becomes_a_formula(tmp_path: Path, given: str, held: str) -> None:
    sheet = opened(Table("t", "T", [Column("name", "Name")], [{"name": given}]), tmp_path).active

    assert (sheet["A2"].value, sheet["A2"].data_type) == (held, "s")


def test_a_time_before_the_first_date_of_excel_is_written_as_text(tmp_path: Path) -> None:
    early = datetime(1899, 12, 31, tzinfo=UTC)

    sheet = opened(Table("t", "T", [Column("at", "At", "instant")], [{"at": early}]), tmp_path).active

    assert sheet["A2"].value == "1899-12-31T00:00:00+00:00"


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 2)

    with pytest.raises(BadInput, match="at most 1 row, not 2"):
        opened(Table("t", "T", COLUMNS, [ROW, ROW]), tmp_path)
