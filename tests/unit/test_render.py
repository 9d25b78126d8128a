from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from wa_cli.cli import render, tables
from wa_cli.cli.tables import Column, Table
from wa_cli.errors import BadInput, DatabaseUnavailable
from wa_cli.reports import heatmap

TABLE = Table(
    "sample",
    "A sample",
    [
        Column("name", "Name"),
        Column("count", "Count", "integer"),
        Column("wait", "Wait", "span"),
        Column("share", "Share", "percent"),
        Column("at", "At", "instant"),
    ],
    [
        {"name": "Ana | Co", "count": 1234, "wait": 3725.0, "share": 0.5, "at": datetime(2026, 11, 23, 9, 5)},
        {"name": '=HYPERLINK("x")', "count": 0, "wait": None, "share": 1, "at": None},
    ],
)


def test_plain_output_is_complete_and_without_colour() -> None:
    assert render.text(TABLE, "plain").splitlines() == [
        "Name               Count    Wait    Share  At",
        "Ana | Co           1,234   1h 2m     50 %  2026-11-23 09:05",
        '=HYPERLINK("x")        0       —    100 %  —',
    ]


def test_markdown_keeps_a_bar_inside_its_cell() -> None:
    assert "Ana \\| Co" in render.text(TABLE, "markdown")


def test_json_has_schema_units_and_raw_values() -> None:
    content = json.loads(render.text(TABLE, "json"))

    assert content["schema"] == "wa.sample/1"
    assert content["columns"][2] == {"key": "wait", "kind": "span", "unit": "seconds"}
    assert content["rows"][0] == {
        "name": "Ana | Co",
        "count": 1234,
        "wait": 3725.0,
        "share": 0.5,
        "at": "2026-11-23T09:05:00",
    }


def test_csv_escapes_a_formula() -> None:
    assert render.text(TABLE, "csv").splitlines()[2].startswith('"\'=HYPERLINK(""x"")",0')


def test_a_phone_number_is_not_escaped_as_a_formula() -> None:
    table = Table("t", "T", [Column("p", "P", "phone"), Column("t", "T")], [{"p": "+123", "t": "+SUM(1)"}])

    assert render.text(table, "csv").splitlines()[1] == "+123,'+SUM(1)"


def test_plain_output_has_the_time_zone_of_the_table_and_json_has_utc() -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    table = Table("t", "T", [Column("at", "At", "instant")], [{"at": noon}], zone="Asia/Kolkata")

    assert "2026-11-23 17:30" in render.text(table, "plain")
    assert json.loads(render.text(table, "json"))["rows"] == [{"at": "2026-11-23T12:00:00+00:00"}]


def test_the_note_is_printed_for_people_and_left_out_of_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    noted = replace(TABLE, note="7 days; hours in UTC & more.")

    render.show(noted, "plain")

    captured = capsys.readouterr()
    assert captured.out == render.text(TABLE, "plain")
    assert captured.err == "7 days; hours in UTC & more.\n"
    assert render.text(noted, "markdown").endswith("\n\n7 days; hours in UTC & more.\n")
    assert "<p class='pale'>7 days; hours in UTC &amp; more.</p>" in render.text(noted, "html")
    assert render.text(noted, "csv") == render.text(TABLE, "csv")


def test_html_escapes_special_characters() -> None:
    content = render.text(TABLE, "html")

    assert "<div>=HYPERLINK(&quot;x&quot;)</div></td>" in content
    assert content.startswith("<!doctype html>")


def test_the_file_extension_selects_the_format(tmp_path: Path) -> None:
    for ending, form in (("csv", "csv"), ("md", "markdown"), ("txt", "plain"), ("json", "json")):
        render.show(TABLE, output=tmp_path / f"x.{ending}")
        assert (tmp_path / f"x.{ending}").read_text() == render.text(TABLE, form)
    with pytest.raises(BadInput):
        render.show(TABLE, output=tmp_path / "x.docx")


@pytest.mark.parametrize("form", ["json", "ndjson", "csv", "tsv", "markdown"])
def test_streamed_rows_give_the_same_file(tmp_path: Path, form: str) -> None:
    for rows in ([], list(TABLE.rows)):
        table = replace(TABLE, rows=rows)
        render.stream(replace(TABLE, rows=[]), iter(rows), form, tmp_path / "x")
        assert (tmp_path / "x").read_text() == render.text(table, form)
    assert json.loads(render.text(TABLE, "json"))["rows"][0]["name"] == "Ana | Co"


def test_a_failed_stream_leaves_the_previous_file_unchanged(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("before")

    def broken() -> Iterator[dict[str, Any]]:
        yield dict(TABLE.rows[0])
        raise DatabaseUnavailable("away")

    with pytest.raises(DatabaseUnavailable):
        render.stream(TABLE, broken(), None, tmp_path / "x.csv")

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x.csv", "before")]


def test_control_characters_in_a_customers_text_are_replaced() -> None:
    assert tables.clean("a\x1b[31mred\x07\nb\u202e") == "a\ufffd[31mred\ufffd b\ufffd"


WAITING = Table(
    "waiting",
    "Waiting",
    [
        Column("customer", "Customer", "phone"),
        Column("n", "Msgs", "integer"),
        Column("content", "Last message", "words"),
    ],
    [
        {"customer": "+15551234567", "n": 1, "content": "word " * 800},
        {"customer": "+15557654321", "n": 12, "content": "مرحبا 😀 hello"},
    ],
)


LONG = {"customer": "US." + "A1" * 30, "n": 3, "content": "漢字" * 900}


@pytest.mark.parametrize("width", [30, 40, 80, 120])
def test_a_table_fits_the_terminal_width_and_limits_the_height_of_a_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))

    render.show(replace(WAITING, rows=[*WAITING.rows, LONG]), "table")

    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert all(cell_len(line) <= width for line in lines)
    assert len(lines) <= (3 * 10 if width <= 40 else 3 + 3 * 2)
    assert "…" in "".join(lines)


def test_columns_move_closer_and_their_headings_wrap_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "41")
    columns = [Column(key, f"Longest {key}", "integer") for key in "abcde"]

    render.show(Table("t", "T", columns, [dict.fromkeys("abcde", 1)] * 2), "table")

    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[1:3] == [["Longest"] * 5, list("abcde")]
    assert lines[4:] == [["1"] * 5] * 2


def test_columns_are_listed_vertically_on_a_very_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")

    render.show(WAITING, "table")

    out = capsys.readouterr().out
    assert "Customer" in out
    assert "+15551234567" in out
    assert out.count("Last message") == 2


def test_a_single_row_of_many_figures_is_listed_vertically(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    columns = [Column(key, key.upper(), "integer") for key in "abcdefgh"]

    render.show(Table("t", "T", columns, [dict.fromkeys("abcdefgh", 1234)]), "table")

    assert capsys.readouterr().out.split()[:3] == ["T", "A", "1,234"]


def test_a_table_without_rows_shows_the_word_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    render.show(Table("t", "Dead letters", [Column("a", "A")], []), "table")

    assert capsys.readouterr().out.split() == ["Dead", "letters", "No", "rows."]


def test_a_file_without_rows_has_only_its_header() -> None:
    empty = Table("t", "T", [Column("a", "A"), Column("b", "B", "integer")], [])

    assert render.text(empty, "csv") == "a,b\n"
    assert render.text(empty, "plain").split() == ["A", "B"]
    assert json.loads(render.text(empty, "json"))["rows"] == []


def drawn(width: int) -> list[str]:
    rows = [{"day": day, "hour": hour, "n": hour} for day in ("Mon", "Tue") for hour in range(24)]
    lines = heatmap.lines(heatmap.grid(rows, "day", "hour", "n", is_span=False), width)
    return ["".join(piece.text for piece in line).rstrip() for line in lines]


def test_a_heatmap_is_readable_without_colour_and_fits_eighty_columns() -> None:
    lines = drawn(80)

    assert all(len(line) <= 80 for line in lines)
    assert lines[1].startswith("Mon     ░░ ░░")
    assert lines[1].endswith("██")
    assert lines[-1].strip() == "░░ to 5  ▒▒ to 11  ▓▓ to 17  ██ to 23"


def test_a_narrow_heatmap_lists_its_hours_vertically() -> None:
    lines = drawn(40)

    assert lines[0].split() == ["Mon", "Tue"]
    assert lines[1:3] == ["0", "1   ░░░ ░░░"]
    assert lines[24] == "23  ███ ███"


def test_only_a_count_of_zero_has_a_blank_shade() -> None:
    grid = heatmap.Grid(["Mon"], ["0"], [[1000, 1, 0]])

    assert [grid.shade(count) for count in (0, 1, 500, 1000)] == [0, 1, 2, 4]


def test_one_outlier_does_not_give_all_other_durations_the_same_shade() -> None:
    grid = heatmap.Grid(["Mon"], list("01234"), [[60, 120, 180, 240, 90_000]], is_span=True)

    assert [grid.shade(span) for span in grid.cells[0]] == [1, 1, 2, 3, 4]
    assert grid.legend == [(1, "to 2m"), (2, "to 3m"), (3, "to 4m"), (4, "to 1d 1h")]


def test_a_heatmap_of_zeros_has_no_legend() -> None:
    assert heatmap.Grid(["Mon"], ["0"], [[0]]).legend == []
