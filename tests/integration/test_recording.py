"""From a queue to the database: readable messages become rows, unreadable ones become dead letters."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from tests.integration.conftest import Bench
from tests.support.event_loop import in_event_loop
from tests.support.memory_queue import MemoryQueue
from wa_cli.errors import DatabaseUnavailable, QueueError
from wa_cli.messages.content.text import text
from wa_cli.messages.outcomes import Accepted, Rejected, Unknown
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.outbox.outbox import Outbox
from wa_cli.outbox.settlement import Settlement
from wa_cli.outbox.spool import Spool
from wa_cli.queues.base import Delivery, QueueMessage
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.reports import catalogue, runner
from wa_cli.reports.catalogue import Report
from wa_cli.reports.ranges import Range
from wa_cli.runtime.stop import Stop
from wa_cli.runtime.watchdog import Watchdog
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Event, Unavailable
from wa_cli.workers.degraded_mode import RateShare
from wa_cli.workers.intake import Intake
from wa_cli.workers.maintenance import Maintenance, UncertaintyLimits
from wa_cli.workers.recorders import IncomingRecorder, OutgoingRecorder
from wa_cli.workers.settling import settle_isolated
from wa_cli.workers.spooled_outcomes import SpooledOutcomes

LEASE = timedelta(seconds=60)
METADATA = {"display_phone_number": "15550100000", "phone_number_id": "42"}


def message(wamid: str, **changes: Any) -> dict[str, Any]:
    plain = {"from": "123", "id": wamid, "timestamp": "1792500000", "type": "text", "text": {"body": wamid}}
    return {**plain, **changes}


def status(wamid: str, word: str, reference: UUID) -> dict[str, Any]:
    return {
        "id": wamid,
        "status": word,
        "timestamp": "1792500001",
        "recipient_id": "123",
        "biz_opaque_callback_data": f"wa:{reference}:1",
    }


def notification(**value: Any) -> str:
    changes = [{"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": METADATA, **value}}]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]})


class Desk:
    """Both intakes on real queues, with their maintenance."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.emitted: list[Event] = []
        self.spool = Spool(folder)
        database = bench.database
        self.outgoing_queue = PostgresQueue("outgoing", database)
        self.incoming_queue = PostgresQueue("incoming", database)
        recorder = IncomingRecorder(bench.outbox, self.spool)
        self.spooled_outcomes = self.another_worker()
        self.maintenance = Maintenance(
            bench.outbox, self.spooled_outcomes, UncertaintyLimits(), self.emitted.append, share=RateShare(1.0)
        )
        self.outgoing = Intake(
            self.outgoing_queue,
            database,
            OutgoingRecorder(bench.outbox, "en_US"),
            self.maintenance,
            lease=LEASE,
            emit=self.emitted.append,
        )
        self.incoming = Intake(
            self.incoming_queue,
            database,
            recorder,
            self.maintenance,
            lease=LEASE,
            emit=self.emitted.append,
            salvager=recorder,
        )

    def another_worker(self) -> SpooledOutcomes:
        """Return the part of a worker that settles the spool, without the memory of earlier refusals."""
        return SpooledOutcomes(self.bench.outbox, self.spool, LEASE, self.emitted.append)

    def persist_webhooks(self, *bodies: str) -> None:
        self.incoming_queue.put([QueueMessage(body) for body in bodies])
        while self.incoming.run_once():
            pass

    def refuse(self, condition: str) -> None:
        self.bench.sql(f"ALTER TABLE whatsapp_messages ADD CONSTRAINT refusal CHECK (NOT ({condition}))")

    def remove_refusal(self) -> None:
        self.bench.sql("ALTER TABLE whatsapp_messages DROP CONSTRAINT refusal")


@pytest.fixture
def desk(bench: Bench, tmp_path: Path) -> Desk:
    return Desk(bench, tmp_path / "spool")


def test_outgoing_bodies_become_outbox_rows_and_unreadable_ones_dead_letters(desk: Desk) -> None:
    good = OutgoingMessage(text("hi"), phone="+123")
    old = json.dumps({"phone_number": "456", "message_data": {"type": "text", "content": "old"}})
    endless = json.dumps({"recipient": "BR." + "1" * 9000, "message_data": text("hi")})
    desk.outgoing_queue.put([QueueMessage(body) for body in (good.to_body(), "rubbish", old, endless)])

    assert desk.outgoing.run_once() == 4

    assert desk.bench.states() == {"queued": 2}
    dead = desk.outgoing_queue.dead_letters(10)
    assert {letter.body[:7] for letter in dead} == {"rubbish", endless[:7]}
    assert all(letter.reason for letter in dead)
    assert desk.outgoing_queue.depth().is_empty


def test_a_message_of_another_business_number_waits_for_a_worker_of_that_number(desk: Desk) -> None:
    real = OutgoingMessage(text("hi"), phone="+123", phone_number_id="106540352242922")
    desk.outgoing_queue.put([QueueMessage(real.to_body())])

    desk.outgoing.run_once()

    assert desk.bench.claim() == []
    [row] = desk.bench.sql("SELECT number, state, turn FROM wa.outbox")
    assert row == {"number": "106540352242922", "state": "queued", "turn": True}


def test_a_publication_that_refuses_updates_does_not_affect_other_messages(desk: Desk) -> None:
    [sent] = desk.bench.queue("hi")
    desk.bench.settle(desk.bench.claim()[0], Accepted("wamid.out"))
    desk.bench.sql("ALTER TABLE whatsapp_messages REPLICA IDENTITY NOTHING")
    desk.bench.sql("CREATE PUBLICATION copies FOR TABLE whatsapp_messages")

    desk.persist_webhooks(
        notification(statuses=[status("wamid.out", "delivered", sent)]), notification(messages=[message("wamid.in")])
    )

    [dead] = desk.incoming_queue.dead_letters(10)
    assert "replica identity" in str(dead.reason)
    assert {row["message_id"]: row["status"] for row in desk.bench.rows()} == {
        "wamid.out": "sent",
        "wamid.in": "received",
    }


def test_a_redelivered_message_is_recorded_once(desk: Desk) -> None:
    body = OutgoingMessage(text("hi"), phone="+123").to_body()
    desk.outgoing_queue.put([QueueMessage(body), QueueMessage(body)])

    desk.outgoing.run_once()

    assert desk.bench.states() == {"queued": 1}


def test_a_throttling_notice_slows_its_number_down_once(desk: Desk) -> None:
    notice = json.loads(notification(errors=[{"code": 130429, "title": "Rate limit hit"}]))
    notice["entry"][0]["time"] = int(time.time())
    [before] = desk.bench.sql("SELECT rate FROM wa.rate_limits")

    desk.persist_webhooks(json.dumps(notice))
    desk.persist_webhooks(json.dumps(notice))

    [slowed] = [event for event in desk.emitted if isinstance(event, events.SlowedDown)]
    [after] = desk.bench.sql("SELECT rate FROM wa.rate_limits")
    assert after["rate"] == pytest.approx(slowed.rate)
    assert after["rate"] < before["rate"]


def test_a_customers_message_becomes_a_row_and_a_contact(desk: Desk) -> None:
    contacts = [{"wa_id": "123", "profile": {"name": "Ana"}}]

    desk.persist_webhooks(notification(messages=[message("wamid.A")], contacts=contacts))
    desk.persist_webhooks(notification(messages=[message("wamid.A")]))

    [row] = desk.bench.rows()
    assert (row["direction"], row["status"], row["from_phone"], row["to_phone"]) == (
        "incoming",
        "received",
        "+123",
        "+15550100000",
    )
    assert row["webhook_raw_data"]["id"] == "wamid.A"
    assert row["timestamp"] == datetime(2026, 10, 20, 12, 40)
    assert desk.bench.sql("SELECT customer, name FROM wa.contacts") == [{"customer": "123", "name": "Ana"}]


def test_characters_that_the_database_cannot_store_are_replaced(desk: Desk) -> None:
    desk.persist_webhooks(notification(messages=[message("wamid.A", text={"body": "a\x00b\ud800c"})]))

    [row] = desk.bench.rows()
    assert row["content"] == "a\ufffdb\ufffdc"


def test_an_echo_of_the_business_app_is_an_outgoing_row(desk: Desk) -> None:
    echo = {"from": "15550100000", "to": "123", "id": "wamid.E", "timestamp": "1792500000", "type": "text"}

    desk.persist_webhooks(notification(message_echoes=[{**echo, "text": {"body": "from the app"}}]))

    [row] = desk.bench.rows()
    assert (row["direction"], row["from_phone"], row["to_phone"], row["employee_id"]) == (
        "outgoing",
        "+15550100000",
        "+123",
        None,
    )


def test_an_item_that_the_database_refuses_does_not_affect_other_items(desk: Desk) -> None:
    desk.refuse("content = 'wamid.poison'")
    items = [message(f"wamid.{place}") for place in range(5)]

    desk.persist_webhooks(
        notification(messages=[*items, message("wamid.poison")]), notification(messages=[message("wamid.other")])
    )

    assert len(desk.bench.rows()) == 6
    [dead] = desk.incoming_queue.dead_letters(10)
    assert "refusal" in dead.reason


@pytest.mark.parametrize(
    ("breaking", "mending"),
    [
        ("ALTER TABLE wa.outbox RENAME TO elsewhere", "ALTER TABLE wa.elsewhere RENAME TO outbox"),
        ("ALTER TABLE wa.outbox RENAME due_at TO due", "ALTER TABLE wa.outbox RENAME due TO due_at"),
    ],
)
def test_a_database_that_does_not_fit_leaves_every_message_on_its_queue(
    desk: Desk, breaking: str, mending: str
) -> None:
    """A rollback beside a running worker, for example. No message is to blame, so none becomes a dead letter."""
    desk.bench.sql(breaking)
    desk.outgoing_queue.put([QueueMessage(OutgoingMessage(text(word), phone="+123").to_body()) for word in "abc"])

    with pytest.raises(DatabaseUnavailable, match="does not fit this release"):
        desk.outgoing.run_once()
    assert desk.outgoing.fault
    assert desk.outgoing_queue.depth().waiting == 3

    desk.bench.sql(mending)
    assert desk.outgoing.run_once() == 3
    assert desk.outgoing.fault is None
    assert desk.outgoing_queue.dead_letters(5) == []


def test_a_message_that_needs_a_missing_table_does_not_stop_the_others(desk: Desk) -> None:
    desk.bench.sql("ALTER TABLE wa.notices RENAME TO elsewhere")
    strange = notification(errors=[{"code": 1, "title": "no"}])
    desk.incoming_queue.put([QueueMessage(notification(messages=[message(f"wamid.{n}")])) for n in range(3)])
    desk.incoming_queue.put([QueueMessage(strange)])

    with pytest.raises(DatabaseUnavailable, match="does not fit this release"):
        desk.incoming.run_once()
    assert len(desk.bench.rows()) == 3
    assert desk.incoming_queue.depth().waiting == 1

    desk.bench.sql("ALTER TABLE wa.elsewhere RENAME TO notices")
    assert desk.incoming.run_once() == 1
    assert desk.incoming_queue.dead_count() == 0


def test_a_missing_right_leaves_every_webhook_on_its_queue(desk: Desk) -> None:
    role = f"clerk_{uuid4().hex}"
    desk.bench.sql(f"CREATE ROLE {role}")
    desk.bench.sql(f"GRANT USAGE ON SCHEMA public, wa TO {role}")
    desk.bench.sql(f"GRANT ALL ON ALL TABLES IN SCHEMA wa TO {role}")
    desk.bench.sql(f"GRANT SELECT ON whatsapp_messages TO {role}")
    desk.incoming_queue.put([QueueMessage(notification(messages=[message("wamid.1")]))])

    def become(connection: Any, *_: object) -> None:
        connection.cursor().execute(f"SET SESSION AUTHORIZATION {role}")

    sa.event.listen(desk.bench.database.engine, "checkout", become)
    try:
        with pytest.raises(DatabaseUnavailable, match="whatsapp_messages"):
            desk.incoming.run_once()
        assert "GRANT SELECT, INSERT" in str(desk.incoming.fault and desk.incoming.fault.hint)
        assert desk.incoming_queue.depth().waiting == 1
    finally:
        sa.event.remove(desk.bench.database.engine, "checkout", become)
        desk.bench.database.close()
    desk.bench.sql(f"DROP OWNED BY {role}")
    desk.bench.sql(f"DROP ROLE {role}")

    assert desk.incoming.run_once() == 1
    assert [row["message_id"] for row in desk.bench.rows()] == ["wamid.1"]


def test_a_status_proves_a_send_even_if_its_row_is_refused(desk: Desk) -> None:
    [reference] = desk.bench.queue("poison")
    [claim] = desk.bench.claim()
    desk.bench.settle(claim, Unknown("cut"))
    desk.refuse("content = 'poison'")

    desk.persist_webhooks(notification(statuses=[status("wamid.1", "delivered", reference)]))

    assert desk.bench.state(reference) == "sent"
    assert desk.bench.rows() == []
    desk.remove_refusal()
    assert desk.spooled_outcomes.run_once() == 1
    [row] = desk.bench.rows()
    assert (row["message_id"], row["status"]) == ("wamid.1", "delivered")


def test_a_late_proof_replaces_the_failed_row_even_if_its_own_row_is_refused_at_first(desk: Desk) -> None:
    [reference] = desk.bench.queue("late")
    [claim] = desk.bench.claim()
    desk.bench.settle(claim, Unknown("cut"))
    desk.bench.sql("UPDATE wa.outbox SET state = 'sending'")
    desk.bench.settle(claim, Rejected(131026, "no"))
    assert [row["status"] for row in desk.bench.rows()] == ["failed"]

    desk.refuse("status = 'sent'")
    desk.persist_webhooks(notification(statuses=[status("wamid.late", "sent", reference)]))
    desk.remove_refusal()
    desk.spooled_outcomes.run_once()

    assert [(row["message_id"], row["status"]) for row in desk.bench.rows()] == [("wamid.late", "sent")]


@pytest.mark.parametrize(
    "trigger",
    ["RAISE EXCEPTION 'no' USING ERRCODE = 'WA001';", "PERFORM nowhere.nothing();", "RAISE EXCEPTION 'no';"],
)
def test_a_failing_trigger_does_not_stop_the_worker(desk: Desk, trigger: str) -> None:
    desk.bench.sql(
        f"CREATE FUNCTION grumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {trigger} RETURN NEW; END $$;"
        "CREATE TRIGGER grumble BEFORE INSERT ON whatsapp_messages FOR EACH ROW EXECUTE FUNCTION grumble()"
    )
    [late] = desk.bench.queue("late", expires_at=datetime.now(UTC) + LEASE)
    desk.bench.age("expires_at", LEASE * 2)

    desk.maintenance.run_once()
    desk.persist_webhooks(notification(messages=[message("wamid.A")]))

    assert desk.bench.state(late) == "expired"
    assert desk.incoming_queue.dead_count() == 1


def test_a_refused_row_of_an_expired_message_is_stored_later_without_an_attempt(desk: Desk) -> None:
    desk.bench.queue("late", expires_at=datetime.now(UTC) + LEASE)
    desk.bench.age("expires_at", LEASE * 2)
    desk.refuse("content = 'late'")
    desk.maintenance.run_once()

    desk.remove_refusal()
    assert desk.another_worker().run_once() == 1

    assert [row["status"] for row in desk.bench.rows()] == ["failed"]
    assert desk.bench.sql("SELECT FROM wa.send_attempts") == []


def test_a_refused_row_of_a_rejected_message_is_stored_when_the_table_accepts_it(desk: Desk) -> None:
    [reference] = desk.bench.queue("poison")
    [claim] = desk.bench.claim()
    settlement = Settlement(claim.reference, claim.attempt, claim.token, Rejected(131026, "no"))
    desk.refuse("content = 'poison'")
    desk.bench.outbox.settle([settlement], rows_too=False)
    desk.spool.append_for_others([settlement.to_record()])

    assert desk.spooled_outcomes.run_once() == 0
    desk.remove_refusal()
    assert desk.another_worker().run_once() == 1

    [row] = desk.bench.rows()
    assert (row["message_id"], row["failure_reason"]) == (f"ref:{reference}", "no")


def test_a_storage_failure_is_counted_when_it_happens_and_stays_counted(desk: Desk) -> None:
    desk.bench.queue("poison")
    desk.bench.queue("fine", to="+999")
    settlements = [
        Settlement(claim.reference, claim.attempt, claim.token, Accepted(f"wamid.{place}"))
        for place, claim in enumerate(desk.bench.claim())
    ]
    desk.refuse("content = 'poison'")
    batch = settle_isolated(desk.bench.outbox, settlements, desk.emitted.append)
    assert batch.unstored == settlements[:1]
    desk.spool.append_for_others([one.to_record() for one in batch.unstored])
    assert storage_of(desk.bench) == (2, 1, 1)

    desk.remove_refusal()
    desk.another_worker().run_once()
    desk.spool.append_for_others([one.to_record() for one in settlements])  # a crash before the spool was emptied
    desk.another_worker().run_once()

    assert storage_of(desk.bench) == (2, 2, 1)
    [failure] = rows_of(desk.bench, report("storage").details)
    assert (failure["wamid"], failure["stored"]) == ("wamid.0", "later")
    assert "refusal" in failure["reason"]


def test_an_outcome_of_a_dead_worker_is_a_storage_failure(desk: Desk) -> None:
    desk.bench.queue("hi")
    [claim] = desk.bench.claim()
    desk.spool.append_for_others([Settlement(claim.reference, 1, claim.token, Accepted("wamid.1")).to_record()])
    desk.bench.queue("rejected", to="+999")
    [claim] = desk.bench.claim()
    desk.spool.append_for_others([Settlement(claim.reference, 1, claim.token, Rejected(131026, "no")).to_record()])

    desk.spooled_outcomes.run_once()

    assert storage_of(desk.bench) == (1, 1, 1)


def test_a_proof_whose_row_is_refused_is_a_storage_failure(desk: Desk) -> None:
    [reference] = desk.bench.queue("poison")
    desk.bench.claim()
    desk.refuse("content = 'poison'")

    desk.persist_webhooks(notification(statuses=[status("wamid.1", "delivered", reference)]))

    [failure] = desk.bench.sql("SELECT wamid, reason FROM wa.storage_failures")
    assert failure["wamid"] == "wamid.1"
    assert "refusal" in failure["reason"]


def storage_of(bench: Bench) -> tuple[int, ...]:
    """Return the sums of sent and stored messages and of failures, of the last hour."""
    rows = rows_of(bench, report("storage"))
    return tuple(sum(row[key] for row in rows) for key in ("sent", "stored", "failures"))


def report(name: str) -> Report:
    [found] = [report for report in catalogue.reports() if report.name == name]
    return found


def rows_of(bench: Bench, asked: Report | None) -> Sequence[Mapping[str, Any]]:
    """Return the rows of a report over the last hour."""
    assert asked is not None
    span = Range(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(seconds=1), "UTC")
    return runner.run(bench.database, asked, span, timeout=timedelta(seconds=30))


def test_a_spooled_outcome_of_an_unknown_message_is_set_aside(desk: Desk) -> None:
    stranger = Settlement(UUID(int=1), 1, UUID(int=2), Accepted("wamid.1"))
    desk.spool.append_for_others([stranger.to_record(), {"something": "else"}])

    desk.spooled_outcomes.run_once()

    assert desk.spool.orphans() == []
    assert len(desk.spool.state().corrupt) == 1


def test_undecidable_messages_do_not_block_decisions_of_another_number(desk: Desk) -> None:
    bench = desk.bench
    for place in range(5):
        bench.queue("undecidable", to=f"+10{place}")
    for claim in bench.claim():
        bench.settle(claim, Unknown("cut"))
    other = Outbox(bench.database, "43", on_uncertain="hold")
    other.rate_limit.open_number(1000)
    with bench.database.transaction() as connection:
        other.record(connection, [OutgoingMessage(text("mine"), phone="+1")])
    [claim] = other.claim(1, LEASE)
    other.settle([Settlement(claim.reference, claim.attempt, claim.token, Unknown("cut"))])

    desk.maintenance.decide()

    assert bench.state(claim.reference) == "held"


def test_a_settle_during_an_expiry_does_not_make_the_expired_message_head_of_line(desk: Desk) -> None:
    bench = desk.bench
    _, second, third = bench.queue("first", "second", "third")
    [first] = bench.claim()
    settled = threading.Event()

    def settle() -> None:
        bench.settle(first, Accepted("wamid.1"))
        settled.set()

    with bench.database.transaction() as connection:
        connection.exec_driver_sql(
            f"UPDATE wa.outbox SET state = 'expired', final_at = now() WHERE reference = '{second}'"
        )
        thread = threading.Thread(target=settle)
        thread.start()
        settled.wait(0.3)
    thread.join()

    bench.outbox.sweeps.repair_heads()
    assert bench.claim_words() == ["third"]
    assert bench.state(third) == "sending"


class NoRecorder:
    """A recorder whose database is unavailable."""

    def record(self, *_: Any) -> None:
        raise DatabaseUnavailable("connection refused")


def test_an_outage_returns_the_batch_to_the_queue(desk: Desk) -> None:
    queue = MemoryQueue()
    queue.put([QueueMessage("a"), QueueMessage("b")])

    intake = Intake(queue, desk.bench.database, NoRecorder(), desk.maintenance, lease=LEASE, emit=lambda _: None)
    with pytest.raises(DatabaseUnavailable):
        intake.run_once()

    assert [delivery.attempt for delivery in queue.receive(10, LEASE)] == [2, 2]


class UnavailableQueue(MemoryQueue):
    def receive(self, *_: Any, **__: Any) -> list[Delivery]:
        raise QueueError("it does not answer")


@pytest.mark.parametrize("name", [Component.OUTGOING_QUEUE, Component.INCOMING_QUEUE])
@in_event_loop
async def test_an_intake_reports_its_own_queue_as_unavailable(desk: Desk, name: Component) -> None:
    events_seen: list[Event] = []
    stop = Stop()

    def note(event: Event) -> None:
        events_seen.append(event)
        stop.set()

    queue = UnavailableQueue(name.value.split()[0])
    intake = Intake(queue, desk.bench.database, NoRecorder(), desk.maintenance, lease=LEASE, emit=note)
    await intake.run(stop, Watchdog())

    assert events_seen == [Unavailable(name, "it does not answer")]
