from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from wa_cli.clock import format_span
from wa_cli.storage.engine import Database, run
from wa_cli.verify.base import Check, Finding, Level

Status = Callable[[], Mapping[str, Mapping[str, Any]]]


def checks(database: Database, status: Status, limit: timedelta) -> list[Check]:
    """Is what waits being worked on: may the numbers send, do workers live, is nothing too old?"""
    return [
        Check("sending", "Sending", lambda: _sending(database)),
        Check("workers", "Workers", lambda: _workers(database, status)),
        Check("oldest", "Oldest message", lambda: _oldest(database, status, limit)),
    ]


def _sending(database: Database) -> Finding:
    """A number that is blocked or paused while messages wait for it."""
    found = _numbers(database)
    facts = {"numbers": {row["number"]: row["state"] for row in found}}
    stopped = [row for row in found if row["state"] != "open"]
    if not stopped:
        waiting = sum(row["unfinished"] for row in found)
        return Finding(Level.OK, f"no number is blocked or paused, {waiting:,} messages are unfinished", facts=facts)
    said = "; ".join(
        f"{row['number']} is {row['state']}: {row['blocked_why'] or 'by hand'}; {row['unfinished']:,} messages wait"
        for row in stopped
    )
    is_paused = any(row["state"] == "paused" for row in stopped)
    return Finding(Level.FAILED, said, "wa number resume" if is_paused else None, facts)


def _workers(database: Database, status: Status) -> Finding:
    """Messages that wait for a worker, and none of its kind lives."""
    with database.reading() as connection:
        alive = {row.kind: row for row in run(connection, "verify/workers")}
    waiting = {name: counted["waiting"] for name, counted in status().items()}
    facts = {
        "waiting": waiting,
        "workers": {kind: row.workers for kind, row in alive.items()},
        "versions": {kind: row.oldest_version for kind, row in alive.items()},
    }
    missing = [name for name, count in waiting.items() if count and name not in alive]
    if missing:
        said = ", ".join(f"{waiting[name]:,} {name}" for name in missing)
        said = f"{said} messages wait, and no {' or '.join(missing)} worker has reported for 30 s"
        return Finding(Level.FAILED, said, f"wa worker {missing[0]}", facts)
    if stranded := [row for row in _numbers(database) if row["due"] and not row["workers"]]:
        told = ", ".join(f"{row['due']:,} of {row['number']}" for row in stranded)
        said = f"messages wait for numbers that no worker sends for: {told}"
        return Finding(Level.FAILED, said, f"wa queue move --from {stranded[0]['number']}", facts)
    told = ", ".join(f"{row.workers} {kind}" for kind, row in alive.items()) or "none"
    return Finding(Level.OK, f"{told}; nothing waits for a worker that is missing", facts=facts)


def _oldest(database: Database, status: Status, limit: timedelta) -> Finding:
    """How long the oldest message has waited that could be sent or stored now."""
    ages = {name: counted["oldest_seconds"] for name, counted in status().items()}
    known = [age for age in ages.values() if age is not None] + [row["oldest_seconds"] for row in _numbers(database)]
    oldest = max(known, default=0.0)
    facts = {"oldest_seconds": ages, "limit_seconds": limit.total_seconds()}
    said = f"the oldest has waited {format_span(timedelta(seconds=oldest))}" if oldest else "no message waits"
    if oldest > limit.total_seconds():
        return Finding(Level.FAILED, f"{said}, longer than WA_QUEUE_AGE_LIMIT ({format_span(limit)})", facts=facts)
    return Finding(Level.OK, said, facts=facts)


def _numbers(database: Database) -> Sequence[Mapping[str, Any]]:
    with database.reading() as connection:
        return [dict(row) for row in run(connection, "verify/numbers").mappings()]
