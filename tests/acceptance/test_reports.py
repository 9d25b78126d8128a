"""wa report, conversation, search and export: formats, files, charts, custom reports and `--fail-above`."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from tests.acceptance.conftest import Shell
from tests.support.waiting import line_with
from wa_cli.reports import catalogue

HOSTILE = '=HYPERLINK("http://x","y")'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Return a shell whose database is the demo's, with thirty days of history."""
    folder = tmp_path_factory.mktemp("shop")
    shell = Shell(folder, {"WA_SANDBOX_PORT": "0", "WA_TIMEZONE": "Europe/Berlin"})
    shell.wa("demo", timeout=120)
    url = shell.wa("db", "url").stdout.strip()
    shell.environ |= {"WA_DATABASE_URL": url.replace("/wa?", "/wa_demo?"), "WA_CLOUD_API_URL": "sandbox"}
    yield shell
    shell.environ = {"WA_SANDBOX_PORT": "0"}
    shell.wa("db", "stop")


def first_sheet(path: Path) -> Worksheet:
    sheet = load_workbook(path).active
    assert isinstance(sheet, Worksheet)
    return sheet


@pytest.mark.parametrize("report", catalogue.reports(), ids=lambda report: report.name)
def test_every_report_has_the_same_columns_and_rows_in_every_format(shop: Shell, report: catalogue.Report) -> None:
    document = json.loads(shop.wa("report", report.name, "--json").stdout)
    keys = [column["key"] for column in document["columns"]]
    lines = shop.wa("report", report.name, "--format", "ndjson").stdout.splitlines()
    table = list(csv.DictReader(io.StringIO(shop.wa("report", report.name, "--format", "csv").stdout)))

    assert document["schema"] == f"wa.{report.name}/1"
    assert {"since", "until", "tz"} <= document["parameters"].keys()
    assert [list(json.loads(line)) for line in lines] == [keys] * len(document["rows"])
    assert [list(row) for row in table] == [keys] * len(document["rows"])
    assert document["rows"] or report.name == "errors"
    assert shop.wa("report", report.name).stdout.strip()
    assert shop.wa("report", report.name, "--explain").stdout.count("that are not counted:") == 1
    assert shop.wa("report", "sql", report.name).stdout.rstrip().endswith(";")


@pytest.mark.parametrize("width", ["80", "40", "200"])
@pytest.mark.parametrize("name", ["volume", "response-times", "unanswered", "heatmap", "employees"])
def test_no_line_is_wider_than_the_terminal(shop: Shell, width: str, name: str) -> None:
    shop.environ["COLUMNS"] = width
    said = shop.wa("report", name, "--format", "table").stdout
    shop.environ.pop("COLUMNS")

    assert max(map(len, said.splitlines())) <= int(width)


def test_output_files_hold_the_same_rows_as_the_printed_report(shop: Shell) -> None:
    rows = json.loads(shop.wa("report", "types", "--json").stdout)["rows"]
    for ending in ("csv", "tsv", "json", "md", "html", "txt", "xlsx"):
        shop.wa("report", "types", "-o", f"types.{ending}")
    sheet = first_sheet(shop.folder / "types.xlsx")

    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == [row["type"] for row in rows]
    assert json.loads((shop.folder / "types.json").read_text())["rows"] == rows
    assert "Cannot write" in shop.wa("report", "types", "-o", "no/such/folder.csv", code=2).stderr


def test_charts_are_written_as_svg_and_png(shop: Shell) -> None:
    shop.wa("report", "heatmap", "--metric", "response", "-o", "heat.svg")
    shop.wa("report", "volume", "--by", "day", "--since", "7d", "-o", "volume.png")

    drawn = ElementTree.fromstring((shop.folder / "heat.svg").read_text())  # noqa: S314 — our own
    assert len(drawn.findall(".//{http://www.w3.org/2000/svg}rect")) == 7 * 24
    assert (shop.folder / "volume.png").read_bytes().startswith(b"\x89PNG")
    assert "has no picture of this" in shop.wa("report", "types", "-o", "types.svg", code=2).stderr


def test_the_html_page_holds_every_report_and_loads_no_external_resource(shop: Shell) -> None:
    shop.wa("report", "html", "-o", "report.html")

    page = (shop.folder / "report.html").read_text()
    for report in catalogue.reports():
        assert f"<section id='{report.name}'>" in page
    assert page.count("<svg") >= 5
    assert "src=" not in page
    assert "href='http" not in page


def shortest_wait(shop: Shell) -> timedelta:
    """Return the shortest wait of an unanswered customer. Their number depends on the hour at which the demo ran."""
    rows = json.loads(shop.wa("report", "unanswered", "--json").stdout)["rows"]
    return min(datetime.now(UTC) - datetime.fromisoformat(row["waiting_since"]) for row in rows)


def test_fail_above_exits_with_3_when_the_threshold_is_crossed(shop: Shell) -> None:
    limit = shortest_wait(shop) / 2

    over = shop.wa("report", "unanswered", "--fail-above", f"{limit / timedelta(milliseconds=1):.0f}ms", code=3)
    said = re.search(r"(\d+) of (\d+) open turns above", over.stderr)
    assert said
    assert int(said[1]) == int(said[2]) >= 1
    assert over.stdout.strip()
    shop.wa("report", "unanswered", "--fail-above", "400d")
    for since in ("1h", "48h"):  # an open turn counts in every range
        again = shop.wa("report", "unanswered", "--since", since, "--fail-above", "1ms", code=3)
        assert f"{said[1]} of {said[2]} open turns above" in again.stderr
    assert shop.wa("report", "response-times", "--fail-above", "1s", "--details", code=2).stderr.startswith(
        "wa: --details cannot"
    )
    shop.wa("report", "unanswered", "--fail-above", "1m", "--watch", "1", code=2)
    assert (
        "The report types cannot be used with --fail-above"
        in shop.wa("report", "types", "--fail-above", "1h", code=2).stderr
    )


def test_fail_below_judges_the_stored_share_of_each_hour(shop: Shell) -> None:
    shop.wa("report", "storage", "--fail-below", "95%")
    shop.wa("report", "storage", "--fail-below", "100 %")
    for limit in ("95", "0.95", "101%", "all", "30m"):
        refused = shop.wa("report", "storage", "--fail-below", limit, code=2)
        assert f"{limit!r} is not a share" in refused.stderr
    shop.wa("report", "storage", "--fail-above", "95%", code=2)
    assert "'95%' is not a duration" in shop.wa("report", "windows", "--fail-below", "95%", code=2).stderr
    assert "'3' is not a duration" in shop.wa("report", "unanswered", "--fail-above", "3", code=2).stderr
    total = json.loads(shop.wa("report", "storage", "--by", "day", "--since", "30d", "--json").stdout)["rows"]
    assert sum(row["sent"] for row in total) == sum(row["stored"] for row in total) > 0
    assert {row["share"] for row in total} == {None, 1.0}


def test_unanswered_counts_the_open_turns_from_before_its_range(shop: Shell) -> None:
    rows = json.loads(shop.wa("report", "unanswered", "--json").stdout)["rows"]
    since = sorted(datetime.fromisoformat(row["waiting_since"]) for row in rows)
    cut = since[-2] + timedelta(seconds=1)

    note = shop.wa("report", "unanswered", "--since", cut.isoformat()).stderr

    older = re.search(r"Not shown: (\d+) older turns?\. Use --since (\S+) to show all\.", note)
    assert older
    assert int(older[1]) == len(rows) - 1
    data = shop.wa("report", "unanswered", "--since", cut.isoformat(), "--json")
    assert json.loads(data.stdout)["older_turns"] == len(rows) - 1
    assert older[0] in data.stderr
    again = json.loads(shop.wa("report", "unanswered", "--since", older[2], "--json").stdout)["rows"]
    assert [row["customer"] for row in again] == [row["customer"] for row in rows]
    assert "No older turn is open." in shop.wa("report", "unanswered", "--since", older[2]).stderr


def test_fail_above_checks_rows_that_the_limit_hides(shop: Shell) -> None:
    longest = json.loads(shop.wa("report", "response-times", "--by", "customer", "--sort", "-p90", "--json").stdout)
    most, next_to = (row["p90"] for row in longest["rows"][:2])
    between = f"{(most + next_to) / 2:.3f}s"
    judged = set()
    for more in ([], ["--limit", "1"], ["--sort", "p90", "--limit", "1"]):
        told = shop.wa("report", "response-times", "--by", "customer", "--fail-above", between, *more, code=3)
        judged.add(told.stderr.splitlines()[-1].partition(", the worst")[0])
    assert len(judged) == 1, judged
    assert len(told.stdout.splitlines()) == 2


def test_details_list_the_rows_behind_a_figure(shop: Shell) -> None:
    [types] = [r for r in json.loads(shop.wa("report", "types", "--json").stdout)["rows"] if r["type"] == "image"]
    listed = json.loads(shop.wa("report", "types", "--details", "--limit", "10000", "--json").stdout)["rows"]
    assert sum(row["type"] == "image" for row in listed) == types["total"]

    answered = json.loads(shop.wa("report", "response-times", "--employee", "mia", "--json").stdout)["rows"][0]
    turns = json.loads(
        shop.wa("report", "response-times", "--details", "--employee", "Mia", "--limit", "9999", "--json").stdout
    )
    assert len(turns["rows"]) == answered["answered"]
    assert max(row["length"] for row in turns["rows"]) == answered["max"]


def test_delivery_details_list_sent_and_failed_messages(shop: Shell) -> None:
    [delivery] = json.loads(shop.wa("report", "delivery", "--json").stdout)["rows"]
    listed = json.loads(shop.wa("report", "delivery", "--details", "--limit", "9999", "--json").stdout)["rows"]

    assert len(listed) == delivery["sent"]
    assert sum(row["status"] == "failed" for row in listed) == delivery["failed"]


def test_days_have_the_same_format_in_json_and_text(shop: Shell) -> None:
    asked = ("report", "volume", "--by", "day", "--since", "monday")
    rows = json.loads(shop.wa(*asked, "--json").stdout)["rows"]

    assert [len(row["at"]) for row in rows] == [10] * len(rows)
    assert rows[0]["at"] == shop.wa(*asked).stdout.splitlines()[1].split()[0]


def test_business_hours_add_columns_of_working_time(shop: Shell) -> None:
    plain = json.loads(shop.wa("report", "response-times", "--json").stdout)["rows"][0]
    shop.environ["WA_BUSINESS_HOURS"] = "mon-fri 09:00-18:00"
    working = json.loads(shop.wa("report", "response-times", "--json").stdout)["rows"][0]
    shop.environ["WA_BUSINESS_HOURS"] = "always"
    refused = shop.wa("report", "response-times", code=4)
    shop.environ.pop("WA_BUSINESS_HOURS")

    assert "working_p50" not in plain
    assert working["working_p50"] <= working["p50"] == plain["p50"]
    assert "is not a business hours interval" in refused.stderr


def test_a_custom_report_works_like_a_built_in_report(shop: Shell) -> None:
    folder = shop.folder / "mine"
    folder.mkdir(exist_ok=True)
    (folder / "late-night.sql").write_text(
        "-- title: Late night\n-- about: Who writes at night.\n-- include: messages\n-- param: since 30d\n-- param: limit 5\n"
        "-- column: customer phone Customer\n-- column: messages integer Messages\n"
        "SELECT customer, count(*) AS messages FROM message WHERE NOT is_ours AND extract(hour FROM local_at) >= 22\n"
        " GROUP BY customer ORDER BY messages DESC, customer LIMIT :limit\n"
    )
    (folder / "bare.sql").write_text("SELECT 1 AS one, 'two' AS two\n")
    shop.environ["WA_REPORTS"] = str(folder)
    try:
        rows = json.loads(shop.wa("report", "late-night", "--limit", "2", "--json").stdout)["rows"]
        assert len(rows) == 2
        assert rows[0]["customer"].startswith("+")
        assert "two" in shop.wa("report", "bare").stdout
        assert "late-night" in shop.wa("report", "list").stdout
        assert "late-night" in shop.wa("report", "--help").stdout
    finally:
        shop.environ.pop("WA_REPORTS")


def test_the_example_report_of_the_documentation_works(shop: Shell) -> None:
    folder = shop.folder / "documented"
    folder.mkdir()
    [text] = re.findall(r"```sql\n(.*?)```", (Path(__file__).parents[2] / "docs" / "reports.md").read_text(), re.DOTALL)
    (folder / "slow-evenings.sql").write_text(text)
    shop.environ["WA_REPORTS"] = str(folder)
    try:
        by_employee = json.loads(shop.wa("report", "slow-evenings", "--json").stdout)["rows"]
        by_day = json.loads(shop.wa("report", "slow-evenings", "--by", "day", "--json").stdout)["rows"]
        assert sum(row["turns"] for row in by_employee) == sum(row["turns"] for row in by_day) > 0
        assert "the worst" in shop.wa("report", "slow-evenings", "--fail-above", "1s", code=3).stderr
        assert "employee, day" in shop.wa("report", "slow-evenings", "--help").stdout
    finally:
        shop.environ.pop("WA_REPORTS")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-- column: nonsense\nSELECT 1", "are invalid"),
        ("-- titel: Mine\n-- column: one integer One\nSELECT 1 AS one", "'titel' is not a declaration"),
        ("-- place: first\n-- column: one integer One\nSELECT 1 AS one", "'first' is not a number"),
        ("SELECT nothing FROM nowhere", 'relation "nowhere" does not exist'),
    ],
)
def test_a_broken_custom_report_does_not_stop_other_reports(shop: Shell, text: str, why: str) -> None:
    folder = shop.folder / "broken"
    folder.mkdir(exist_ok=True)
    (folder / "bad.sql").write_text(text)
    shop.environ["WA_REPORTS"] = str(folder)
    try:
        assert why in shop.wa("report", "bad", code=4).stderr
        assert "unanswered" in shop.wa("report", "list").stdout
        assert "unanswered" in shop.wa("report", "--help").stdout
        told = shop.wa("report", "all", "--since", "7d", code=6)
        assert "Windows" in told.stdout
        assert why in told.stderr
        assert "1 report failed" in shop.wa("report", "html", "-o", "some.html", code=6).stderr
        assert "<h2>Windows</h2>" in (shop.folder / "some.html").read_text()
    finally:
        shop.environ.pop("WA_REPORTS")


@pytest.mark.parametrize("name", ["types", "list"])
def test_a_custom_report_cannot_have_the_name_of_a_command(shop: Shell, name: str) -> None:
    folder = shop.folder / name
    folder.mkdir()
    (folder / f"{name}.sql").write_text("SELECT 1")
    shop.environ["WA_REPORTS"] = str(folder)
    try:
        assert "has the name of a command of wa" in shop.wa("report", "list", code=4).stderr
    finally:
        shop.environ.pop("WA_REPORTS")


def test_explain_shows_the_query_with_its_parameter_values(shop: Shell) -> None:
    said = shop.wa("report", "types", "--since", "2026-01-01", "--customer", "+15551234567", "--explain").stdout

    assert "Rows from 2026-01-01" in said or "Rows from 2025-12-31" in said
    assert "'15551234567'" in said
    assert ":since" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["types", "--json", "--format", "csv"], "cannot be used together"),
        (["types", "--json", "-o", "x.csv"], "x.csv is not of the format json"),
        (["heatmap", "--format", "csv", "-o", "y.svg"], "y.svg is not of the format csv"),
        (["types", "--format", "xlsx"], "Use --output x.xlsx."),
        (["types", "-o", "x.svg"], "has no picture of this"),
        (["heatmap", "--by", "response"], "has no --by"),
        (["types", "--metric", "response"], "--metric has no effect"),
        (["types", "--business-hours", "mon 09:00-10:00"], "--business-hours has no effect"),
        (["heatmap", "--metric", "outgoing", "--details"], "--details cannot be used"),
        (["types", "--since", "1s", "--sort", "nosuch"], "has no column 'nosuch'"),
        (["types", "-o", "x.docx"], "is not a format"),
        (["types", "--explain", "--json"], "--explain cannot be used with"),
        (["html", "-o", "x.pdf"], "The page is HTML"),
        (["types", "--since", ""], "is not a time"),
        (["windows", "--until", "monday"], "shows the present state"),
        (["types", "--since", "23.11.2026"], "is not a time"),
        (["types", "--tz", ""], "is not a time zone"),
    ],
)
def test_contradictory_or_invalid_options_are_refused(shop: Shell, arguments: list[str], said: str) -> None:
    assert said in shop.wa("report", *arguments, code=2).stderr


def test_reports_read_the_replica_when_one_is_configured(shop: Shell) -> None:
    shop.environ["WA_REPORT_DATABASE_URL"] = "postgresql://me@127.0.0.1:9/replica"

    assert "Database unavailable" in shop.wa("report", "types", code=4).stderr
    shop.wa("queue", "status")
    shop.environ.pop("WA_REPORT_DATABASE_URL")


def test_messages_can_be_searched_and_exported(shop: Shell) -> None:
    hit = json.loads(shop.wa("search", "invoice", "--limit", "1", "--json").stdout)["rows"][0]
    assert "invoice" in hit["content"]
    assert hit["content"] in shop.wa("conversation", hit["customer"]).stdout
    assert shop.wa("search", "zebra").stdout.count("\n") <= 1
    assert json.loads(shop.wa("search", "+15553", "--json").stdout)["rows"]
    assert json.loads(shop.wa("search", "invo*", "or", "zebra", "--json").stdout)["rows"]
    assert "Only the best. Use --limit to show more." in shop.wa("search", "invoice", "--limit", "1").stderr
    assert "showing the newest 1 of" in shop.wa("conversation", hit["customer"], "--limit", "1").stderr
    shop.wa("search", " ", code=2)
    assert "need words, not a number" in shop.wa("search", "+15553", "--since", "7d", code=2).stderr
    assert 'wa search "+15553000"' in shop.wa("search", "15553000").stderr

    shop.wa("export", hit["customer"], "-o", "one.csv")
    rows = list(csv.DictReader((shop.folder / "one.csv").read_text().splitlines()))
    assert {row["customer"] for row in rows} == {hit["customer"]}
    assert any(row["content"] == hit["content"] for row in rows)
    shop.wa("export", "-o", "all.xlsx")
    people = {row[0].value for row in first_sheet(shop.folder / "all.xlsx").iter_rows(min_row=2)}
    assert len(people) >= 40
    assert "is not a phone number" in shop.wa("export", "", code=2).stderr  # empty does not mean every customer
    assert "is not a phone number" in shop.wa("report", "types", "--customer", "", code=2).stderr


def test_message_text_cannot_become_a_formula_or_control_the_terminal(shell: Shell) -> None:
    shell.wa("migrate", "--yes")
    body = {
        "metadata": {"display_phone_number": "15550100000", "phone_number_id": "100000000000001"},
        "contacts": [{"wa_id": "1555", "profile": {"name": "\x1b[31m@red"}}],
        "messages": [
            {"from": "1555", "id": f"wamid.{n}", "timestamp": "1792500000", "type": "text", "text": {"body": text}}
            for n, text in enumerate((HOSTILE, "x" * 4000, "\u202eright to left שלום \N{PACKAGE}", "\x1b]0;owned\x07"))
        ],
    }
    import psycopg2

    from wa_cli.cloud import webhooks

    with psycopg2.connect(shell.wa("db", "url").stdout.strip()) as connection:
        connection.cursor().execute(
            "INSERT INTO wa.queue_messages (queue, id, body) VALUES ('incoming', '1', %s)",
            (json.dumps(webhooks.notify(body)),),
        )
    shell.wa("worker", "incoming", "--drain")

    exported = shell.wa("export", "--since", "2020-01-01", "--format", "csv").stdout
    assert f"'{HOSTILE}" in next(csv.reader([line for line in exported.splitlines() if "HYPERLINK" in line]))
    shell.wa("export", "--since", "2020-01-01", "-o", "all.xlsx")
    cells = [c for row in first_sheet(shell.folder / "all.xlsx").iter_rows() for c in row]
    assert all(cell.data_type != "f" for cell in cells)
    for command in (("conversation", "+1555"), ("search", "owned"), ("report", "unanswered"), ("export",)):
        said = shell.wa(*command, "--since", "2020-01-01").stdout
        assert "\x1b" not in said
        assert "\u202e" not in said


def test_every_report_works_on_an_empty_database(shell: Shell) -> None:
    assert shell.wa("report", "all").stdout.count("\n") > 30
    for form in ("json", "csv", "html", "markdown", "table"):
        shell.wa("report", "unanswered", "--format", form)
    assert "No rows." in shell.wa("report", "unanswered", "--format", "table").stdout
    shell.wa("report", "html", "-o", "empty.html")
    shell.wa("report", "heatmap", "-o", "empty.png")
    shell.wa("report", "unanswered", "--fail-above", "1s")
    assert "No messages." in shell.wa("conversation", "+123").stdout
    shell.wa("search", "anything")
    shell.wa("export", "-o", "nothing.csv")


@pytest.mark.parametrize(
    ("command", "word"), [("report types --watch 0.5", "Type"), ("verify --quiet --watch 1", "VERIFIED")]
)
def test_watch_repeats_a_report_and_a_verification_until_ctrl_c(shop: Shell, command: str, word: str) -> None:
    import signal
    import subprocess
    import sys

    arguments = [sys.executable, "-m", "wa_cli", *command.split()]
    with subprocess.Popen(
        arguments,
        cwd=shop.folder,
        env=shop.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # the test runner may ignore SIGINT
    ) as watching:
        for _ in range(2):
            line_with(word, watching)
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=10)
    assert watching.returncode == 130
