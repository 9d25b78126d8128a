"""The whole outgoing worker against the sandbox: throttles, blocks, outages, a full disk, and a clean stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support.outgoing_worker import SECONDS, Works
from tests.support.running_sandbox import running_sandbox
from wa_cli.errors import DatabaseUnavailable, StillPending
from wa_cli.messages.content.text import text
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.outbox.outbox import Outbox
from wa_cli.outbox.spool import SpoolUnwritable
from wa_cli.queues.base import QueueMessage
from wa_cli.runtime.stop import Stop
from wa_cli.runtime.watchdog import HANG_LIMIT, Watchdog
from wa_cli.sandbox.app import Options
from wa_cli.telemetry import events
from wa_cli.workers import spooling


@pytest.fixture
def works(database: Any, tmp_path: Path) -> Iterator[Works]:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        yield Works(database, sandbox, tmp_path)


def test_everything_that_is_queued_is_sent_once_and_stored(works: Works) -> None:
    works.put(*(f"+1555{place:04}" for place in range(300)))

    works.run()

    accepted = [line["wamid"] for line in works.sandbox.accepted()]
    assert len(accepted) == 300
    assert {row["message_id"] for row in works.bench.rows()} == set(accepted)
    assert {event.wamid for event in works.events_of(events.Accepted)} == set(accepted)
    assert {event.wamid for event in works.events_of(events.Stored)} == set(accepted)
    assert works.spool.state().files == 0


def test_one_customers_messages_arrive_in_order(works: Works) -> None:
    bodies = [OutgoingMessage(text(str(place)), phone="+123") for place in range(20)]
    works.queue.put([QueueMessage(message.to_body(), message.customer) for message in bodies])

    works.run()

    order = [line["opaque"].split(":")[1] for line in works.sandbox.accepted()]
    assert order == [str(message.reference) for message in bodies]


def test_a_draining_worker_ends_if_its_spool_has_no_room(works: Works) -> None:
    works.spool.quota = 0
    works.bench.queue("hi")

    with pytest.raises(SpoolUnwritable, match="WA_SPOOL_QUOTA"):
        works.run()

    assert works.bench.states() == {"queued": 1}


def test_messages_in_flight_are_stored_before_a_draining_worker_ends(
    database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spooling, "ROOM_KNOWN", 0.0)
    with running_sandbox(tmp_path / "sandbox", Options(answer_after=0.5)) as sandbox:
        works = Works(database, sandbox, tmp_path)
        works.bench.queue("one", "two", to="+123")
        checks = count()

        def check_room() -> None:
            if next(checks):
                raise SpoolUnwritable("the disk is full")

        monkeypatch.setattr(works.spool, "check_room", check_room)
        with pytest.raises(SpoolUnwritable, match="the disk is full"):
            works.run()

        assert works.bench.states() == {"sent": 1, "queued": 1}
        assert len(works.bench.rows()) == len(sandbox.accepted()) == 1


def test_a_refused_token_pauses_the_number_and_loses_nothing(works: Works) -> None:
    works.put("+11", "+12", "+123")
    with pytest.raises(StillPending, match="3 on a paused number"):
        works.run(token="expired")
    assert works.bench.states() == {"queued": 3}
    assert len(works.events_of(events.NumberBlocked)) == 1

    works.bench.sql("UPDATE wa.rate_limits SET paused_until = clock_timestamp()")
    works.run()

    assert works.bench.states() == {"sent": 3}
    assert len(works.events_of(events.NumberUnblocked)) == 1
    assert {row["retry_count"] for row in works.bench.sql("SELECT retry_count FROM wa.outbox")} == {0}


def test_a_throttled_customer_does_not_delay_other_customers(works: Works) -> None:
    works.put("+9991131056", "+123")

    async def stop_when_both_were_tried(stop: Stop) -> None:
        while len(works.sandbox.log()) < 2:
            await asyncio.sleep(0.01)
        stop.set()

    works.run(drain=False, during=stop_when_both_were_tried)

    assert [line["to"] for line in works.sandbox.accepted()] == ["123"]
    [row] = works.bench.sql(
        "SELECT retry_count, due_at > last_attempt_at + interval '900 ms' AS later FROM wa.outbox WHERE state = 'queued'"
    )
    assert row == {"retry_count": 0, "later": True}


def test_a_throttled_number_slows_down_and_the_attempt_is_not_counted_as_a_retry(works: Works) -> None:
    works.put("+9991130429")

    async def stop_when_slowed(stop: Stop) -> None:
        while not works.events_of(events.SlowedDown):
            await asyncio.sleep(0.01)
        stop.set()

    works.run(drain=False, during=stop_when_slowed)

    [row] = works.bench.sql("SELECT state, retry_count FROM wa.outbox")
    assert row == {"state": "queued", "retry_count": 0}


def test_a_stop_finishes_messages_in_flight_and_claims_no_more(database: Any, tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "sandbox", Options(answer_after=0.5)) as sandbox:
        works = Works(database, sandbox, tmp_path)
        works.put(*(f"+1555{place:04}" for place in range(120)))

        async def stop_in_flight(stop: Stop) -> None:
            while not sandbox.accepted():
                await asyncio.sleep(0.01)
            stop.set()

        works.run(drain=False, during=stop_in_flight)

        states = works.bench.states()
        assert set(states) <= {"sent", "queued"}
        assert states["sent"] == len(sandbox.accepted()) < 120
        works.run()
        assert works.bench.states() == {"sent": 120}
        assert len(sandbox.accepted()) == 120


def test_outcomes_stay_in_the_spool_while_the_database_is_unavailable(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    works.put("+11", "+12", "+123")
    real, outages, kept = Outbox.settle, 3, []

    def settle(self: Outbox, *arguments: Any, **named: Any) -> Any:
        nonlocal outages
        if outages:
            outages -= 1
            kept.append(works.spool.state().records)
            raise DatabaseUnavailable("connection refused")
        return real(self, *arguments, **named)

    monkeypatch.setattr(Outbox, "settle", settle)
    works.run()

    assert min(kept) >= 1
    assert len(works.sandbox.accepted()) == len(works.bench.rows()) == 3
    assert works.events_of(events.StoreFailed)
    assert works.bench.sql("SELECT DISTINCT reason FROM wa.storage_failures") == [{"reason": "connection refused"}]
    assert works.spool.state().files == 0


def test_nothing_is_sent_when_the_spool_is_not_writable(works: Works) -> None:
    works.spool.folder.write_text("in the way")
    works.put("+123")

    with pytest.raises(Exception, match="cannot be written"):
        works.run()

    assert works.sandbox.log() == []


def test_a_claim_whose_lease_does_not_outlast_its_deadline_is_released(works: Works) -> None:
    works.lease = 2 * SECONDS
    works.put("+123")

    async def stop_soon(stop: Stop) -> None:
        while not works.bench.sql("SELECT FROM wa.outbox WHERE attempt > 0"):
            await asyncio.sleep(0.01)
        stop.set()

    works.run(drain=False, during=stop_soon)

    assert works.sandbox.log() == []
    assert works.bench.states() == {"queued": 1}


def test_the_watchdog_reports_a_loop_that_hangs() -> None:
    hung = threading.Event()
    found: list[str] = []

    def on_hang(name: str) -> None:
        found.append(name)
        hung.set()

    with Watchdog(limit=0.2, on_hang=on_hang).watching() as watchdog:
        watchdog.beat("a loop")
        watchdog.beat("another")
        watchdog.forget("another")
        assert hung.wait(10)

    assert found == ["a loop"]
    assert HANG_LIMIT == 60
