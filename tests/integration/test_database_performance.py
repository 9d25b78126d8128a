"""Sizes, plans, slow statements and query times of the database, and their comparison at two points in time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Bench
from tests.support.checks import finding
from tests.support.postgres_versions import Server, running, sql, versions
from wa_cli.checks import catalogue, read_queries
from wa_cli.cli import check_comparison
from wa_cli.database.engine import Database
from wa_cli.errors import BadInput, StatementCancelled
from wa_cli.migrations.runner import Migrator
from wa_cli.reports import catalogue as reports

ROWS = (
    "INSERT INTO whatsapp_messages (message_id, from_phone, message_type, content)"
    " SELECT n::text, '1', 'text', 'order ' || n FROM generate_series(1, :rows) AS n"
)


def test_sizes_name_the_largest_indexes_and_their_uses(bench: Bench) -> None:
    bench.sql(ROWS, rows=2_000)
    bench.sql("ANALYZE whatsapp_messages")

    found = finding(bench.database, "sizes")

    assert "about 2,000 rows in " in found.message
    assert found.facts["table"]["rows"] == 2_000
    assert found.facts["table"]["bytes"] > 100_000
    assert found.facts["tables of wa"]["bytes"] > 0
    indexes = found.facts["indexes"]
    assert {"idx_messages_timestamp", "idx_messages_content_search", "whatsapp_messages_pkey"} <= set(indexes)
    assert [line.split(":")[0] for line in found.details] == list(indexes)[:5]
    sizes = [index["bytes"] for index in indexes.values()]
    assert sizes == sorted(sizes, reverse=True)


def test_every_report_and_the_search_of_one_hour_use_an_index(bench: Bench) -> None:
    found = finding(bench.database, "report_plans")

    assert found.level == "ok"
    assert set(found.facts["plans"]) == {"search", *(report.name for report in reports.reports())}
    assert found.facts["plans"]["search"]["indexes"]

    bench.sql("DROP INDEX idx_messages_timestamp")
    bench.sql("DROP INDEX idx_messages_conversation_key")
    found = finding(bench.database, "report_plans")

    assert (found.level, found.command) == ("failed", "wa migrate")
    assert "volume" in found.message


def test_query_times_are_measured_and_a_slow_query_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    found = finding(bench.database, "query_times")
    assert found.level == "ok"
    assert all(0 < query["ms"] < 30_000 for query in found.facts["queries"].values())

    real = read_queries.ReadQuery.explain

    def explain(query: read_queries.ReadQuery, database: Database, **options: bool) -> object:
        if query.name == "weekly":
            raise StatementCancelled("too long")
        return real(query, database, **options)

    monkeypatch.setattr(read_queries.ReadQuery, "explain", explain)
    found = finding(bench.database, "query_times")
    assert found.level == "warning"
    assert found.facts["queries"]["weekly"] == {"ms": None}
    assert "weekly: too long" in found.details


def test_without_the_extension_slow_statements_are_skipped(bench: Bench) -> None:
    found = finding(bench.database, "slow_statements")

    assert (found.level, found.message) == ("skipped", "the extension pg_stat_statements is not installed")


@pytest.fixture(scope="module")
def counting_server() -> Iterator[Server]:
    available = [
        folder
        for version, folder in versions().items()
        if list(Path(f"/usr/share/postgresql/{version}/extension").glob("pg_stat_statements.control"))
    ]
    if not available:
        pytest.skip("no installed PostgreSQL has pg_stat_statements")
    with running(available[-1], shared_preload_libraries="pg_stat_statements") as server:
        yield server


def test_slow_statements_come_from_pg_stat_statements_in_any_schema(counting_server: Server) -> None:
    with counting_server.database() as database:
        Migrator(database).apply()
        sql(database, "CREATE SCHEMA tools")
        sql(database, "CREATE EXTENSION pg_stat_statements SCHEMA tools")
        sql(database, ROWS, rows=500)

        found = finding(database, "slow_statements")

        assert found.level == "ok"
        assert any("INSERT INTO whatsapp_messages" in line for line in found.details)
        [counted] = [one for one in found.facts["statements"].values() if "generate_series" in one["statement"]]
        assert counted["calls"] == 1
        assert counted["ms"] > 0


def test_performance_is_compared_with_a_saved_file(bench: Bench, tmp_path: Path) -> None:
    def document() -> dict[str, object]:
        found = catalogue.find(["sizes", "query_times"])
        checks = [(check, finding(bench.database, check.name)) for check in found]
        return {"schema": "wa.doctor/2", "checks": [{"facts": dict(one.facts)} for _, one in checks]}

    saved = tmp_path / "before.json"
    saved.write_text(json.dumps(document()))
    bench.sql(ROWS, rows=20_000)
    bench.sql("ANALYZE whatsapp_messages")

    before = check_comparison.figures(check_comparison.load(saved))
    rows = check_comparison.table(before, check_comparison.figures(document())).rows

    by_name = {(row["figure"], row["of"]): row for row in rows}
    assert by_name["rows", "table"]["now"] == "20,000"
    assert by_name["size", "whatsapp_messages_pkey"]["change"] > 1
    assert {name for figure, name in by_name if figure == "time"} >= {"search", "weekly"}
    for content in ("", "[]", "{}", '{"schema": "wa.verify/2", "checks": []}'):
        saved.write_text(content)
        with pytest.raises(BadInput, match="is not a file of wa doctor"):
            check_comparison.load(saved)
