"""Degraded mode with SQS: sending continues through the spool, and every row is stored after the outage."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.integration.conftest import LEASE, Bench
from tests.support.database_outage import Outage
from tests.support.local_aws import LocalAws
from tests.support.outgoing_worker import SECONDS, Works
from tests.support.running_sandbox import running_sandbox
from wa_cli.clock import now
from wa_cli.messages.content.text import text
from wa_cli.messages.incoming import StatusUpdate
from wa_cli.messages.outcomes import Accepted, Outcome, Retryable, Unknown
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.outbox.settlement import Intent, Settlement
from wa_cli.outbox.spool import Spool
from wa_cli.queues.base import QueueMessage
from wa_cli.queues.sqs import SqsQueue
from wa_cli.runtime.stop import Stop
from wa_cli.store import messages
from wa_cli.telemetry import events
from wa_cli.workers.degraded_mode import RateShare
from wa_cli.workers.maintenance import Maintenance, UncertaintyLimits
from wa_cli.workers.spooled_outcomes import SpooledOutcomes


@pytest.fixture
def works(database: Any, aws: LocalAws, tmp_path: Path) -> Iterator[Works]:
    queue = SqsQueue("outgoing", aws.queue(fifo=True), aws.sqs, database.transaction)
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        yield Works(database, sandbox, tmp_path, queue)


async def until(condition: Callable[[], bool], limit: float = 20.0) -> None:
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.02)


def in_an_outage(
    works: Works, outage: Outage, during: Callable[[], Awaitable[None]], after: Callable[[], Awaitable[None]]
) -> Callable[[Stop], Awaitable[None]]:
    """Return the story of an outage for a running worker.

    It begins the outage, awaits `during`, ends the outage, awaits `after` and stops the worker.
    """

    async def story(stop: Stop) -> None:
        await until(lambda: bool(works.bench.sql("SELECT 1 FROM wa.worker_heartbeats")))
        await asyncio.to_thread(outage.begin)
        try:
            await during()
        finally:
            await asyncio.to_thread(outage.end)
        await after()
        stop.set()

    return story


def test_sending_continues_and_every_row_is_stored_when_the_database_is_available_again(
    works: Works, outage: Outage
) -> None:
    customers = [f"+1555{place:04}" for place in range(60)]

    async def during() -> None:
        await asyncio.to_thread(works.put, *customers)
        await until(lambda: len(works.sandbox.accepted()) == 60)
        await until(lambda: works.queue.depth().is_empty)
        assert works.spool.state().records == 120

    async def after() -> None:
        await until(lambda: len(works.bench.rows()) == 60, limit=5.0)

    works.run(drain=False, during=in_an_outage(works, outage, during, after))

    accepted = {line["wamid"] for line in works.sandbox.accepted()}
    assert {row["message_id"] for row in works.bench.rows()} == accepted
    assert works.bench.states() == {"sent": 60}
    assert len(works.events_of(events.DegradedModeStarted)) == 1
    assert works.spool.state().files == 0
    attempts = works.bench.sql("SELECT * FROM wa.send_attempts")
    assert [attempt["verdict"] for attempt in attempts].count("accepted") == 60


def test_one_customers_messages_keep_their_order_in_degraded_mode(works: Works, outage: Outage) -> None:
    messages = [OutgoingMessage(text(str(place)), phone="+123") for place in range(12)]

    async def during() -> None:
        letters = [QueueMessage(message.to_body(), message.customer) for message in messages]
        await asyncio.to_thread(works.queue.put, letters)
        await until(lambda: len(works.sandbox.accepted()) == 12)

    async def after() -> None:
        await until(lambda: len(works.bench.rows()) == 12)

    works.run(drain=False, during=in_an_outage(works, outage, during, after))

    order = [line["opaque"].split(":")[1] for line in works.sandbox.accepted()]
    assert order == [str(message.reference) for message in messages]


def test_a_customers_backlog_keeps_its_order_when_it_takes_longer_than_the_lease(works: Works, outage: Outage) -> None:
    """The lease ends before the last answer, and then the queue would give the message to another worker."""
    works.sandbox.sandbox.options = replace(works.sandbox.sandbox.options, answer_after=0.4)
    works.lease, works.send_timeout = 2 * SECONDS, 1 * SECONDS
    messages = [OutgoingMessage(text(str(place)), phone="+123") for place in range(6)]

    async def during() -> None:
        await asyncio.to_thread(
            works.queue.put, [QueueMessage(message.to_body(), message.customer) for message in messages]
        )
        await until(lambda: len(works.sandbox.accepted()) == 6)

    async def after() -> None:
        await until(lambda: len(works.bench.rows()) == 6)

    works.run(drain=False, during=in_an_outage(works, outage, during, after))

    order = [line["opaque"].split(":")[1] for line in works.sandbox.accepted()]
    assert order == [str(message.reference) for message in messages]


def test_a_retryable_message_returns_to_the_queue_and_is_not_marked_as_uncertain(works: Works, outage: Outage) -> None:
    refused_for_now = "+9991131056"  # too many messages to this customer

    async def during() -> None:
        await asyncio.to_thread(works.put, refused_for_now)
        await until(lambda: bool(works.events_of(events.NotAccepted)))
        await until(lambda: works.queue.depth().in_flight + works.queue.depth().waiting == 1)

    async def after() -> None:
        await until(lambda: works.spool.state().files == 0)

    works.run(drain=False, during=in_an_outage(works, outage, during, after))

    assert works.sandbox.accepted() == []
    rows = works.bench.sql("SELECT state, possible_double, uncertain_count FROM wa.outbox")
    assert all(row == {"state": "queued", "possible_double": False, "uncertain_count": 0} for row in rows)


def test_a_paused_number_stays_paused_in_degraded_mode(works: Works, outage: Outage) -> None:
    works.bench.outbox.rate_limit.pause("by hand")

    async def during() -> None:
        await asyncio.to_thread(works.put, "+123")
        await until(lambda: bool(works.events_of(events.DegradedModeStarted)))
        assert [event.rate for event in works.events_of(events.DegradedModeStarted)] == [0.0]

    async def after() -> None:
        await until(lambda: works.bench.states() == {"queued": 1})

    works.run(drain=False, during=in_an_outage(works, outage, during, after))

    assert works.sandbox.accepted() == []


def test_an_unreadable_message_stays_in_the_queue_until_it_can_be_dead_lettered(works: Works, outage: Outage) -> None:
    async def during() -> None:
        await asyncio.to_thread(works.queue.put, [QueueMessage("{not json", "1")])
        await asyncio.to_thread(works.put, "+123")
        await until(lambda: len(works.sandbox.accepted()) == 1)

    async def after() -> None:
        await until(lambda: len(works.bench.rows()) == 1)

    works.run(drain=False, during=in_an_outage(works, outage, during, after))

    assert works.queue.depth().in_flight == 1


# The replay of each kind of record that an outage may leave.


class Replay:
    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.spool = Spool(folder)
        self.spooled_outcomes = SpooledOutcomes(bench.outbox, self.spool, LEASE, lambda _: None)
        self.maintenance = Maintenance(
            bench.outbox, self.spooled_outcomes, UncertaintyLimits(), lambda _: None, share=RateShare(1.0)
        )
        self.message = OutgoingMessage(text("hi"), phone="+123", phone_number_id="42")
        self.token = uuid4()

    @property
    def reference(self) -> UUID:
        return self.message.reference

    def left(self, *outcomes: Outcome) -> None:
        """Spool the message with these outcomes, like a worker in degraded mode that stopped."""
        settlements = [Settlement(self.reference, 1, self.token, outcome) for outcome in outcomes]
        self.spool.append_for_others(
            [Intent(self.message, self.token).to_record(), *(s.to_record() for s in settlements)]
        )

    def outbox_row(self) -> dict[str, Any]:
        [row] = self.bench.sql("SELECT * FROM wa.outbox WHERE reference = :r", r=self.reference)
        return dict(row)

    def status(self, wamid: str) -> None:
        status = StatusUpdate(wamid, "delivered", now(), "42", reference=self.reference, attempt=1, raw={})
        with self.bench.database.transaction() as connection:
            self.bench.outbox.record_statuses(connection, [status])


@pytest.fixture
def replay(bench: Bench, tmp_path: Path) -> Replay:
    return Replay(bench, tmp_path / "spool")


def test_an_accepted_send_is_stored_as_a_row(replay: Replay) -> None:
    replay.left(Accepted("wamid.a"))

    assert replay.spooled_outcomes.run_once() == 1

    assert replay.bench.state(replay.reference) == "sent"
    assert [row["message_id"] for row in replay.bench.rows()] == ["wamid.a"]


def test_an_intent_without_an_answer_is_uncertain(replay: Replay) -> None:
    replay.left()

    replay.spooled_outcomes.run_once()
    replay.bench.age("lease_until", LEASE * 2)
    replay.bench.outbox.sweeps.lose_leases()

    assert replay.bench.state(replay.reference) == "uncertain"


def test_a_status_that_came_during_the_outage_proves_the_send(replay: Replay) -> None:
    replay.status("wamid.a")
    replay.left(Unknown("cut"))

    replay.spooled_outcomes.run_once()

    assert replay.bench.state(replay.reference) == "sent"
    assert [(row["message_id"], row["status"]) for row in replay.bench.rows()] == [("wamid.a", "delivered")]


def test_each_status_that_came_during_the_outage_proves_a_separate_send(replay: Replay) -> None:
    replay.status("wamid.a")
    replay.status("wamid.b")
    replay.left(Unknown("cut"))

    replay.spooled_outcomes.run_once()

    assert replay.outbox_row()["possible_double"]
    assert sorted(row["message_id"] for row in replay.bench.rows()) == ["wamid.a", "wamid.b"]


def test_a_status_that_the_replay_missed_is_found_by_the_sweep(replay: Replay) -> None:
    replay.left(Unknown("cut"))
    replay.spooled_outcomes.run_once()
    with replay.bench.database.transaction() as connection:
        status = StatusUpdate("wamid.a", "read", now(), "42", reference=replay.reference, attempt=1, raw={})
        messages.insert_statuses(connection, [status])  # as a transaction that did not see the row yet

    replay.maintenance.run_once()

    assert replay.bench.state(replay.reference) == "sent"
    assert [row["status"] for row in replay.bench.rows()] == ["read"]


def test_a_retryable_send_leaves_no_outbox_message(replay: Replay) -> None:
    replay.left(Retryable(130429, "too fast", scope="number", counts=False))

    replay.spooled_outcomes.run_once()

    assert replay.bench.states() == {}


def test_an_accepted_send_of_a_message_already_in_the_outbox_is_not_repeated(replay: Replay) -> None:
    replay.bench.record([replay.message])
    replay.left(Accepted("wamid.a"))

    replay.spooled_outcomes.run_once()

    row = replay.outbox_row()
    assert (row["state"], row["wamid"], row["possible_double"]) == ("sent", "wamid.a", False)
    assert replay.bench.claim() == []


def test_a_message_sent_with_and_without_the_database_is_marked_as_a_duplicate(replay: Replay) -> None:
    replay.bench.record([replay.message])
    [claim] = replay.bench.claim()
    replay.bench.settle(claim, Accepted("wamid.first"))
    replay.left(Accepted("wamid.second"))

    replay.spooled_outcomes.run_once()

    assert replay.outbox_row()["possible_double"]
    assert sorted(row["message_id"] for row in replay.bench.rows()) == ["wamid.first", "wamid.second"]


def test_an_uncertain_send_of_a_message_that_the_outbox_sent_is_a_possible_duplicate(replay: Replay) -> None:
    replay.bench.record([replay.message])
    [claim] = replay.bench.claim()
    replay.bench.settle(claim, Accepted("wamid.first"))
    replay.left(Unknown("cut"))

    replay.spooled_outcomes.run_once()

    row = replay.outbox_row()
    assert (row["state"], row["possible_double"]) == ("sent", True)


def test_a_message_sent_by_two_workers_is_a_possible_duplicate(replay: Replay) -> None:
    other = Replay(replay.bench, replay.spool.folder)
    other.message = replay.message
    replay.left(Accepted("wamid.a"))
    other.left(Unknown("cut"))

    replay.spooled_outcomes.run_once()

    row = replay.outbox_row()
    assert (row["state"], row["wamid"], row["possible_double"]) == ("sent", "wamid.a", True)


def test_an_outcome_is_replayed_without_the_file_of_its_intent(replay: Replay) -> None:
    intent = Intent(replay.message, replay.token)
    settlement = Settlement(replay.reference, 1, replay.token, Accepted("wamid.a"))
    replay.spool.append_for_others([{**intent.to_record(), **settlement.to_record()}])

    replay.spooled_outcomes.run_once()

    assert [row["message_id"] for row in replay.bench.rows()] == ["wamid.a"]
    assert replay.spool.state().corrupt == ()


def test_an_intent_that_the_database_refuses_does_not_affect_other_intents(replay: Replay) -> None:
    replay.bench.sql("ALTER TABLE wa.outbox ADD CONSTRAINT no_bob CHECK (customer <> '666')")
    bad = OutgoingMessage(text("hi"), phone="+666", phone_number_id="42")
    replay.spool.append_for_others([Intent(bad, uuid4()).to_record()])
    replay.left(Accepted("wamid.a"))

    replay.spooled_outcomes.run_once()

    assert replay.bench.state(replay.reference) == "sent"
    assert replay.spool.state().files == 0
    assert len(replay.spool.state().corrupt) == 1


def test_replaying_twice_changes_nothing(replay: Replay) -> None:
    replay.left(Unknown("cut"))
    replay.spooled_outcomes.run_once()
    before = replay.outbox_row()
    replay.left(Unknown("cut"))

    replay.spooled_outcomes.run_once()

    assert replay.outbox_row() == before


def test_the_next_message_of_a_customer_is_claimed_after_the_replayed_one_is_settled(replay: Replay) -> None:
    [after] = replay.bench.queue("after", to="+123")
    replay.left(Accepted("wamid.a"))

    replay.spooled_outcomes.run_once()

    assert [claim.reference for claim in replay.bench.claim()] == [after]


def test_an_intent_is_unchanged_after_a_json_round_trip(replay: Replay) -> None:
    intent = Intent(replay.message, replay.token)

    assert Intent.from_record(json.loads(json.dumps(intent.to_record()))) == intent
