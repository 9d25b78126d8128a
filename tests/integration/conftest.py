from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from wa_cli.database.engine import Database
from wa_cli.messages.content.text import text
from wa_cli.messages.outcomes import Outcome
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.outbox.outbox import Claim, Outbox
from wa_cli.outbox.settlement import Settled, Settlement

LEASE = timedelta(seconds=60)


class Bench:
    """An outbox on a real database, with short methods for the tests."""

    def __init__(self, database: Database, number: str = "42") -> None:
        self.database = database
        self.outbox = Outbox(database, number)
        self.outbox.rate_limit.open_number(10_000)

    def queue(self, *words: str, to: str = "+123", **changes: Any) -> list[UUID]:
        messages = [OutgoingMessage(text(word), phone=to, **changes) for word in words]
        self.record(messages)
        return [message.reference for message in messages]

    def record(self, messages: Sequence[OutgoingMessage]) -> int:
        with self.database.transaction() as connection:
            return self.outbox.record(connection, messages)

    def claim(self, limit: int = 100) -> list[Claim]:
        self.sql("UPDATE wa.rate_limits SET tokens = 2500, refilled_at = clock_timestamp()")
        return self.outbox.claim(limit, LEASE)

    def claim_words(self, limit: int = 100) -> list[str]:
        return [claim.content["text"]["body"] for claim in self.claim(limit)]

    def settle(self, claim: Claim, outcome: Outcome, pause: float = 0.0) -> Settled:
        return self.outbox.settle([Settlement(claim.reference, claim.attempt, claim.token, outcome, pause=pause)])

    def sql(self, statement: str, **values: Any) -> list[Mapping[str, Any]]:
        with self.database.transaction() as connection:
            result = connection.execute(sa.text(statement), values)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

    def state(self, reference: UUID) -> str:
        [row] = self.sql("SELECT state FROM wa.outbox WHERE reference = :r", r=reference)
        return str(row["state"])

    def states(self) -> dict[str, int]:
        return {row["state"]: row["n"] for row in self.sql("SELECT state, count(*) AS n FROM wa.outbox GROUP BY state")}

    def rows(self) -> list[Mapping[str, Any]]:
        return self.sql("SELECT * FROM whatsapp_messages ORDER BY created_at, message_id")

    def age(self, column: str, span: timedelta, where: str = "true") -> None:
        """Move the times in a column back by `span`, as if that time had passed."""
        self.sql(f"UPDATE wa.outbox SET {column} = {column} - CAST(:span AS interval) WHERE {where}", span=span)


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


@pytest.fixture
def wamids() -> Callable[[], str]:
    return lambda: f"wamid.{uuid4().hex}"
