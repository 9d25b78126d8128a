"""Counts of the messages of a storm, from the sandbox's own log compared with the tables."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from wa_cli.database.engine import Database


@dataclass(frozen=True)
class Finding:
    """Counts of messages. Those that `broken` returns must be 0. The others show how severe the storm was."""

    messages: int
    lost: int
    unstored: int
    stored_twice: int
    duplicated: int
    unrecorded_duplicates: int
    silently_failed: int
    failed: int
    held: int
    unfinished: int
    uncertain: int
    resent: int
    status_behind: int

    def broken(self, *, webhooks: bool = True, storage: bool = True) -> dict[str, int]:
        """Return the promises that did not hold. Without webhooks or the outbox, a duplicate does not break one."""
        promised = [
            "lost",
            "unstored",
            "stored_twice",
            "unrecorded_duplicates",
            "silently_failed",
            "unfinished",
            "status_behind",
        ]
        if webhooks and storage:
            promised.append("duplicated")
        return {name: getattr(self, name) for name in promised if getattr(self, name)}

    def lines(self) -> list[tuple[str, int]]:
        return [(field.name.replace("_", " "), getattr(self, field.name)) for field in fields(self)]


def accepted(log: Path) -> dict[str, set[str]]:
    """Return the wamids under which the API accepted each reference."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        if entry["kind"] == "accepted":
            found[entry["opaque"].split(":")[1]].add(entry["wamid"])
    return found


def judge(database: Database, log: Path, references: set[str], *, webhooks: bool) -> Finding:
    """Return the counts for the program. `references` are those of all queued messages."""
    taken = accepted(log)
    outbox = _table(database, "SELECT * FROM wa.outbox")
    rows = _rows(database)
    duplicated = [reference for reference, wamids in taken.items() if len(wamids) > 1]
    return Finding(
        messages=len(references),
        lost=sum(1 for reference in references if reference not in outbox),
        # Only a status names a wamid whose answer was never read, so without webhooks one row stands for all.
        unstored=sum(
            len(wamids - rows[reference].keys()) if webhooks else not rows[reference]
            for reference, wamids in taken.items()
            if outbox[reference]["state"] != "held"
        ),
        stored_twice=sum(len(rows[reference]) > max(1, len(taken[reference])) for reference in rows),
        duplicated=len(duplicated),
        unrecorded_duplicates=sum(1 for reference in duplicated if not outbox[reference]["possible_double"]),
        silently_failed=sum(
            1
            for reference, message in outbox.items()
            if message["state"] == "failed" and reference in taken and "may have been" not in message["failure_reason"]
        ),
        failed=_states(outbox)["failed"],
        held=_states(outbox)["held"],
        unfinished=sum(_states(outbox)[state] for state in ("queued", "sending", "uncertain")),
        uncertain=sum(1 for message in outbox.values() if message["uncertain_count"]),
        resent=sum(1 for message in outbox.values() if message["uncertain_count"] and message["attempt"] > 1),
        status_behind=sum(status != "read" for of_one in rows.values() for status in of_one.values())
        if webhooks
        else 0,
    )


def why_held(database: Database) -> Counter[str]:
    """Return the number of held messages by the reason."""
    outbox = _table(database, "SELECT * FROM wa.outbox WHERE state = 'held'")
    return Counter(str(row["failure_reason"]) for row in outbox.values())


def judge_naive(database: Database, log: Path, references: set[str]) -> Finding:
    """Return the counts for the usual worker, which has states and rows but no uncertain messages."""
    taken = accepted(log)
    queue = _table(database, "SELECT * FROM naive_queue")
    rows = _rows(database)
    duplicated = [reference for reference, wamids in taken.items() if len(wamids) > 1]
    return Finding(
        messages=len(references),
        lost=sum(1 for reference in references if reference not in queue),
        unstored=sum(len(wamids - rows[reference].keys()) for reference, wamids in taken.items()),
        stored_twice=0,
        duplicated=len(duplicated),
        unrecorded_duplicates=sum(1 for reference in duplicated if len(rows[reference]) < len(taken[reference])),
        silently_failed=sum(1 for reference, row in queue.items() if row["state"] == "failed" and reference in taken),
        failed=_states(queue)["failed"],
        held=0,
        unfinished=_states(queue)["waiting"],
        uncertain=0,
        resent=sum(1 for row in queue.values() if row["tries"] > 1),
        status_behind=0,
    )


def _states(table: Mapping[str, Mapping[str, Any]]) -> Counter[str]:
    return Counter(row["state"] for row in table.values())


def _table(database: Database, query: str) -> dict[str, Mapping[str, Any]]:
    with database.reading() as connection:
        return {str(row["reference"]): dict(row) for row in connection.execute(sa.text(query)).mappings()}


def _rows(database: Database) -> dict[str, dict[str, str]]:
    """Return the stored message ids of each reference, with their statuses."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    with database.reading() as connection:
        for reference, message_id, status in connection.execute(
            sa.text("SELECT reference::text, message_id, status FROM whatsapp_messages WHERE direction = 'outgoing'")
        ):
            found[reference][message_id] = status
    return found
