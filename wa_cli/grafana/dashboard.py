"""The dashboard for Grafana: reports by their own SQL, and the metrics of service and workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wa_cli.database.engine import Database
from wa_cli.reports import runner
from wa_cli.reports.catalogue import Report

TITLE, UID, SCHEMA = "WhatsApp messages", "wa-messages", 39
POSTGRES, PROMETHEUS = "grafana-postgresql-datasource", "prometheus"
WIDTH, HEIGHT = 24, 8  # of the grid; of one panel
# The macros of Grafana's data source for PostgreSQL.
FROM, TO = "$__timeFrom()", "$__timeTo()"
# Grafana's units of our kinds of columns.
UNITS = {"span": "s", "percent": "percentunit", "integer": "short", "number": "short", "instant": "dateTimeAsIso"}

MESSAGES = """
SELECT $__timeGroup(timestamp, $__interval) AS time,
       count(*) FILTER (WHERE direction IS DISTINCT FROM 'outgoing') AS "Incoming",
       count(*) FILTER (WHERE direction = 'outgoing' AND status::text IS DISTINCT FROM 'failed') AS "Outgoing",
       count(*) FILTER (WHERE direction = 'outgoing' AND status::text = 'failed') AS "Failed"
  FROM whatsapp_messages
 WHERE $__timeFilter(timestamp)
 GROUP BY time
 ORDER BY time
"""
STORAGE = """
SELECT $__timeGroup(attempt.made_at, $__interval) AS time,
       100.0 * count(stored.message_id) / count(*) AS "Stored %"
  FROM (SELECT wamid, min(coalesce(answered_at, created_at)) AS made_at
          FROM wa.send_attempts WHERE wamid IS NOT NULL GROUP BY wamid) AS attempt
  LEFT JOIN whatsapp_messages AS stored ON stored.message_id = attempt.wamid
 WHERE $__timeFilter(attempt.made_at)
 GROUP BY time
 ORDER BY time
"""


@dataclass(frozen=True)
class ReportPanel:
    """A report as a table or, with `kind` piechart, as its share of the column `value`."""

    report: str
    by: str | None = None
    kind: str = "table"
    width: int = WIDTH // 2


@dataclass(frozen=True)
class Series:
    """Series over time: a query of its own in SQL, or expressions for Prometheus by their legends."""

    title: str
    sql: str | None = None
    expressions: Mapping[str, str] | None = None
    unit: str = "short"


ROWS: Mapping[str, Sequence[ReportPanel | Series]] = {
    "Who waits": (ReportPanel("unanswered", width=WIDTH), ReportPanel("windows", width=WIDTH)),
    "Messages": (
        Series("Messages", sql=MESSAGES),
        Series("Stored share of sent messages", sql=STORAGE, unit="percent"),
        ReportPanel("types", kind="piechart"),
        ReportPanel("errors"),
        ReportPanel("delivery", by="day"),
        ReportPanel("completeness"),
    ),
    "Answers": (
        ReportPanel("response-times", by="day", width=WIDTH),
        ReportPanel("response-times", by="employee"),
        ReportPanel("employees", by="employee"),
        ReportPanel("weekly", width=WIDTH),
    ),
    "Operation": (
        Series(
            "Messages a second",
            expressions={
                "sent": "sum(rate(wa_messages_sent_total[$__rate_interval]))",
                "stored": "sum(rate(wa_messages_stored_total[$__rate_interval]))",
                "rejected": "sum(rate(wa_messages_failed_total[$__rate_interval]))",
                "tried again": "sum(rate(wa_messages_retried_total[$__rate_interval]))",
                "received": "sum(rate(wa_messages_received_total[$__rate_interval]))",
            },
        ),
        Series(
            "Rejected messages by code",
            expressions={"{{code}}": "sum by (code) (increase(wa_messages_failed_total[$__rate_interval]))"},
        ),
        Series(
            "Time of a request and time in the queue, 95th percentile",
            expressions={
                "request": "histogram_quantile(0.95, sum by (le) (rate(wa_send_seconds_bucket[$__rate_interval])))",
                "in the queue": "histogram_quantile(0.95, sum by (le) (rate(wa_queued_seconds_bucket[$__rate_interval])))",
            },
            unit="s",
        ),
        Series(
            "Webhooks by outcome",
            expressions={"{{outcome}}": "sum by (outcome) (rate(wa_webhooks_total[$__rate_interval]))"},
        ),
        Series(
            "Queues",
            expressions={"{{queue}} {{state}}": "max by (queue, state) (wa_queue_messages)"},
        ),
        Series(
            "Age of the oldest message",
            expressions={"{{queue}}": "max by (queue) (wa_queue_oldest_seconds)"},
            unit="s",
        ),
        Series(
            "Storage failures and dead letters",
            expressions={
                "storage failures": "sum(increase(wa_store_failures_total[$__rate_interval]))",
                "dead letters of {{queue}}": "sum by (queue) (increase(wa_dead_letters_total[$__rate_interval]))",
                "spooled outcomes": "sum(wa_outcomes_spooled)",
                "spooled webhooks": "sum(wa_webhooks_spooled)",
            },
        ),
        Series(
            "Workers and stopped numbers",
            expressions={
                "{{kind}} workers": "max by (kind) (wa_workers)",
                "{{number}} stopped": "max by (number) (wa_number_stopped)",
            },
        ),
    ),
}


def build(database: Database, reports: Sequence[Report], zone: str) -> dict[str, Any]:
    """Return the dashboard as JSON for Grafana's import. Days and hours of reports are in the time zone."""
    known = {report.name: report for report in reports}
    return {
        "title": TITLE,
        "uid": UID,
        "schemaVersion": SCHEMA,
        "timezone": zone,
        "refresh": "1m",
        "time": {"from": "now-7d", "to": "now"},
        "templating": {"list": [_source("postgres", POSTGRES), _source("prometheus", PROMETHEUS)]},
        "panels": list(_panels(database, known, zone)),
    }


def _source(name: str, kind: str) -> dict[str, Any]:
    """Return the variable by which Grafana asks for a data source."""
    return {"name": name, "type": "datasource", "query": kind, "label": name.capitalize()}


def _panels(database: Database, known: Mapping[str, Report], zone: str) -> Iterator[dict[str, Any]]:
    identity, y = 0, 0
    for title, defined in ROWS.items():
        identity += 1
        yield {"id": identity, "type": "row", "title": title, "collapsed": False, "gridPos": _place(0, y, WIDTH, 1)}
        x, y = 0, y + 1
        for panel in defined:
            width = panel.width if isinstance(panel, ReportPanel) else WIDTH // 2
            if x + width > WIDTH:
                x, y = 0, y + HEIGHT
            identity += 1
            shown = (
                _report(database, known[panel.report], panel, zone)
                if isinstance(panel, ReportPanel)
                else _series(panel)
            )
            yield {"id": identity, "gridPos": _place(x, y, width, HEIGHT), **shown}
            x += width
        y += HEIGHT


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _report(database: Database, report: Report, panel: ReportPanel, zone: str) -> dict[str, Any]:
    sql = runner.template_sql(database, report, since=FROM, until=TO, zone=zone, by=panel.by)
    by = f" by {panel.by}" if panel.by else ""
    overrides = [
        {
            "matcher": {"id": "byName", "options": column.key},
            "properties": [
                {"id": "displayName", "value": column.label},
                *([{"id": "unit", "value": UNITS[column.kind]}] if column.kind in UNITS else []),
            ],
        }
        for column in report.columns
    ]
    return {
        "type": panel.kind,
        "title": f"{report.title}{by}",
        "description": "\n".join((report.header.about, *report.header.definitions)),
        "datasource": {"type": POSTGRES, "uid": "${postgres}"},
        "targets": [_query(sql, "table")],
        "fieldConfig": {"defaults": {}, "overrides": overrides},
        "options": {"reduceOptions": {"values": True, "fields": "/^total$/"}} if panel.kind == "piechart" else {},
    }


def _series(series: Series) -> dict[str, Any]:
    kind, uid = (POSTGRES, "${postgres}") if series.sql else (PROMETHEUS, "${prometheus}")
    if series.sql:
        targets = [_query(series.sql.strip(), "time_series")]
    else:
        expressions = (series.expressions or {}).items()
        targets = [
            {"refId": chr(ord("A") + place), "expr": expression, "legendFormat": legend}
            for place, (legend, expression) in enumerate(expressions)
        ]
    return {
        "type": "timeseries",
        "title": series.title,
        "datasource": {"type": kind, "uid": uid},
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": series.unit, "min": 0}, "overrides": []},
    }


def _query(sql: str, form: str) -> dict[str, Any]:
    return {"refId": "A", "rawSql": sql, "rawQuery": True, "editorMode": "code", "format": form}
