"""The dashboard for Grafana: every query runs on the real schema, and every metric exists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from wa_cli.assembly import gauges
from wa_cli.database.engine import Database
from wa_cli.grafana import dashboard
from wa_cli.reports import catalogue
from wa_cli.telemetry.measures import COUNTERS, DURATIONS

ALERTS = files("wa_cli.grafana").joinpath("alerts.yaml").read_text(encoding="utf-8")
# Grafana's macros of PostgreSQL, as it writes them for a range of a week.
BEGIN, END = "'2026-11-22T00:00:00Z'", "'2026-11-29T00:00:00Z'"


def written_by_grafana(sql: str) -> str:
    sql = sql.replace("$__timeFrom()", BEGIN).replace("$__timeTo()", END).replace("$__interval", "'1h'")
    sql = re.sub(r"\$__timeFilter\(([^()]+)\)", rf"\1 BETWEEN {BEGIN} AND {END}", sql)
    return re.sub(r"\$__timeGroup\(([^,]+), '1h'\)", r"floor(extract(epoch from \1)/3600)*3600", sql)


def metrics_in(text: str) -> set[str]:
    names = set(re.findall(r"\bwa_[a-z_]+", text))
    return {re.sub("_(total|bucket)$", "", name.removeprefix("wa_")) for name in names}


@pytest.fixture
def built(database: Database) -> dict[str, Any]:
    return dashboard.build(database, catalogue.reports(), "Europe/Berlin")


def test_every_query_runs_and_is_asked_for_the_range_of_the_dashboard(
    database: Database, built: dict[str, Any]
) -> None:
    queries = [
        target["rawSql"] for panel in built["panels"] for target in panel.get("targets", ()) if "rawSql" in target
    ]

    assert len(queries) >= 10
    for sql in queries:
        assert "$__time" in sql or "now() AT TIME ZONE" in sql
        written = written_by_grafana(sql)
        assert "$" not in re.sub(r"'[^']*'", "", written)
        with database.reading() as connection:
            connection.exec_driver_sql(written.replace("%", "%%"))


def test_a_panel_has_the_rows_of_its_report(database: Database, built: dict[str, Any]) -> None:
    with database.transaction() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO whatsapp_messages (id, message_id, from_phone, to_phone, message_type, direction, timestamp)"
                " VALUES (gen_random_uuid(), 'a', '+491', '+49', 'text', 'incoming', '2026-11-25 12:00'),"
                "        (gen_random_uuid(), 'b', '+491', '+49', 'text', 'incoming', '2026-12-25 12:00')"
            )
        )
    [types] = [panel for panel in built["panels"] if panel["title"] == "Message types"]

    with database.reading() as connection:
        sql = written_by_grafana(types["targets"][0]["rawSql"])
        [row] = connection.exec_driver_sql(sql.replace("%", "%%")).mappings().all()

    assert (row["type"], row["incoming"], row["outgoing"]) == ("text", 1, 0)


def test_panels_do_not_overlap_and_have_their_own_ids(built: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in built["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= dashboard.WIDTH
        taken |= cells
    ids = [panel["id"] for panel in built["panels"]]
    assert len(set(ids)) == len(ids)


def test_every_metric_of_panels_and_rules_exists(built: dict[str, Any]) -> None:
    spools = {gauges.WEBHOOK_SPOOL[0], gauges.OUTCOME_SPOOL[0]}
    known = {*COUNTERS, *DURATIONS, *gauges.QUEUES, *gauges.FLEET, *spools}
    expressions = json.dumps(
        [target["expr"] for panel in built["panels"] for target in panel.get("targets", ()) if "expr" in target]
    )

    assert metrics_in(expressions) <= known
    assert metrics_in(ALERTS) <= known
    assert len(re.findall("alert: ", ALERTS)) >= 8


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_rules(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text(ALERTS)

    subprocess.run(["promtool", "check", "rules", str(tmp_path / "alerts.yaml")], check=True)
