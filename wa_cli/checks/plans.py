from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation

NAME, TITLE = "plans", "Query plans"

# Frequent queries, and the index without which each would read a whole table.
HOT = {
    "the claim": (
        "SELECT reference FROM wa.outbox WHERE number = '42' AND state = 'queued' AND turn"
        " AND due_at <= clock_timestamp() ORDER BY due_at, seq LIMIT 100",
        "outbox_claim",
    ),
    "the head of line": ("SELECT 1 FROM wa.outbox WHERE number = '42' AND customer = '7' AND turn", "outbox_turns"),
    "the next in line": (
        "SELECT reference FROM wa.outbox WHERE number = '42' AND customer = '7' AND state = 'queued' AND NOT turn"
        " ORDER BY seq LIMIT 1",
        "outbox_waiting",
    ),
    "a conversation": (
        "SELECT * FROM whatsapp_messages"
        " WHERE wa.customer_key(direction, from_phone, to_phone, customer_user_id, group_id) = '7'"
        " AND timestamp >= '2020-01-01' ORDER BY timestamp DESC LIMIT 50",
        "idx_messages_conversation_key",
    ),
    "a time range": (
        "SELECT * FROM whatsapp_messages WHERE timestamp >= now() - interval '1 hour'",
        "idx_messages_timestamp",
    ),
    "the queue": (
        "SELECT id FROM wa.queue_messages WHERE queue = 'q' AND state = 'waiting' AND visible_at <= now()"
        " ORDER BY seq LIMIT 100",
        "queue_messages_order",
    ),
}


def run(installation: Installation) -> Finding:
    """Check that the frequent queries can use their indexes. Sequential scans, which small tables get, are off here."""
    with installation.reading() as connection:
        connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        without = [f"{name} ({index})" for name, (query, index) in HOT.items() if not _uses(connection, query, index)]
    if without:
        return Finding(
            Level.FAILED,
            f"queries that cannot use their index: {', '.join(without)}",
            "wa migrate",
            {"without": without},
        )
    return Finding(Level.OK, f"{len(HOT)} frequent queries use their indexes", facts={"without": []})


def _uses(connection: sa.Connection, query: str, index: str) -> bool:
    """Return True if the query uses this index, or if it exists and another one is better."""
    plan = connection.execute(sa.text(f"EXPLAIN (FORMAT JSON) {query}")).scalar_one()
    found = list(nodes(plan if isinstance(plan, list) else json.loads(plan)))
    if any(node.get("Index Name") == index for node in found):
        return True
    is_there = connection.execute(sa.text("SELECT to_regclass(:index) IS NOT NULL"), {"index": index}).scalar_one()
    return bool(is_there) and not any(node["Node Type"] == "Seq Scan" for node in found)


def nodes(plan: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every node of a plan."""
    if isinstance(plan, list):
        for part in plan:
            yield from nodes(part)
    elif isinstance(plan, Mapping):
        if "Node Type" in plan:
            yield plan
        for part in plan.values():
            yield from nodes(part)
