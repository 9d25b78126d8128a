"""--fail-over: a report that a cron job asks, and that says no where somebody waits too long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from wa_cli.cli.tables import Table
from wa_cli.clock import format_span, now, parse_span
from wa_cli.errors import BadInput, CheckFailed
from wa_cli.reports.catalogue import Report, Threshold


def parse(report: Report, fail_over: str | None) -> timedelta | None:
    if fail_over is None:
        return None
    if report.threshold is None:
        raise BadInput(f"The report {report.name} has nothing that --fail-over could judge.")
    return parse_span(fail_over)


def since(report: Report, limit: timedelta | None) -> str | None:
    """How far back it must look for those who wait so long; None where its own range does."""
    from wa_cli.reports.runner import instant

    if limit is None or report.threshold is None or report.threshold.way != "age":
        return None
    at = now()
    return f"{(at - instant(report.since, 'UTC', at) + limit).total_seconds():.0f}s"


def check_range(report: Report, begin: datetime, limit: timedelta) -> None:
    """Raise BadInput for a range that holds nobody who waits so long."""
    if report.threshold and report.threshold.way == "age" and now() - begin <= limit:
        raise BadInput(f"Who waits {format_span(limit)} began to wait before that range.", hint="An earlier --since.")


def judge(threshold: Threshold, table: Table, limit: timedelta) -> None:
    """Raise CheckFailed where a row of the whole table is over the limit, or under it for what runs out."""
    judged = [span for row in table.rows if (span := _waited(threshold, row)) is not None]
    is_below = threshold.way == "below"
    over = [span for span in judged if (span < limit if is_below else span > limit)]
    if over:
        worst = min(over) if is_below else max(over)
        words = "under" if is_below else "over"
        raise CheckFailed(f"{len(over)} of {len(judged)} {words} {format_span(limit)}, the worst {format_span(worst)}.")


def _waited(threshold: Threshold, row: Mapping[str, Any]) -> timedelta | None:
    value = row[threshold.column]
    if value is None or (threshold.among and row[threshold.among] != "yes"):
        return None
    return now() - value if threshold.way == "age" else timedelta(seconds=float(value))
