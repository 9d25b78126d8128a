"""What a storm did, from the sandbox's own log against the tables."""

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
    """Counts of messages. What must be 0 is what the program promises; the rest says how hard the storm was."""

    messages: int
    lost: int
    unstored: int
    stored_twice: int
    doubled: int
    unrecorded_doubles: int
    silently_failed: int
    failed: int
    held: int
    unfinished: int
    uncertain: int
    resent: int
    status_behind: int

    def broken(self, *, webhooks: bool = True, storage: bool = True) -> dict[str, int]:
        """The promises that did not hold. A double is one while statuses come and the outbox is asked before each send."""
        promised = [
            "lost",
            "unstored",
            "stored_twice",
            "unrecorded_doubles",
            "silently_failed",
            "unfinished",
            "status_behind",
        ]
        if webhooks and storage:
            promised.append("doubled")
        return {name: getattr(self, name) for name in promised if getattr(self, name)}

    def lines(self) -> list[tuple[str, int]]:
        return [(field.name.replace("_", " "), getattr(self, field.name)) for field in fields(self)]


def accepted(log: Path) -> dict[str, set[str]]:
    """Reference → the wamids under which the API took it."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        if entry["kind"] == "accepted":
            found[entry["opaque"].split(":")[1]].add(entry["wamid"])
    return found


def judge(database: Database, log: Path, references: set[str], *, webhooks: bool) -> Finding:
    """`references` are all that were queued."""
    taken = accepted(log)
    outbox = _table(database, "SELECT * FROM wa.outbox")
    rows = _rows(database)
    doubled = [reference for reference, wamids in taken.items() if len(wamids) > 1]
    return Finding(
        messages=len(references),
        lost=sum(1 for reference in references if reference not in outbox),
        # A wamid whose answer was never read is known by its status only: without webhooks one row stands for all.
        unstored=sum(
            len(wamids - rows[reference].keys()) if webhooks else not rows[reference]
            for reference, wamids in taken.items()
            if outbox[reference]["state"] != "held"
        ),
        stored_twice=sum(len(rows[reference]) > max(1, len(taken[reference])) for reference in rows),
        doubled=len(doubled),
        unrecorded_doubles=sum(1 for reference in doubled if not outbox[reference]["possible_double"]),
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
    """The same of the usual worker: it knows states and rows, and nothing of doubt."""
    taken = accepted(log)
    queue = _table(database, "SELECT * FROM naive_queue")
    rows = _rows(database)
    doubled = [reference for reference, wamids in taken.items() if len(wamids) > 1]
    return Finding(
        messages=len(references),
        lost=sum(1 for reference in references if reference not in queue),
        unstored=sum(len(wamids - rows[reference].keys()) for reference, wamids in taken.items()),
        stored_twice=0,
        doubled=len(doubled),
        unrecorded_doubles=sum(1 for reference in doubled if len(rows[reference]) < len(taken[reference])),
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
    """Reference → the stored message ids, with their status."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    with database.reading() as connection:
        for reference, message_id, status in connection.execute(
            sa.text("SELECT reference::text, message_id, status FROM whatsapp_messages WHERE direction = 'outgoing'")
        ):
            found[reference][message_id] = status
    return found
