"""The messages to send, and their states. From the moment a worker holds a message, the outbox alone decides about it.

A message moves queued → sending → sent, or back to queued, or ends as failed, held, expired or cancelled. Between a
lost answer and the evidence it is uncertain. `settlement.py` decides what an outcome changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from wa_cli.database.engine import Database, rows, run, translated
from wa_cli.errors import RowRefused, StatementCancelled
from wa_cli.messages.incoming import StatusUpdate
from wa_cli.messages.outcomes import Accepted
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.outbox import window_rules
from wa_cli.outbox.operator_actions import OperatorActions
from wa_cli.outbox.rate_limit import PROBE_EVERY, RateLimit
from wa_cli.outbox.settlement import NO_ATTEMPT, Decision, Intent, Row, Settled, Settlement
from wa_cli.outbox.statements import insert_attempts, insert_storage_failures, lock_rows
from wa_cli.outbox.sweeps import SWEEP_LIMIT, Sweeps
from wa_cli.runtime.circuit_breaker import CircuitBreaker
from wa_cli.store import messages
from wa_cli.version import __version__

# Recovery of a throttled number's rate per second: below the rate that was too fast, near it, and above it.
BLIND_SECONDS = 60.0  # without judging windows, after the table of messages could not be read
RECOVERY = {"fast": 0.25, "careful": 0.002, "slow": 0.01}


@dataclass(frozen=True)
class Claim:
    """A message that a worker may send once, while its lease lasts. A probe tests if a blocked number is open again.
    `waited_seconds` is the time from when it was due to its claim. `window_rule` rules what happens outside the 24-hour
    window of the customer.
    """

    reference: UUID
    attempt: int
    token: UUID
    phone: str | None
    recipient: str | None
    content: Mapping[str, Any]
    customer: str
    retry_count: int
    is_probe: bool
    waited_seconds: float = 0.0
    window_rule: str | None = None
    or_template: Mapping[str, Any] | None = None
    business_phone: str = ""
    # The instant at which the customer's window closed, so that the message cannot be sent.
    closed_at: datetime | None = None


@dataclass(frozen=True)
class NumberShare:
    """The state of a business number (open, paused or blocked) with its reason, and a worker's share of the rate, in
    messages a second.
    """

    state: str
    reason: str | None
    rate: float


@dataclass(frozen=True)
class OutboxDepth:
    """Counts of unfinished messages, in the words of a queue. `delayed` are retries, scheduled, uncertain and held
    messages.
    """

    waiting: int
    in_flight: int
    delayed: int
    oldest_seconds: float


@dataclass(frozen=True)
class WorkLeft:
    """Counts of unfinished messages. `sending` and `due` finish soon without help. `waiting` messages wait for a later
    retry or behind another message of their customer.
    """

    sending: int
    due: int
    waiting: int
    paused: int
    scheduled: int
    uncertain: int
    held: int


class Outbox:
    """The messages of one business number."""

    def __init__(
        self, database: Database, number: str, *, business_phone: str = "business", on_uncertain: str = "evidence"
    ) -> None:
        self.database = database
        self.number = number
        self.business_phone = business_phone
        self.on_uncertain = on_uncertain
        self.rate_limit = RateLimit(database, number)
        self.operator = OperatorActions(database, number)
        self.sweeps = Sweeps(database, number)
        self._windows_breaker = CircuitBreaker(BLIND_SECONDS)

    def record(self, connection: sa.Connection, outgoing: Sequence[OutgoingMessage]) -> int:
        """Insert messages of a queue, in the caller's transaction. Return the number of new ones.

        A message for another number is recorded for that number, and waits for a worker of its own.
        """
        by_number: dict[str, list[OutgoingMessage]] = {}
        for message in outgoing:
            by_number.setdefault(message.phone_number_id or self.number, []).append(message)
        return sum(self._record(connection, number, by_number[number]) for number in sorted(by_number))

    def _record(self, connection: sa.Connection, number: str, outgoing: Sequence[OutgoingMessage]) -> int:
        customers = sorted({message.customer for message in outgoing})
        run(connection, "outbox/lock_heads", number=number, customers=customers)
        entries = [self._row(message) for message in outgoing]
        return run(
            connection, "outbox/record", rows=rows(entries), number=number, on_uncertain=self.on_uncertain
        ).rowcount

    def conflicts(self, connection: sa.Connection, outgoing: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
        """Return the messages whose reference is known for another message: another customer, number or content."""
        asked = [str(message.reference) for message in outgoing]
        known = {row.reference: row for row in run(connection, "outbox/known", references=asked)}
        return [
            message
            for message in outgoing
            if (row := known.get(message.reference))
            and not (
                (message.phone_number_id or self.number) in (row.number, *(row.former_numbers or ()))
                and (row.phone_number, row.recipient) == (message.phone, message.recipient)
                and row.message in (dict(message.content), message.or_template)
            )
        ]

    def find_known(self, references: Sequence[UUID]) -> set[UUID]:
        """Return those of the references that the outbox has."""
        with self.database.reading() as connection:
            found = run(connection, "outbox/known", references=[str(reference) for reference in references])
            return {row.reference for row in found}

    def find_taken(self, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
        """Return the messages whose references are known for other messages."""
        with self.database.reading() as connection:
            return self.conflicts(connection, messages)

    def claim(self, limit: int, lease: timedelta) -> list[Claim]:
        """Claim at most `limit` due messages within the rate, in one statement and one commit."""
        with self.database.transaction() as connection:
            found = run(
                connection,
                "outbox/claim",
                number=self.number,
                limit=limit,
                lease=lease,
                probe_every=PROBE_EVERY,
                **RECOVERY,
            )
            claims = [Claim(*row) for row in found]
            return window_rules.apply(connection, self.number, claims, self._closed_windows(connection, claims))

    def _closed_windows(self, connection: sa.Connection, claims: Sequence[Claim]) -> window_rules.Closed:
        """Return the closed windows of these claims. While the table of messages cannot be read none is known, and the API
        judges.
        """
        if self._windows_breaker.is_open or not any(claim.window_rule for claim in claims):
            return {}
        try:
            with translated(), connection.begin_nested():
                return window_rules.find_closed_of(connection, claims)
        except (StatementCancelled, RowRefused):
            self._windows_breaker.trip()
            return {}

    def next_due(self) -> float | None:
        """Return the seconds until the next message is due, 0 or less if one is due now, or None if none waits."""
        with self.database.reading() as connection:
            found = run(connection, "outbox/next_due", number=self.number).scalar()
            return None if found is None else float(found)

    def release(self, claims: Iterable[Claim]) -> None:
        """Give back claimed messages that were not sent."""
        held = [{"reference": claim.reference, "token": claim.token} for claim in claims]
        if held:
            with self.database.transaction() as connection:
                run(connection, "outbox/release", rows=rows(held))

    def settle(
        self,
        settlements: Sequence[Settlement],
        *,
        rows_too: bool = True,
        left_out: frozenset[str] = frozenset(),
        failure: str | None = None,
    ) -> Settled:
        """Write the outcomes of attempts, all or none: outbox, rows, attempts and heads of line in one transaction.

        Raises RowRefused if the database refuses one of the rows. `rows_too=False` writes no rows, `left_out` omits
        columns of them. `failure` is the recorded reason why the outcomes could not be settled at once.
        """
        with self.database.transaction() as connection:
            locked = lock_rows(connection, [s.reference for s in settlements], [])
            decision = Decision()
            known = [settlement for settlement in settlements if settlement.reference in locked]
            for settlement in known:
                decision.add_outcome(locked[settlement.reference], settlement)
            if failure:
                insert_storage_failures(connection, known, failure)
            insert_attempts(connection, known)
            settled = decision.carry_out(connection, rows_too=rows_too, left_out=left_out)
            unknown = tuple(s for s in settlements if s.reference not in locked)
            return replace(settled, unknown=unknown)

    def recover(self, intents: Sequence[Intent], lease: timedelta) -> None:
        """Insert messages that were sent in degraded mode. Their outcomes may come until `lease` has passed."""
        with self.database.transaction() as connection:
            run(
                connection,
                "outbox/recover",
                rows=rows([self._recovered(intent) for intent in intents]),
                on_uncertain=self.on_uncertain,
                lease=lease,
            )

    def early_proofs(self, references: Sequence[UUID] | None = None) -> list[Settlement]:
        """Return proofs from statuses that came before their message was known, of these messages or of any."""
        asked = None if references is None else [str(reference) for reference in references]
        with self.database.reading() as connection:
            found = run(connection, "outbox/early", references=asked, limit=SWEEP_LIMIT * 10).all()
        return [
            Settlement(row.reference, row.attempt or NO_ATTEMPT, None, Accepted(row.wamid), row.happened_at)
            for row in found
        ]

    def _recovered(self, intent: Intent) -> dict[str, Any]:
        return {
            **self._row(intent.message),
            "number": intent.message.phone_number_id or self.number,
            "token": intent.token,
            "sent_at": intent.sent_at.isoformat(),
        }

    def record_statuses(
        self, connection: sa.Connection, statuses: Sequence[StatusUpdate], *, refused: str | None = None
    ) -> tuple[Settled, list[Settlement]]:
        """Insert status events, in the caller's transaction: apply them, and settle messages that they prove as sent.

        Return what was stored, and the proofs. `refused` is the reason why the database refuses the rows of proven
        messages: none is written and the failure is recorded. The outbox does not depend on the business's table.
        """
        references = [s.reference for s in statuses if s.reference]
        locked = lock_rows(connection, references, sorted({s.wamid for s in statuses}))
        decision = Decision()
        proofs = [self._proof(status) for status in statuses if self._is_ours(locked, status)]
        for proof in proofs:
            decision.add_outcome(locked[proof.reference], proof)
        messages.insert_statuses(connection, statuses)
        if refused:
            insert_storage_failures(connection, proofs, refused)
        insert_attempts(connection, proofs)
        settled = decision.carry_out(connection, rows_too=refused is None)
        messages.apply_statuses(connection, (status.wamid for status in statuses))
        return settled, proofs

    def find(self, reference: UUID) -> sa.Row[*tuple[Any, ...]] | None:
        """Return the state of a message: reference, state, wamid, attempt, failure_reason."""
        with self.database.reading() as connection:
            return run(connection, "outbox/find", reference=reference).one_or_none()

    def depth(self) -> OutboxDepth:
        """Return the counts of unfinished messages of every number."""
        with self.database.reading() as connection:
            return OutboxDepth(*run(connection, "outbox/depth").one())

    def work_left(self) -> WorkLeft:
        with self.database.reading() as connection:
            return WorkLeft(*run(connection, "outbox/work_left", number=self.number).one())

    def heartbeat(
        self,
        worker: str,
        host: str,
        pid: int,
        *,
        kind: str = "outgoing",
        idle: timedelta | None = None,
        rate: float | None = None,
    ) -> NumberShare | None:
        """Write that this worker lives. `idle` is the time since its last progress, `rate` its messages a second.

        Return an outgoing worker's share of the number, or None before the number has a rate.
        """
        with self.database.transaction() as connection:
            found = run(
                connection,
                "outbox/heartbeat",
                number=self.number,
                worker=worker,
                kind=kind,
                host=host,
                pid=pid,
                version=__version__,
                idle=idle,
                rate=rate,
            ).one_or_none()
            return None if found is None else NumberShare(found.state, found.reason, float(found.share))

    def end_heartbeat(self, worker: str) -> None:
        """Delete the heartbeat of a worker that has finished its work."""
        with self.database.transaction() as connection:
            run(connection, "outbox/end_heartbeat", worker=worker)

    def _is_ours(self, locked: dict[UUID, Row], status: StatusUpdate) -> bool:
        """Return True if the status belongs to this row. A reference counts only within its own number, or the one that
        it was moved from: an echo may be forged.
        """
        row = locked.get(status.reference) if status.reference else None
        return (
            row is not None
            and status.phone_number_id in (row["number"], *(row["former_numbers"] or ()))
            and row["wamid"] != status.wamid
        )

    @staticmethod
    def _proof(status: StatusUpdate) -> Settlement:
        """Return the settlement that a status proves: any status of an attempt proves that Meta accepted it."""
        assert status.reference is not None
        return Settlement(
            status.reference, status.attempt or NO_ATTEMPT, None, Accepted(status.wamid), status.happened_at
        )

    def _row(self, message: OutgoingMessage) -> dict[str, Any]:
        return {
            "reference": message.reference,
            "customer": message.customer,
            "phone_number": message.phone,
            "recipient": message.recipient,
            "message_type": message.type,
            "message": dict(message.content),
            "business_phone": message.business_phone or self.business_phone,
            "employee_id": message.employee_id,
            "campaign": message.campaign,
            "sent_by": message.sent_by,
            "queued_at": message.queued_at.isoformat(),
            "due_at": message.due_at.isoformat() if message.due_at else None,
            "expires_at": message.expires_at.isoformat() if message.expires_at else None,
            "window_rule": message.window if message.needs_window else None,
            "or_template": dict(message.or_template) if message.or_template else None,
            "resend_of": message.resend_of,
        }
