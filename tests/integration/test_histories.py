"""Random histories of messages on the real database, with invariants that hold after every step."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from hypothesis.stateful import run_state_machine_as_test as run_histories

from tests.integration.conftest import LEASE, Bench
from wa_cli.clock import now
from wa_cli.database.engine import Database
from wa_cli.messages.content.text import text
from wa_cli.messages.incoming import StatusUpdate
from wa_cli.messages.outcomes import Accepted, Blocked, NotTransmitted, Outcome, Rejected, Retryable, Unknown
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.outbox.outbox import Claim
from wa_cli.outbox.settlement import Intent, Settlement

HISTORIES_PER_EXAMPLE, STEPS = 0.25, 40
MOST_MESSAGES = 5
NUMBER = "42"
TABLES = "wa.outbox, wa.send_attempts, wa.status_events, wa.contacts, wa.rate_limits, wa.worker_heartbeats, whatsapp_messages"
PATIENCE = {"wait": timedelta(seconds=120), "silence": timedelta(minutes=15), "evidence_limit": timedelta(hours=24)}

# Messages are drawn by their place in order of creation, because Hypothesis cannot replay a draw of random ids.
places = st.integers(0, 1000)
customers = st.sampled_from(["+1", "+2"])
statuses = st.sampled_from(["sent", "delivered", "read", "failed"])
refusals: st.SearchStrategy[Outcome] = st.sampled_from(
    [
        Rejected(131026, "undeliverable"),
        Retryable(131000, "something went wrong"),
        Retryable(131056, "pair", scope="pair", counts=False),
        NotTransmitted("no route"),
        Blocked(190, "token"),
        Unknown("cut"),
    ]
)


def outcome_fields(row: Any) -> tuple[Any, ...]:
    """Return the columns that an outcome decides. `turn` also depends on other messages of the customer."""
    return row["state"], row["wamid"], row["attempt"], row["retry_count"], row["failure_reason"]


class Histories(RuleBasedStateMachine):
    """A state machine of messages, claims of workers, answers in flight, and wamids that the API accepted."""

    claims = Bundle("claims")
    answers = Bundle("answers")
    database: Database

    @initialize()
    def begin(self) -> None:
        with self.database.autocommit() as connection:
            connection.exec_driver_sql(f"TRUNCATE {TABLES}")
        self.bench = Bench(self.database, NUMBER)
        self.messages: dict[UUID, OutgoingMessage] = {}
        self.recorded: set[UUID] = set()
        self.taken: dict[UUID, list[str]] = defaultdict(list)
        self.told: dict[UUID, set[str]] = defaultdict(set)
        self.tokens: set[UUID] = set()
        self.states: dict[UUID, tuple[str, str | None]] = {}

    def _message(self, to: str, **more: Any) -> OutgoingMessage:
        return OutgoingMessage(
            text("hi"), phone=to, phone_number_id=NUMBER, reference=UUID(int=len(self.messages)), **more
        )

    def _one(self, place: int) -> OutgoingMessage | None:
        """Return a message that was queued before, or None if there is none."""
        return list(self.messages.values())[place % len(self.messages)] if self.messages else None

    def _record(self, message: OutgoingMessage) -> None:
        self.messages[message.reference] = message
        self.bench.record([message])
        self.recorded.add(message.reference)

    def _is_full(self) -> bool:
        """Return true at the limit, which is low so that the same messages interact often."""
        return len(self.messages) >= MOST_MESSAGES

    @precondition(lambda self: not self._is_full())
    @rule(to=customers)
    def enqueue(self, to: str) -> None:
        self._record(self._message(to))

    @precondition(lambda self: not self._is_full())
    @rule(to=customers)
    def enqueue_expiring_message(self, to: str) -> None:
        self._record(self._message(to, expires_at=now() + timedelta(hours=1)))

    @rule(place=places)
    def deliver_again(self, place: int) -> None:
        if message := self._one(place):
            self._record(message)

    @rule(target=claims, limit=st.integers(1, 4))
    def claim(self, limit: int) -> Any:
        self.bench.sql("UPDATE wa.rate_limits SET paused_until = NULL, blocked_at = NULL")
        claimed = self.bench.claim(limit)
        for one in claimed:
            assert one.token not in self.tokens, "a token has one owner"
            self.tokens.add(one.token)
        return multiple(*claimed)

    def _take(self, reference: UUID) -> str:
        wamid = f"wamid.{uuid4().hex}"
        self.taken[reference].append(wamid)
        return wamid

    @rule(target=answers, claim=claims)
    def post_and_be_accepted(self, claim: Claim) -> Any:
        outcome = Accepted(self._take(claim.reference))
        return Settlement(claim.reference, claim.attempt, claim.token, outcome)

    @rule(target=answers, claim=claims, outcome=refusals)
    def post_and_fail(self, claim: Claim, outcome: Outcome) -> Any:
        if isinstance(outcome, Unknown):
            self._take(claim.reference)
        return Settlement(claim.reference, claim.attempt, claim.token, outcome)

    @rule(claim=consumes(claims))
    def release(self, claim: Claim) -> None:
        self.bench.outbox.release([claim])

    @rule(answer=answers)
    def settle(self, answer: Settlement) -> None:
        """Settle an answer once, twice or late, because the spool may replay it at any time."""
        self._settle([answer])

    @rule(first=answers, second=answers)
    def settle_two(self, first: Settlement, second: Settlement) -> None:
        self._settle([first, second])

    def _settle(self, settlements: list[Settlement]) -> None:
        before = self._outbox()
        self.bench.outbox.settle(settlements)
        after = self._outbox()
        touched = {s.reference for s in settlements if isinstance(s.outcome, Accepted)}
        for settlement in settlements:
            reference = settlement.reference
            if settlement.token != before[reference]["token"] and reference not in touched:
                others = [s for s in settlements if s.reference == reference and s.token == before[reference]["token"]]
                assert others or outcome_fields(before[reference]) == outcome_fields(after[reference]), (
                    "a zombie decides nothing"
                )
        for settlement in settlements:
            if isinstance(settlement.outcome, Accepted):
                self.told[settlement.reference].add(settlement.outcome.wamid)

    @rule(claim=consumes(claims))
    def crash(self, claim: Claim) -> None:
        """Lose a claim with its worker. The program never reads the answer of the API."""

    @rule(target=answers, to=customers, place=places, is_known=st.booleans(), outcome=refusals)
    def send_in_degraded_mode(self, to: str, place: int, is_known: bool, outcome: Outcome) -> Any:
        """Send a message without the outbox, whether or not the outbox has it, and replay the intent at once."""
        message = (self._one(place) if is_known or self._is_full() else None) or self._message(to)
        self.messages[message.reference] = message
        intent = Intent(message, uuid4())
        self.tokens.add(intent.token)
        self.bench.outbox.recover([intent], LEASE)
        self.recorded.add(message.reference)
        self._settle(self.bench.outbox.early_proofs())
        heard: Outcome = (
            outcome if isinstance(outcome, (Rejected, Unknown)) else Accepted(self._take(message.reference))
        )
        return Settlement(message.reference, 1, intent.token, heard)

    @rule(place=places, status=statuses)
    def receive_status(self, place: int, status: str) -> None:
        """Receive a status of any accepted message: early, late, twice, in any order."""
        taken = [(reference, wamid) for reference, wamids in self.taken.items() for wamid in wamids]
        if not taken:
            return
        reference, wamid = taken[place % len(taken)]
        update = StatusUpdate(wamid, status, now(), NUMBER, reference=reference, attempt=1, raw={})
        with self.database.transaction() as connection:
            self.bench.outbox.record_statuses(connection, [update])
        if reference in self.recorded:
            self.told[reference].add(wamid)

    @rule(span=st.sampled_from([timedelta(seconds=70), timedelta(minutes=3), timedelta(hours=2), timedelta(hours=25)]))
    def time_passes(self, span: timedelta) -> None:
        for column in ("lease_until", "due_at", "last_attempt_at", "uncertain_since", "accepted_at", "expires_at"):
            self.bench.age(column, span)

    @rule()
    def sweep(self) -> None:
        self.bench.outbox.sweeps.lose_leases()
        self.bench.outbox.sweeps.decide_uncertain(**PATIENCE)
        self.bench.outbox.sweeps.pass_heads_on(PATIENCE["wait"])
        self.bench.outbox.sweeps.expire()
        self.bench.outbox.sweeps.repair_heads()
        self.bench.outbox.sweeps.merge_pending_statuses()

    @rule(place=places, what=st.sampled_from(["cancel", "confirm", "release_held"]))
    def decide_by_hand(self, place: int, what: str) -> None:
        if message := self._one(place):
            getattr(self.bench.outbox.operator, what)([message.reference])

    # Invariants.

    def _outbox(self) -> dict[UUID, Any]:
        return {row["reference"]: row for row in self.bench.sql("SELECT * FROM wa.outbox")}

    @invariant()
    def rows_are_conserved(self) -> None:
        assert set(self._outbox()) == self.recorded

    @invariant()
    def final_states_change_only_with_proof(self) -> None:
        for reference, row in self._outbox().items():
            before, wamid = self.states.get(reference, ("", None))
            now_in = row["state"]
            if before == "sent":
                assert now_in == "sent", "sent is never overwritten"
                assert wamid in (None, row["wamid"]), "nor is its wamid"
            elif before in ("failed", "expired", "cancelled"):
                assert now_in in (before, "sent"), f"{before} gives way to proof alone, not to {now_in}"
                assert now_in == before or self.told[reference], "and proof is an accepted wamid"
            self.states[reference] = (now_in, row["wamid"])

    @invariant()
    def an_accepted_wamid_is_a_row(self) -> None:
        stored = defaultdict(set)
        for row in self.bench.rows():
            stored[row["reference"]].add(row["message_id"])
        for reference, wamids in self.told.items():
            assert wamids <= stored[reference]
        for reference, ids in stored.items():
            own = {one for one in ids if not one.startswith("ref:")}
            assert own <= set(self.taken[reference]), "no row of what was never taken"
            assert not (own and len(ids) > len(own)), "no failure beside a proof"

    @invariant()
    def accepted_messages_are_sent(self) -> None:
        outbox = self._outbox()
        for reference, wamids in self.told.items():
            assert not wamids or outbox[reference]["state"] == "sent"
            assert len(wamids) < 2 or outbox[reference]["possible_double"], "a duplicate is marked"

    @invariant()
    def at_most_one_head_of_line_per_customer(self) -> None:
        turns = Counter(row["customer"] for row in self._outbox().values() if row["turn"] and not row["scheduled"])
        assert all(number == 1 for number in turns.values())


@pytest.fixture
def machine(database: Database) -> type[Histories]:
    class OnThisDatabase(Histories):
        pass

    OnThisDatabase.database = database
    return OnThisDatabase


def test_any_history_keeps_the_invariants(machine: type[Histories]) -> None:
    run_histories(
        machine,
        settings=settings(
            max_examples=int(settings().max_examples * HISTORIES_PER_EXAMPLE),
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
