"""The queries that people wait for: each report, and a search."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from wa_cli.clock import now
from wa_cli.database import sqlfiles
from wa_cli.database.engine import Database, resolved
from wa_cli.reports import catalogue, ranges, runner
from wa_cli.reports.catalogue import Report
from wa_cli.reports.ranges import Range
from wa_cli.store import conversations

LIMIT = timedelta(seconds=30)
YEAR = timedelta(days=365)
SEARCHED = "order"


@dataclass(frozen=True)
class ReadQuery:
    """A query by its name, such as `unanswered` or `search`."""

    name: str
    statement: Callable[[sa.Connection], tuple[sa.TextClause, dict[str, Any]]]

    def explain(self, database: Database, *, analyze: bool = False, scans: bool = True) -> list[dict[str, Any]]:
        """Return the plan as PostgreSQL's JSON. `analyze` runs it for the times. `scans=False` avoids sequential ones.

        Raises StatementCancelled after 30 s.
        """
        with database.reading(LIMIT) as connection:
            if not scans:
                connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
            query, values = self.statement(connection)
            options = "ANALYZE, TIMING OFF, FORMAT JSON" if analyze else "FORMAT JSON"
            plan = connection.execute(sa.text(f"EXPLAIN ({options}) {query.text}"), values).scalar_one()
            return plan if isinstance(plan, list) else list(json.loads(plan))


def read_queries(since: datetime | None = None) -> list[ReadQuery]:
    """Return the queries since then, by default each over its own range."""
    return [_search(since or now() - YEAR), *(_report(report, since) for report in catalogue.reports())]


def _search(since: datetime) -> ReadQuery:
    def statement(connection: sa.Connection) -> tuple[sa.TextClause, dict[str, Any]]:
        query = sa.text(resolved(connection, sqlfiles.read(conversations.SEARCH)))
        return query, conversations.search_values(connection, SEARCHED, since, now())

    return ReadQuery("search", statement)


def _report(report: Report, since: datetime | None) -> ReadQuery:
    span = Range(since, now(), "UTC") if since else ranges.range_of(report, since=None, until=None, zone="UTC")
    return ReadQuery(report.name, lambda connection: runner.statement(connection, report, span))
