"""Changes that only time brings: lost leases, evidence, deadlines. Each is a small transaction that any worker may run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from wa_cli.database.engine import Database, run
from wa_cli.isolation import OUTAGES, isolate, reason_of
from wa_cli.messages.outcomes import Rejected, Unknown
from wa_cli.messages.states import OutboxState
from wa_cli.outbox.settlement import NO_ATTEMPT, Decision, Settlement
from wa_cli.outbox.statements import insert_attempts, lock_rows
from wa_cli.store import messages
from wa_cli.store.windows import find_closed

SWEEP_LIMIT = 200
# A message that was uncertain this often is held, even if the evidence says that it was not sent.
UNCERTAIN_ATTEMPTS = 10


@dataclass
class Expired:
    """The number of ended messages. `unstored` are those whose rows were refused, for the reasons in `refused`."""

    count: int = 0
    unstored: list[Settlement] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Sweeps:
    """The sweeps of the outbox. `number` is the one whose heads of line are repaired."""

    def __init__(self, database: Database, number: str) -> None:
        self.database = database
        self.number = number

    def lose_leases(self) -> int:
        """Make messages uncertain if their worker died or was too slow. Return their number."""
        with self.database.transaction() as connection:
            lost = run(connection, "outbox/lose_leases", limit=SWEEP_LIMIT).all()
            unknown = Unknown("the worker ended before it could record an answer")
            insert_attempts(connection, [Settlement(ref, attempt, token, unknown) for ref, attempt, token in lost])
            return len(lost)

    def decide_uncertain(
        self, *, wait: timedelta, silence: timedelta, evidence_limit: timedelta
    ) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        """Decide uncertain messages by the evidence. Return (reference, state, customer, number, silent) of each."""
        with self.database.transaction() as connection:
            return run(
                connection,
                "outbox/decide_uncertain",
                wait=wait,
                silence=silence,
                evidence_limit=evidence_limit,
                attempts=UNCERTAIN_ATTEMPTS,
                limit=SWEEP_LIMIT,
            ).all()

    def pass_heads_on(self, wait: timedelta) -> int:
        """Pass the head of line on if its message may not block its customer any longer. Return the number."""
        with self.database.transaction() as connection:
            tired = run(connection, "outbox/pass_heads", wait=wait, limit=SWEEP_LIMIT).all()
            for number in {number for number, _ in tired}:
                run(connection, "outbox/hand_over", number=number, customers=[c for n, c in tired if n == number])
            return len(tired)

    def repair_heads(self, after: str = "", limit: int = 1000) -> tuple[str, int]:
        """Give customers with waiting messages a head of line if they have none, from the customer `after` on.

        Return the customer to go on from ("" at the end), and the number of repaired customers, normally 0.
        """
        with self.database.transaction() as connection:
            visited = run(connection, "outbox/stranded", number=self.number, after=after, limit=limit).all()
            stranded = [customer for customer, is_stranded in visited if is_stranded]
            if stranded:
                run(connection, "outbox/lock_heads", number=self.number, customers=stranded)
                run(connection, "outbox/hand_over", number=self.number, customers=stranded)
            return (visited[-1][0] if len(visited) == limit else ""), len(stranded)

    def end_window_waits(self, after: str = "", limit: int = 1000) -> str:
        """Make messages due that waited for their customers, and whose windows are open now, from the customer `after` on.

        Return the customer to go on from ("" at the end).
        """
        with self.database.transaction() as connection:
            waiters = run(connection, "outbox/window_waiters", number=self.number, after=after, limit=limit).all()
            for phone in {waiter.business_phone for waiter in waiters}:
                customers = [waiter.customer for waiter in waiters if waiter.business_phone == phone]
                closed = find_closed(connection, customers, phone)
                if opened := sorted(set(customers) - set(closed)):
                    found = {"number": self.number, "business_phone": phone, "customers": opened}
                    run(connection, "outbox/end_window_wait", **found)
                    run(connection, "outbox/hand_over", number=self.number, customers=opened)
        return str(waiters[-1].customer) if len(waiters) == limit else ""

    def expire(self) -> Expired:
        """End messages whose deadline has passed. A message whose row is refused ends without it."""
        with self.database.reading() as connection:
            overdue = [reference for (reference,) in run(connection, "outbox/overdue", limit=SWEEP_LIMIT)]
        expired = Expired()

        def end_without_row(reference: UUID, reason: str) -> None:
            try:
                ended = self._end_overdue([reference], rows_too=False)
            except OUTAGES:
                raise
            except Exception as error:  # one bad message does not stop the others
                expired.refused.append(f"{reason}; the outbox refuses it too: {reason_of(error)}")
                return
            expired.count += len(ended)
            expired.unstored += ended
            expired.refused.append(reason)

        def end(part: Sequence[UUID]) -> None:
            expired.count += len(self._end_overdue(part, rows_too=True))

        isolate(overdue, end, end_without_row)
        return expired

    def _end_overdue(self, references: Sequence[UUID], *, rows_too: bool) -> list[Settlement]:
        """End those that are still queued, all or none. Return each as the outcome that its row would show."""
        why = "its deadline passed before it could be sent"
        with self.database.transaction() as connection:
            locked = lock_rows(connection, references, [])
            queued = [row for row in locked.values() if row["state"] == OutboxState.QUEUED]
            ended = [Settlement(row["reference"], NO_ATTEMPT, row["token"], Rejected(None, why)) for row in queued]
            decision = Decision()
            for row in queued:
                decision.end(row, OutboxState.EXPIRED, None, why)
            decision.carry_out(connection, rows_too=rows_too)
            return ended

    def merge_pending_statuses(self) -> int:
        """Apply statuses that were stored before their row. Return their number, normally 0."""
        with self.database.transaction() as connection:
            wamids = [wamid for (wamid,) in run(connection, "messages/pending_statuses", limit=1000)]
            lock_rows(connection, [], wamids)  # outbox rows before message rows, as in every transaction
            return messages.apply_statuses(connection, wamids)

    def prune(self, keep: timedelta) -> int:
        """Delete finished outbox messages of long ago. Their rows in whatsapp_messages stay."""
        with self.database.transaction() as connection:
            return run(connection, "outbox/prune", keep=keep, limit=SWEEP_LIMIT * 10).rowcount
