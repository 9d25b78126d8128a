"""--fail-over: a report that a cron job asks, and that says no where somebody waits too long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from wa_cli.cli.tables import Table
from wa_cli.clock import format_span, now, parse_span
from wa_cli.errors import BadInput, CheckFailed
from wa_cli.reports.catalogue import Report


def parse(report: Report, fail_over: str | None) -> timedelta | None:
    if fail_over is None:
        return None
    if report.threshold is None:
        raise BadInput(f"The report {report.name} has nothing that --fail-over could judge.")
    return parse_span(fail_over)


def since(report: Report, threshold: timedelta | None) -> str | None:
    """How far back it must look for those who wait so long; None where its own range does."""
    if threshold is None or (report.threshold or ("", ""))[1] != "age":
        return None
    return f"{(threshold + parse_span(report.since)).total_seconds():.0f}s"


def check_range(report: Report, since: datetime, threshold: timedelta) -> None:
    """Raise BadInput for a range that holds nobody who waits so long."""
    if (report.threshold or ("", ""))[1] == "age" and now() - since <= threshold:
        raise BadInput(
            f"Who waits {format_span(threshold)} began to wait before that range.", hint="An earlier --since."
        )


def judge(report: Report, table: Table, threshold: timedelta) -> None:
    """Raise CheckFailed where a row is over the threshold, or under it for what runs out; only who waits is judged."""
    column, way = report.threshold or ("", "")
    waiting = [row for row in table.rows if row.get("waiting") != "no"]
    judged = [span for row in waiting if (span := _span(row[column], way)) is not None]
    over = [span for span in judged if (span < threshold if way == "below" else span > threshold)]
    if over:
        worst = min(over) if way == "below" else max(over)
        words = "under" if way == "below" else "over"
        raise CheckFailed(
            f"{len(over)} of {len(judged)} {words} {format_span(threshold)}, the worst {format_span(worst)}."
        )


def _span(value: Any, way: str) -> timedelta | None:
    if value is None:
        return None
    return now() - value if way == "age" else timedelta(seconds=float(value))
