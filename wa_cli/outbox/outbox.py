"""What is to be sent, and what became of it: the one authority on every message from the moment a worker holds it.

A message moves queued → sending → sent, or comes back to queued, or ends as failed, held, expired, cancelled. Between an
unread answer and the evidence it is uncertain. What a verdict changes is decided in `settlement.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from wa_cli import __version__
from wa_cli.database.engine import Database, rows, run
from wa_cli.errors import RowRefused
from wa_cli.messages.incoming import StatusUpdate
from wa_cli.messages.outcomes import Accepted, Unknown
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.messages.states import OutboxState
from wa_cli.outbox.settlement import Decision, Intent, Row, Settled, Settlement
from wa_cli.store import messages

SWEEP_LIMIT = 200
# How often a message may be uncertain before a person is asked, although the evidence says that it was not sent.
UNCERTAIN_ATTEMPTS = 10
# Answers from which on a share of them means something.
ENOUGH_ANSWERS = 20
PROBE_EVERY = timedelta(minutes=1)
# How a throttled number finds its rate again, per second: up to the rate that was too fast, about it, and past it.
RECOVERY = {"fast": 0.25, "careful": 0.002, "slow": 0.01}


@dataclass(frozen=True)
class Claim:
    """A message that a worker may send once, while its lease lasts. A probe asks whether a blocked number still is."""

    reference: UUID
    attempt: int
    token: UUID
    phone_number: str | None
    recipient: str | None
    message: Mapping[str, Any]
    customer: str
    retry_count: int
    is_probe: bool


@dataclass(frozen=True)
class OutboxDepth:
    """How full the outbox is, in a queue's words: `delayed` are retries, schedules, and what is uncertain or held."""

    waiting: int
    in_flight: int
    delayed: int
    oldest_seconds: float


@dataclass(frozen=True)
class WorkLeft:
    """What is unfinished. `sending` and `due` come to an end by themselves soon; `waiting` waits for a later retry or
    behind another message of its customer.
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

    def record(self, connection: sa.Connection, outgoing: Sequence[OutgoingMessage]) -> int:
        """Take messages over from a queue, in the caller's transaction; how many were not known yet.

        A message of another number is recorded for that number, and waits for a worker of its own.
        """
        by_number: dict[str, list[OutgoingMessage]] = {}
        for message in outgoing:
            by_number.setdefault(message.number or self.number, []).append(message)
        return sum(self._record(connection, number, by_number[number]) for number in sorted(by_number))

    def _record(self, connection: sa.Connection, number: str, outgoing: Sequence[OutgoingMessage]) -> int:
        customers = sorted({message.customer for message in outgoing})
        run(connection, "outbox/lock_turns", number=number, customers=customers)
        letters = [self._row(message) for message in outgoing]
        return run(
            connection, "outbox/record", rows=rows(letters), number=number, on_uncertain=self.on_uncertain
        ).rowcount

    def conflicts(self, connection: sa.Connection, outgoing: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
        """Return the messages whose reference is known for another message: another customer, number or content."""
        asked = [str(message.reference) for message in outgoing]
        known = {row.reference: row for row in run(connection, "outbox/known", references=asked)}
        return [
            message
            for message in outgoing
            if (row := known.get(message.reference))
            and (row.number, row.phone_number, row.recipient, row.message)
            != (message.number or self.number, message.phone_number, message.recipient, dict(message.message))
        ]

    def is_taken(self, message: OutgoingMessage) -> bool:
        """Whether another message is known under the reference of this one."""
        with self.database.reading() as connection:
            return bool(self.conflicts(connection, [message]))

    def open_number(self, ceiling: float) -> None:
        """Have a rate for the number: `ceiling` messages a second at most."""
        with self.database.transaction() as connection:
            run(connection, "outbox/open_number", number=self.number, ceiling=ceiling)

    def claim(self, limit: int, lease: timedelta) -> list[Claim]:
        """At most `limit` messages that are due, as the rate allows: one statement, one commit."""
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
            return [Claim(*row) for row in found]

    def release(self, claims: Iterable[Claim]) -> None:
        """Give back what was claimed and not sent after all."""
        held = [{"reference": claim.reference, "token": claim.token} for claim in claims]
        if held:
            with self.database.transaction() as connection:
                run(connection, "outbox/release", rows=rows(held))

    def settle(
        self, settlements: Sequence[Settlement], *, rows_too: bool = True, left_out: frozenset[str] = frozenset()
    ) -> Settled:
        """Record what became of attempts, all or none: outbox, rows, attempts, turns, in one transaction.

        Raises RowRefused where the database will not take one of the rows; `rows_too=False` leaves the rows out,
        `left_out` these of their columns.
        """
        with self.database.transaction() as connection:
            locked = self._lock(connection, [s.reference for s in settlements], [])
            decision = Decision()
            known = [settlement for settlement in settlements if settlement.reference in locked]
            for settlement in known:
                decision.settle(locked[settlement.reference], settlement)
            self._note_attempts(connection, known)
            settled = decision.carry_out(connection, rows_too=rows_too, left_out=left_out)
            strangers = tuple(s for s in settlements if s.reference not in locked)
            return replace(settled, strangers=strangers)

    def recover(self, intents: Sequence[Intent], lease: timedelta) -> None:
        """Take in what was sent while the database was away; a verdict may come for as long as `lease`."""
        with self.database.transaction() as connection:
            run(
                connection,
                "outbox/recover",
                rows=rows([self._recovered(intent) for intent in intents]),
                on_uncertain=self.on_uncertain,
                lease=lease,
            )

    def early_proofs(self, references: Sequence[UUID] | None = None) -> list[Settlement]:
        """What statuses prove that came before their message was known; of these messages, or of any."""
        asked = None if references is None else [str(reference) for reference in references]
        with self.database.reading() as connection:
            found = run(connection, "outbox/early", references=asked, limit=SWEEP_LIMIT * 10).all()
        return [
            Settlement(row.reference, row.attempt or 0, None, Accepted(row.wamid), row.happened_at) for row in found
        ]

    def _recovered(self, intent: Intent) -> dict[str, Any]:
        return {
            **self._row(intent.message),
            "number": intent.message.number or self.number,
            "token": intent.token,
            "sent_at": intent.sent_at.isoformat(),
        }

    def learn(
        self, connection: sa.Connection, statuses: Sequence[StatusUpdate], *, rows_too: bool = True
    ) -> tuple[Settled, list[Settlement]]:
        """Take in status events, in the caller's transaction: kept, applied upward, and proof of what was uncertain.

        What it stored, and the proofs that it found. `rows_too=False` leaves the rows of proven messages out, where the
        database refuses them: the truth of the outbox does not depend on the business's table.
        """
        references = [s.reference for s in statuses if s.reference]
        locked = self._lock(connection, references, sorted({s.wamid for s in statuses}))
        decision = Decision()
        proofs = [self._proof(status) for status in statuses if self._is_ours(locked, status)]
        for proof in proofs:
            decision.settle(locked[proof.reference], proof)
        messages.keep_statuses(connection, statuses)
        self._note_attempts(connection, proofs)
        settled = decision.carry_out(connection, rows_too=rows_too)
        messages.apply_statuses(connection, (status.wamid for status in statuses))
        return settled, proofs

    def find(self, reference: UUID) -> sa.Row[*tuple[Any, ...]] | None:
        """Where a message stands: reference, state, wamid, attempt, failure_reason."""
        with self.database.reading() as connection:
            return run(connection, "outbox/find", reference=reference).one_or_none()

    def depth(self) -> OutboxDepth:
        """How much of every number is unfinished."""
        with self.database.reading() as connection:
            return OutboxDepth(*run(connection, "outbox/depth").one())

    def work_left(self) -> WorkLeft:
        with self.database.reading() as connection:
            return WorkLeft(*run(connection, "outbox/work_left", number=self.number).one())

    def heartbeat(
        self, worker: str, host: str, pid: int, *, kind: str = "outgoing", idle: timedelta | None = None
    ) -> float | None:
        """This worker lives, and last got on with its work so long ago.

        Returns an outgoing worker's share of the number's rate, in messages a second; None before any spoke for it.
        """
        with self.database.transaction() as connection:
            share = run(
                connection,
                "outbox/heartbeat",
                number=self.number,
                worker=worker,
                kind=kind,
                host=host,
                pid=pid,
                version=__version__,
                idle=idle,
            ).scalar_one_or_none()
            return None if share is None else float(share)

    def end_heartbeat(self, worker: str) -> None:
        """Forget a worker that has finished its work."""
        with self.database.transaction() as connection:
            run(connection, "outbox/end_heartbeat", worker=worker)

    def move(self, to: str) -> int:
        """Have another number send what waits for this one; how many messages."""
        with self.database.transaction() as connection:
            customers = [customer for (customer,) in run(connection, "outbox/move", **{"from": self.number, "to": to})]
            run(connection, "outbox/hand_over", number=to, customers=sorted(set(customers)))
            return len(customers)

    def slow_down(self, pause: timedelta, age: timedelta, *, throttled: int = 1, answers: int = 1) -> float | None:
        """The number was throttled: slower from now, after a pause. The new rate, or None where it stays as it is.

        `age`: how long ago the latest of the throttled messages was claimed. `throttled` of `answers` throttled since the
        last call of this worker: a share that stays when the rate falls does not come from our rate.
        """
        with self.database.transaction() as connection:
            return slow_down(connection, self.number, pause, age, throttled=throttled, answers=answers)

    def block(self, why: str) -> bool:
        """Nobody can send for the number: one probe a minute from now. Whether this is news."""
        with self.database.transaction() as connection:
            return block(connection, self.number, why, by="answer")

    def unblock(self) -> bool:
        """A message got through; whether the number was blocked until now, by an answer."""
        with self.database.transaction() as connection:
            return run(connection, "outbox/unblock", number=self.number).first() is not None

    # What a person decides.

    def held(self, limit: int) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        """Messages that wait for a person, longest first."""
        with self.database.reading() as connection:
            return run(connection, "outbox/held", limit=limit).all()

    def release_held(self, references: Sequence[UUID]) -> int:
        """Send held messages again, as possible doubles; how many were held."""
        return self._decide_by_hand(
            references,
            (OutboxState.HELD,),
            lambda row, decision: decision.change(row, OutboxState.QUEUED, possible_double=row["uncertain_count"] > 0),
        )

    def confirm(self, references: Sequence[UUID], wamid: str | None = None) -> int:
        """Held or uncertain messages were sent, a person knows; how many. Without a `wamid` the row goes by our reference."""
        return self._decide_by_hand(
            references,
            (OutboxState.HELD, OutboxState.UNCERTAIN),
            lambda row, decision: decision.confirm(row, wamid),
        )

    def cancel(self, references: Sequence[UUID]) -> int:
        """Never send these; how many could still be cancelled. What is being sent cannot."""
        return self._decide_by_hand(
            references,
            (OutboxState.QUEUED, OutboxState.HELD, OutboxState.UNCERTAIN),
            lambda row, decision: decision.change(row, OutboxState.CANCELLED, failure_reason="cancelled by hand"),
        )

    def pause(self, why: str) -> bool:
        """Send nothing for the number until `resume`; whether any worker ever spoke for it."""
        with self.database.transaction() as connection:
            return run(connection, "outbox/pause", number=self.number, why=why).first() is not None

    def resume(self) -> bool:
        """Send for the number again, whatever stopped it; whether any worker ever spoke for it."""
        with self.database.transaction() as connection:
            return run(connection, "outbox/resume", number=self.number).first() is not None

    def _decide_by_hand(
        self,
        references: Sequence[UUID],
        states: Sequence[OutboxState],
        change: Callable[[Row, Decision], None],
    ) -> int:
        with self.database.transaction() as connection:
            locked = self._lock(connection, references, [])
            decision = Decision()
            for row in locked.values():
                if row["state"] in states:
                    change(row, decision)
                    decision.handing_over.setdefault(row["number"], set()).add(row["customer"])
            decision.carry_out(connection)
            return len(decision.changes)

    # What time alone decides; each a small transaction that any worker may do.

    def lose_leases(self) -> int:
        """Sends whose worker died or was too slow become uncertain; their number."""
        with self.database.transaction() as connection:
            lost = run(connection, "outbox/lose_leases", limit=SWEEP_LIMIT).all()
            unknown = Unknown("the worker ended before it could record an answer")
            self._note_attempts(connection, [Settlement(ref, attempt, token, unknown) for ref, attempt, token in lost])
            return len(lost)

    def decide_uncertain(
        self, *, wait: timedelta, silence: timedelta, evidence_limit: timedelta
    ) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        """Act on the evidence; (reference, state, customer, number, silent) of each that was decided."""
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

    def pass_turns(self, wait: timedelta) -> int:
        """Messages that may hold up nobody any more give up their turn; their number."""
        with self.database.transaction() as connection:
            tired = run(connection, "outbox/pass_turns", wait=wait, limit=SWEEP_LIMIT).all()
            for number in {number for number, _ in tired}:
                run(connection, "outbox/hand_over", number=number, customers=[c for n, c in tired if n == number])
            return len(tired)

    def mend_turns(self, after: str = "", limit: int = 1000) -> tuple[str, int]:
        """Give the turn to customers who wait and have none, from the customer `after` on.

        Where to go on from ("" once round), and how many were mended: in calm none.
        """
        with self.database.transaction() as connection:
            visited = run(connection, "outbox/stranded", number=self.number, after=after, limit=limit).all()
            stranded = [customer for customer, is_stranded in visited if is_stranded]
            if stranded:
                run(connection, "outbox/lock_turns", number=self.number, customers=stranded)
                run(connection, "outbox/hand_over", number=self.number, customers=stranded)
            return (visited[-1][0] if len(visited) == limit else ""), len(stranded)

    def expire(self) -> int:
        """Messages whose deadline has passed unsent; their number. A row that is refused is left out."""
        try:
            return self._expire(rows_too=True)
        except RowRefused:
            return self._expire(rows_too=False)

    def _expire(self, *, rows_too: bool) -> int:
        with self.database.transaction() as connection:
            overdue = [reference for (reference,) in run(connection, "outbox/overdue", limit=SWEEP_LIMIT)]
            locked = self._lock(connection, overdue, [])
            decision = Decision()
            for row in locked.values():
                if row["state"] == OutboxState.QUEUED:
                    decision.end(row, OutboxState.EXPIRED, None, "its deadline passed before it could be sent")
            decision.carry_out(connection, rows_too=rows_too)
            return len(decision.changes)

    def merge_pending_statuses(self) -> int:
        """Apply events whose row came after them by another way; in calm none."""
        with self.database.transaction() as connection:
            wamids = [wamid for (wamid,) in run(connection, "messages/pending_statuses", limit=1000)]
            self._lock(connection, [], wamids)  # outbox rows before message rows, as in every transaction
            return messages.apply_statuses(connection, wamids)

    def prune(self, keep: timedelta) -> int:
        """Forget what ended long ago; the rows in whatsapp_messages stay."""
        with self.database.transaction() as connection:
            return run(connection, "outbox/prune", keep=keep, limit=SWEEP_LIMIT * 10).rowcount

    @staticmethod
    def _note_attempts(connection: sa.Connection, settlements: Sequence[Settlement]) -> None:
        if not settlements:
            return
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
        ]
        run(connection, "outbox/attempts", rows=rows(made))

    @staticmethod
    def _lock(connection: sa.Connection, references: Sequence[UUID], wamids: Sequence[str]) -> dict[UUID, Row]:
        found = run(connection, "outbox/lock", references=[str(r) for r in references], wamids=list(wamids))
        return {row["reference"]: dict(row) for row in found.mappings()}

    def _is_ours(self, locked: dict[UUID, Row], status: StatusUpdate) -> bool:
        """A reference counts only within its own number: an echo may be forged, or somebody else's."""
        row = locked.get(status.reference) if status.reference else None
        return row is not None and row["number"] == status.number and row["wamid"] != status.wamid

    @staticmethod
    def _proof(status: StatusUpdate) -> Settlement:
        """Any status of an attempt proves that Meta accepted it."""
        assert status.reference is not None
        return Settlement(status.reference, status.attempt or 0, None, Accepted(status.wamid), status.happened_at)

    def _row(self, message: OutgoingMessage) -> dict[str, Any]:
        return {
            "reference": message.reference,
            "customer": message.customer,
            "phone_number": message.phone_number,
            "recipient": message.recipient,
            "message_type": message.type,
            "message": dict(message.message),
            "business_phone": message.business_phone or self.business_phone,
            "employee_id": message.employee_id,
            "campaign": message.campaign,
            "sent_by": message.sent_by,
            "queued_at": message.queued_at.isoformat(),
            "due_at": message.due_at.isoformat() if message.due_at else None,
            "expires_at": message.expires_at.isoformat() if message.expires_at else None,
        }


def slow_down(
    connection: sa.Connection, number: str, pause: timedelta, age: timedelta, *, throttled: int, answers: int
) -> float | None:
    """Lower the rate of a throttled number, as `Outbox.slow_down` says."""
    rate = run(
        connection,
        "outbox/slow_down",
        number=number,
        pause=pause,
        age=age,
        throttled=throttled,
        answers=answers,
        enough=ENOUGH_ANSWERS,
    ).scalar()
    return None if rate is None else float(rate)


def block(connection: sa.Connection, number: str, why: str, *, by: str) -> bool:
    """Let one message a minute through for the number. Return True if it was not blocked before. `by`: answer or status."""
    return bool(run(connection, "outbox/block", number=number, why=why, by=by, probe_every=PROBE_EVERY).scalar())


def unblock_by_statuses(connection: sa.Connection, references: Sequence[UUID]) -> bool:
    """Free the numbers that statuses blocked and that sent these messages since. Return True if there was one."""
    asked = [str(reference) for reference in references]
    return run(connection, "outbox/unblock_by_statuses", references=asked).first() is not None
