"""Decisions of a person about outbox messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from wa_cli.database.engine import Database, run
from wa_cli.errors import BadInput
from wa_cli.messages.states import OutboxState
from wa_cli.outbox.settlement import Decision, Row
from wa_cli.outbox.statements import lock_rows

LONGEST_WAMID = 128


@dataclass(frozen=True)
class Decided:
    """The number of changed messages, and the states of the others, or None for a reference that is not in the outbox."""

    changed: int
    others: Mapping[UUID, OutboxState | None]


class OperatorActions:
    """Decisions about the messages of every business number. `number` is the one whose messages are moved."""

    def __init__(self, database: Database, number: str) -> None:
        self.database = database
        self.number = number

    def held(self, limit: int) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        """Return the messages that wait for a person, oldest first."""
        with self.database.reading() as connection:
            return run(connection, "outbox/held", limit=limit).all()

    def list_messages(
        self,
        states: Sequence[str],
        *,
        number: str | None = None,
        customer: str | None = None,
        campaign: str | None = None,
        before: datetime | None = None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Return messages in these states, oldest first. `customer` is a person's key, `before` bounds the queuing."""
        with self.database.reading() as connection:
            found = run(
                connection,
                "outbox/list",
                states=[*states],
                number=number,
                customer=customer,
                campaign=campaign,
                before=before,
                limit=limit,
            )
            return [dict(row) for row in found.mappings()]

    def release_held(self, references: Sequence[UUID]) -> Decided:
        """Send held messages again, as possible duplicates."""
        return self._decide_by_hand(
            references,
            (OutboxState.HELD,),
            lambda row, decision: decision.change(row, OutboxState.QUEUED, possible_double=row["uncertain_count"] > 0),
        )

    def confirm(self, references: Sequence[UUID], wamid: str | None = None) -> Decided:
        """Mark held or uncertain messages as sent. Without a `wamid` the row gets our reference as its id.

        Raises BadInput if the `wamid` belongs to another message.
        """
        if wamid is not None:
            self._check_wamid(wamid, references)
        return self._decide_by_hand(
            references,
            (OutboxState.HELD, OutboxState.UNCERTAIN),
            lambda row, decision: decision.confirm(row, wamid),
        )

    def _check_wamid(self, wamid: str, references: Sequence[UUID]) -> None:
        if not 0 < len(wamid) <= LONGEST_WAMID:
            raise BadInput(f"The id has {len(wamid):,} characters. It must have 1 to {LONGEST_WAMID}.")
        with self.database.reading() as connection:
            owners = [owner for (owner,) in run(connection, "outbox/owners", wamid=wamid)]
        if others := [owner for owner in owners if owner not in references]:
            whose = f"the message {others[0]}" if others[0] else "a message that wa did not send"
            raise BadInput(f"{wamid} is the id of {whose}.", hint="Confirm without --wamid, or check the id.")

    def cancel(self, references: Sequence[UUID]) -> Decided:
        """Cancel messages. A message in flight cannot be cancelled."""
        return self._decide_by_hand(
            references,
            (OutboxState.QUEUED, OutboxState.HELD, OutboxState.UNCERTAIN),
            lambda row, decision: decision.change(row, OutboxState.CANCELLED, failure_reason="cancelled by hand"),
        )

    def move(self, to: str) -> int:
        """Have another number send the messages that wait for this one. Return their number."""
        with self.database.transaction() as connection:
            customers = [customer for (customer,) in run(connection, "outbox/move", **{"from": self.number, "to": to})]
            run(connection, "outbox/hand_over", number=to, customers=sorted(set(customers)))
            return len(customers)

    def _decide_by_hand(
        self,
        references: Sequence[UUID],
        states: Sequence[OutboxState],
        change: Callable[[Row, Decision], None],
    ) -> Decided:
        with self.database.transaction() as connection:
            locked = lock_rows(connection, references, [])
            decision = Decision()
            fitting = {reference: row for reference, row in locked.items() if row["state"] in states}
            for row in fitting.values():
                change(row, decision)
                decision.handing_over.setdefault(row["number"], set()).add(row["customer"])
            decision.carry_out(connection)
            others = [reference for reference in references if reference not in fitting]
            found = {reference: OutboxState(row["state"]) for reference, row in locked.items()}
            return Decided(len(decision.changes), {reference: found.get(reference) for reference in others})
