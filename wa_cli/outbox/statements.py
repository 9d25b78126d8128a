"""Statements that several parts of the outbox share."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from wa_cli.database.engine import rows, run
from wa_cli.messages.outcomes import Accepted
from wa_cli.outbox.settlement import NO_ATTEMPT, Row, Settlement


def lock_rows(connection: sa.Connection, references: Sequence[UUID], wamids: Sequence[str]) -> dict[UUID, Row]:
    """Lock the outbox rows of these references and wamids. Return them by reference."""
    found = run(connection, "outbox/lock", references=[str(r) for r in references], wamids=list(wamids))
    return {row["reference"]: dict(row) for row in found.mappings()}


def insert_attempts(connection: sa.Connection, settlements: Sequence[Settlement]) -> None:
    """Record the attempts with their outcomes. A message that ended without an attempt adds none."""
    made = [
        {
            "reference": settlement.reference,
            "attempt": settlement.attempt,
            "token": settlement.token,
            "verdict": settlement.outcome.kind,
            "wamid": getattr(settlement.outcome, "wamid", None),
            "code": getattr(settlement.outcome, "code", None),
            "reason": getattr(settlement.outcome, "why", None),
            "answered_at": settlement.answered_at.isoformat(),
        }
        for settlement in settlements
        if settlement.attempt != NO_ATTEMPT or isinstance(settlement.outcome, Accepted)
    ]
    if made:
        run(connection, "outbox/attempts", rows=rows(made))


def insert_storage_failures(connection: sa.Connection, settlements: Sequence[Settlement], reason: str) -> None:
    """Record that the rows of accepted messages could not be stored at once. Must come before `insert_attempts`."""
    failed = [
        {
            "reference": settlement.reference,
            "attempt": settlement.attempt,
            "wamid": settlement.outcome.wamid,
            "answered_at": settlement.answered_at.isoformat(),
        }
        for settlement in settlements
        if isinstance(settlement.outcome, Accepted)
    ]
    if failed:
        run(connection, "outbox/storage_failures", rows=rows(failed), reason=reason)
