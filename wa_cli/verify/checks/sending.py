from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

from wa_cli.clock import format_span
from wa_cli.database.engine import Database, run
from wa_cli.verify.base import Check, Finding, Level

Status = Callable[[], Mapping[str, Mapping[str, Any]]]


def checks(database: Database, status: Status, limit: timedelta) -> list[Check]:
    """Return the checks of whether waiting messages are worked on: numbers, workers, and the oldest message."""
    waiting = _Waiting(database, status)
    return [
        Check("sending", "Sending", lambda: _sending(waiting)),
        Check("workers", "Workers", lambda: _workers(waiting)),
        Check("oldest", "Oldest message", lambda: _oldest(waiting, limit)),
    ]


class _Waiting:
    """What waits, asked once for all the checks."""

    def __init__(self, database: Database, status: Status) -> None:
        self._database = database
        self._status = status

    @cached_property
    def queues(self) -> Mapping[str, Mapping[str, Any]]:
        return self._status()

    @cached_property
    def numbers(self) -> Sequence[Mapping[str, Any]]:
        return self._rows("verify/numbers")

    @cached_property
    def workers(self) -> Mapping[str, Mapping[str, Any]]:
        return {row["kind"]: row for row in self._rows("verify/workers")}

    def _rows(self, query: str) -> Sequence[Mapping[str, Any]]:
        with self._database.reading() as connection:
            return [dict(row) for row in run(connection, query).mappings()]


def _sending(waiting: _Waiting) -> Finding:
    """Fail where a number is blocked or paused while messages wait for it."""
    found = waiting.numbers
    facts = {"numbers": {row["number"]: row["state"] for row in found}}
    stopped = [row for row in found if row["state"] != "open"]
    if not stopped:
        unfinished = sum(row["unfinished"] for row in found)
        return Finding(Level.OK, f"no number is blocked or paused, {unfinished:,} messages are unfinished", facts=facts)
    said = "; ".join(
        f"{row['number']} is {row['state']}: {row['blocked_why'] or 'by hand'}; {row['unfinished']:,} messages wait"
        for row in stopped
    )
    is_paused = any(row["state"] == "paused" for row in stopped)
    return Finding(Level.FAILED, said, "wa number resume" if is_paused else None, facts)


def _workers(waiting: _Waiting) -> Finding:
    """Fail where messages wait and no worker of their kind, or of their number, lives."""
    alive = waiting.workers
    counts = {name: counted["waiting"] for name, counted in waiting.queues.items()}
    facts = {
        "waiting": counts,
        "workers": {kind: row["workers"] for kind, row in alive.items()},
        "versions": {kind: row["oldest_version"] for kind, row in alive.items()},
    }
    missing = [name for name, count in counts.items() if count and name not in alive]
    if missing:
        said = ", ".join(f"{counts[name]:,} {name}" for name in missing)
        said = f"{said} messages wait, and no {' or '.join(missing)} worker has reported for 30 s"
        return Finding(Level.FAILED, said, f"wa worker {missing[0]}", facts)
    if stranded := [row for row in waiting.numbers if row["due"] and not row["workers"]]:
        told = ", ".join(f"{row['due']:,} of {row['number']}" for row in stranded)
        said = f"messages wait for numbers that no worker sends for: {told}"
        return Finding(Level.FAILED, said, f"wa queue move --from {stranded[0]['number']}", facts)
    told = ", ".join(f"{row['workers']} {kind}" for kind, row in alive.items()) or "none"
    return Finding(Level.OK, f"{told}; nothing waits for a worker that is missing", facts=facts)


def _oldest(waiting: _Waiting, limit: timedelta) -> Finding:
    """Fail where a message that could be sent or stored now has waited longer than `limit`."""
    ages = {name: counted["oldest_seconds"] for name, counted in waiting.queues.items()}
    known = [age for age in ages.values() if age is not None] + [row["oldest_seconds"] for row in waiting.numbers]
    oldest = max(known, default=0.0)
    facts = {"oldest_seconds": ages, "limit_seconds": limit.total_seconds()}
    said = f"the oldest has waited {format_span(timedelta(seconds=oldest))}" if oldest else "no message waits"
    if oldest > limit.total_seconds():
        return Finding(Level.FAILED, f"{said}, longer than WA_QUEUE_AGE_LIMIT ({format_span(limit)})", facts=facts)
    return Finding(Level.OK, said, facts=facts)
