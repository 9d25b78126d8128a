"""The effect of an outcome on a message, with the rows of the outbox locked, and the statements that write it.

Two rules hold for every outcome: an accepted message is always recorded, and otherwise only the holder of the token
decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from wa_cli.clock import now
from wa_cli.database.engine import rows, run
from wa_cli.messages import content, outcomes
from wa_cli.messages.incoming import Alias
from wa_cli.messages.outcomes import Accepted, Blocked, NotTransmitted, Outcome, Rejected, Retryable, Unknown
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.messages.phone import is_group_id
from wa_cli.messages.states import OutboxState
from wa_cli.store import contacts, messages

MOST_RETRIES = 8
# The attempt of a message that ended without one, and of a status that names none.
NO_ATTEMPT = 0


Row = dict[str, Any]


@dataclass(frozen=True)
class Settlement:
    """An attempt and its outcome, as the spool keeps it and the outbox settles it. `pause` is in seconds."""

    reference: UUID
    attempt: int
    token: UUID | None
    outcome: Outcome
    answered_at: datetime = field(default_factory=now)
    pause: float = 0.0

    def to_record(self) -> dict[str, Any]:
        return {
            "reference": str(self.reference),
            "attempt": self.attempt,
            "token": str(self.token) if self.token else None,
            "verdict": outcomes.to_record(self.outcome),
            "answered_at": self.answered_at.isoformat(),
            "pause": self.pause,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Settlement:
        """Return the settlement of a record. Raises KeyError, TypeError or ValueError if it is not one."""
        return cls(
            reference=UUID(record["reference"]),
            attempt=int(record["attempt"]),
            token=UUID(record["token"]) if record["token"] else None,
            outcome=outcomes.from_record(record["verdict"]),
            answered_at=datetime.fromisoformat(record["answered_at"]),
            pause=float(record["pause"]),
        )


@dataclass(frozen=True)
class Intent:
    """A message about to be sent in degraded mode, as the spool keeps it. `token` belongs to this attempt."""

    message: OutgoingMessage
    token: UUID
    sent_at: datetime = field(default_factory=now)

    @property
    def reference(self) -> UUID:
        return self.message.reference

    def to_record(self) -> dict[str, Any]:
        return {"intent": self.message.to_body(), "token": str(self.token), "sent_at": self.sent_at.isoformat()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Intent:
        """Return the intent of a record. Raises KeyError, TypeError, ValueError or BadInput if it is not one."""
        return cls(
            OutgoingMessage.from_body(record["intent"], queue_id=""),
            UUID(record["token"]),
            datetime.fromisoformat(record["sent_at"]),
        )


@dataclass(frozen=True)
class Settled:
    """The result of a transaction. `stored` are pairs of a message's type and the id of the new row.

    `unknown` are attempts at messages that this outbox does not know.
    """

    stored: tuple[tuple[str, str], ...] = ()
    duplicates: tuple[UUID, ...] = ()
    unknown: tuple[Settlement, ...] = ()


@dataclass
class Decision:
    """The changes of one transaction: outbox rows, rows of whatsapp_messages, and what follows from them."""

    changes: list[dict[str, Any]] = field(default_factory=list)
    rows_to_store: list[dict[str, Any]] = field(default_factory=list)
    failures_to_delete: list[str] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    handing_over: dict[str, set[str]] = field(default_factory=dict)
    duplicates: list[tuple[UUID, str]] = field(default_factory=list)

    def add_outcome(self, row: Row, settlement: Settlement) -> None:
        """Add the changes of one attempt's outcome."""
        outcome = settlement.outcome
        if isinstance(outcome, Accepted):
            self._sent(row, settlement, outcome)
            return
        if row["token"] != settlement.token:
            return
        if row["state"] in (OutboxState.FAILED, OutboxState.EXPIRED):
            # It comes again from the spool: its row was refused when the outbox was settled.
            self.rows_to_store.append(_failed_row(row, row["failure_reason"]))
            return
        if row["state"] not in (OutboxState.SENDING, OutboxState.UNCERTAIN):
            return
        match outcome:
            case Rejected(code, why):
                self.end(row, OutboxState.FAILED, code, why)
            case Retryable(code, why, counts=True) if row["retry_count"] >= MOST_RETRIES:
                self.end(row, OutboxState.FAILED, code, f"{why} (after {MOST_RETRIES} retries)")
            case Retryable(code, why, counts=counts):
                self._again(row, settlement, code=code, why=why, counts=counts)
            case NotTransmitted(why):
                self._again(row, settlement, code=None, why=why, counts=False)
            case Blocked(code, why):
                self._again(row, settlement, code=code, why=why, counts=False)
            case Unknown(why):
                self.change(row, OutboxState.UNCERTAIN, failure_reason=why)

    def _sent(self, row: Row, settlement: Settlement, outcome: Accepted) -> None:
        stored = _message_row(row, outcome.wamid, "sent", settlement.answered_at)
        if row["state"] == OutboxState.SENT and row["wamid"] == outcome.wamid:
            # A status came first, or the spool brings it again because its row was refused: the row may be missing, and
            # that of an earlier failure may still be there.
            self.rows_to_store.append(stored)
            if row["uncertain_count"]:
                self.failures_to_delete.append(messages.failed_id(row["reference"]))
            return
        is_duplicate = row["wamid"] is not None and row["wamid"] != outcome.wamid
        if is_duplicate:
            self.duplicates.append((row["reference"], outcome.wamid))
        if row["state"] in (OutboxState.FAILED, OutboxState.EXPIRED, OutboxState.CANCELLED) or row["confirmed"]:
            self.failures_to_delete.append(messages.failed_id(row["reference"]))
        self.change(
            row,
            OutboxState.SENT,
            wamid=row["wamid"] or outcome.wamid,
            accepted_at=settlement.answered_at.isoformat(),
            paced=outcome.paced,
            possible_double=is_duplicate,
        )
        self.rows_to_store.append(stored)
        if outcome.alias:
            self.aliases.append(Alias(row["customer"], outcome.alias, settlement.answered_at))

    def end(self, row: Row, state: OutboxState, code: int | None, why: str) -> None:
        """End a message that will not be sent. Its row tells if an attempt was uncertain."""
        if row["uncertain_count"]:
            why = f"{state}, may have been delivered: {why}"
        self.change(row, state, failure_code=code, failure_reason=why)
        self.rows_to_store.append(_failed_row(row, why))

    def confirm(self, row: Row, wamid: str | None) -> None:
        """Mark a message as sent, by a person's decision. Without a wamid its row gets our reference."""
        self.change(row, OutboxState.SENT, wamid=wamid)
        message_id = wamid or messages.failed_id(row["reference"])
        self.rows_to_store.append(_message_row(row, message_id, "sent", row["last_attempt_at"] or now()))

    def _again(self, row: Row, settlement: Settlement, *, code: int | None, why: str, counts: bool) -> None:
        if row["overdue"]:
            self.end(row, OutboxState.EXPIRED, code, f"its deadline passed while it was retried: {why}")
            return
        self.change(
            row,
            OutboxState.QUEUED,
            after=settlement.pause,
            counts=int(counts),
            failure_code=code,
            failure_reason=why,
        )

    def change(self, row: Row, state: OutboxState, **values: Any) -> None:
        """Change the outbox row only."""
        self.changes.append(
            {
                "reference": row["reference"],
                "state": state,
                "after": 0,
                "counts": 0,
                "paced": False,
                "possible_double": False,
                **values,
            }
        )
        if state.is_final or state == OutboxState.HELD:
            self.handing_over.setdefault(row["number"], set()).add(row["customer"])
        # A second outcome in the same batch must see the effect of the first one.
        row["state"], row["wamid"] = state, values.get("wamid") or row["wamid"]

    def carry_out(
        self, connection: sa.Connection, *, rows_too: bool = True, left_out: frozenset[str] = frozenset()
    ) -> Settled:
        """Write the changes, in the transaction that locked the rows, without the columns `left_out` of
        whatsapp_messages. `rows_too=False` does not write that table.
        """
        if self.changes:
            run(connection, "outbox/change", rows=rows(_last_of_each(self.changes)))
        stored = [row for row in self.rows_to_store if rows_too and row["message_id"] not in self.failures_to_delete]
        if stored and self.failures_to_delete:
            run(connection, "messages/forget_failures", ids=sorted(self.failures_to_delete))
        new = messages.insert(connection, stored, left_out)
        messages.apply_statuses(connection, (row["message_id"] for row in stored if row["status"] == "sent"))
        contacts.update_people(connection, (), self.aliases)
        for number, customers in self.handing_over.items():
            run(connection, "outbox/hand_over", number=number, customers=sorted(customers))
        # Each status of a message proves it once more.
        stored_ids = dict.fromkeys(
            (row["message_type"], row["message_id"]) for row in stored if row["message_id"] in new
        )
        duplicates = dict.fromkeys(duplicate for duplicate in self.duplicates if duplicate[1] in new)
        return Settled(tuple(stored_ids), tuple(reference for reference, _ in duplicates))


def _failed_row(row: Row, why: str | None) -> dict[str, Any]:
    message = _message_row(row, messages.failed_id(row["reference"]), "failed", now())
    return {**message, "failure_reason": why}


def _message_row(row: Row, message_id: str, status: str, at: datetime) -> dict[str, Any]:
    parts = content.columns(row["message"])
    is_group = is_group_id(row["recipient"] or "")
    return {
        "message_id": message_id,
        "from_phone": row["business_phone"],
        "to_phone": row["phone_number"] or row["recipient"],
        "message_type": row["message_type"],
        "content": parts.content,
        "media_url": parts.media_url,
        "media_type": parts.media_type,
        "status": status,
        "timestamp": messages.utc(at),
        "context_message_id": content.quoted_id(row["message"]),
        "direction": "outgoing",
        "template_name": parts.template_name,
        "template_params": parts.template_params,
        "retry_count": row["retry_count"],
        "last_retry_at": messages.utc(row["last_attempt_at"]) if row["retry_count"] else None,
        "employee_id": row["employee_id"],
        "campaign": row["campaign"],
        "sent_by": row["sent_by"],
        "group_id": row["recipient"] if is_group else None,
        "reference": row["reference"],
        "customer_user_id": None if is_group else row["recipient"],
    }


def _last_of_each(changes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one change for each row, since an UPDATE that finds two takes either. Values of earlier changes are kept."""
    merged: dict[UUID, dict[str, Any]] = {}
    for change in changes:
        into = merged.setdefault(change["reference"], {})
        for key, value in change.items():
            if value is not None:
                into[key] = value or into.get(key, False) if isinstance(value, bool) else value
        if change["state"] == OutboxState.SENT:
            into.pop("failure_reason", None)
            into.pop("failure_code", None)
    return [merged[reference] for reference in sorted(merged, key=str)]
