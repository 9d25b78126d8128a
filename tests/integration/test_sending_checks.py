"""The sending checks of `wa verify`: blocked numbers, missing workers, and messages that wait too long."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.conftest import Bench
from tests.support.checks import installation
from tests.support.outgoing_worker import Works
from tests.support.running_sandbox import running_sandbox
from tests.support.running_service import running_service
from wa_cli.backlog import Backlog
from wa_cli.checks import catalogue
from wa_cli.checks.finding import Finding, Level
from wa_cli.clock import now
from wa_cli.database.engine import run
from wa_cli.errors import PartlyDone
from wa_cli.messages.content.text import text
from wa_cli.messages.incoming import StatusUpdate
from wa_cli.messages.outcomes import Accepted, Unknown
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.outbox.outbox import NumberShare, Outbox
from wa_cli.queues.base import QueueMessage
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.runtime.watchdog import Progress
from wa_cli.workers.heartbeat import Heartbeat

LIMIT = timedelta(minutes=5)


class Watch:
    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.outgoing, self.incoming = (PostgresQueue(name, bench.database) for name in ("outgoing", "incoming"))
        self.backlog = Backlog(self.outgoing, self.incoming, bench.outbox)

    def run(self) -> dict[str, Finding]:
        examined = installation(self.bench.database, backlog=self.backlog.status, queue_age_limit=LIMIT)
        return {
            check.name: finding for check, finding in catalogue.run_all(catalogue.find(catalogue.SENDING), examined)
        }

    def failing(self) -> list[str]:
        return [name for name, finding in self.run().items() if finding.level is Level.FAILED]

    def live(self, kind: str = "outgoing") -> None:
        self.bench.outbox.heartbeat(f"host/{kind}", "host", 1, kind=kind)


@pytest.fixture
def watch(bench: Bench) -> Watch:
    return Watch(bench)


def test_without_waiting_messages_no_check_fails(watch: Watch) -> None:
    assert watch.failing() == []


def test_a_blocked_or_paused_number_with_waiting_messages_fails(watch: Watch) -> None:
    watch.live()
    watch.bench.queue("hi")
    watch.bench.outbox.rate_limit.block("the token was refused")
    found = watch.run()["sending"]
    assert (found.level, found.message) == ("failed", "42 is blocked: the token was refused; 1 message waiting")

    watch.bench.outbox.rate_limit.unblock()
    assert watch.failing() == []

    watch.bench.outbox.rate_limit.pause("by hand")
    found = watch.run()["sending"]
    assert (found.level, found.command) == ("failed", "wa number resume 42")


def test_a_paused_number_without_messages_and_workers_is_a_warning(watch: Watch) -> None:
    watch.bench.outbox.rate_limit.pause("by hand")
    found = watch.run()["sending"]
    assert (found.level, found.message) == ("warning", "42 is paused: by hand; 0 messages waiting")

    watch.live()
    assert watch.failing() == ["sending"]


def test_a_pause_by_a_person_outlasts_a_block(watch: Watch) -> None:
    limit = watch.bench.outbox.rate_limit
    limit.block("the token was refused")
    limit.pause("new token at noon")

    limit.unblock()

    assert watch.run()["sending"].facts == {"numbers": {"42": "paused"}}
    watch.bench.queue("hi")
    assert watch.bench.claim() == []


def test_messages_of_a_killed_worker_need_another_one(watch: Watch) -> None:
    """Only a worker makes a message with a lost lease uncertain, and decides about an uncertain one."""
    watch.bench.queue("one")
    watch.bench.claim()
    assert watch.failing() == []

    watch.bench.age("lease_until", LIMIT * 2)
    assert watch.failing() == ["workers", "oldest"]
    assert watch.run()["workers"].command == "wa worker outgoing"

    watch.bench.outbox.sweeps.lose_leases()
    assert watch.failing() == ["workers"]


@pytest.mark.parametrize("kind", ["outgoing", "incoming"])
def test_waiting_messages_without_a_worker_of_their_kind_fail(watch: Watch, kind: str) -> None:
    {"outgoing": watch.outgoing, "incoming": watch.incoming}[kind].put([QueueMessage("{}", "+123")])
    watch.live({"outgoing": "incoming", "incoming": "outgoing"}[kind])
    found = watch.run()["workers"]
    assert (found.level, found.command) == ("failed", f"wa worker {kind}")

    watch.live(kind)
    assert "workers" not in watch.failing()
    watch.bench.outbox.end_heartbeat(f"host/{kind}")
    assert watch.failing() == ["workers"]


def test_a_worker_without_a_heartbeat_for_half_a_minute_is_missing(watch: Watch) -> None:
    watch.outgoing.put([QueueMessage("{}", "+123")])
    watch.live()
    watch.bench.sql("UPDATE wa.worker_heartbeats SET seen_at = seen_at - interval '31 seconds'")
    assert watch.failing() == ["workers"]


def test_messages_of_a_number_without_a_worker_are_moved_to_another_number(watch: Watch) -> None:
    """The settings were changed to another business number while messages waited for the first."""
    first = watch.bench.queue("one", "two", to="+123")
    other = Outbox(watch.bench.database, "43")
    other.rate_limit.open_number(80)
    other.heartbeat("host/43", "host", 1)
    found = watch.run()["workers"]
    assert (found.level, found.command) == ("failed", "wa queue move --from 42")

    assert watch.bench.outbox.operator.move("43") == 2

    assert watch.failing() == []
    there = Bench(watch.bench.database, "43")
    for reference in first:  # one message of a customer at a time, in order
        [claim] = there.claim()
        assert claim.reference == reference
        there.settle(claim, Accepted(f"wamid.{reference}"))


def test_a_status_of_the_former_number_proves_a_moved_message(watch: Watch) -> None:
    [reference] = watch.bench.queue("one")
    [claim] = watch.bench.claim()
    watch.bench.settle(claim, Unknown("cut"))
    watch.bench.sql("UPDATE wa.outbox SET state = 'held'")
    assert watch.bench.outbox.operator.move("43") == 1
    body = OutgoingMessage(text("one"), phone="+123", reference=reference, phone_number_id="42")
    assert not watch.bench.outbox.find_taken([body]), "a redelivery of its body is known"

    proof = StatusUpdate("wamid.1", "delivered", now(), "42", recipient="123", reference=reference, attempt=1, raw={})
    with watch.bench.database.transaction() as connection:
        watch.bench.outbox.record_statuses(connection, [proof])

    assert watch.bench.state(reference) == "sent"
    assert [row["message_id"] for row in watch.bench.rows()] == ["wamid.1"]


def test_a_message_that_is_being_sent_stays_with_its_number(watch: Watch) -> None:
    watch.bench.queue("one", "two", to="+123")
    [claim] = watch.bench.claim()
    assert watch.bench.outbox.operator.move("43") == 1

    watch.bench.settle(claim, Accepted("wamid.1"))

    assert watch.bench.state(claim.reference) == "sent"
    assert watch.bench.claim() == []


@pytest.mark.parametrize("place", ["queue", "outbox"])
def test_a_message_that_waits_too_long_fails(watch: Watch, place: str) -> None:
    watch.live()
    if place == "queue":
        watch.outgoing.put([QueueMessage("{}", "+123")])
        watch.bench.sql("UPDATE wa.queue_messages SET created_at = created_at - interval '6 min'")
    else:
        watch.bench.queue("hi")
        watch.bench.age("queued_at", timedelta(minutes=6))
        watch.bench.age("due_at", timedelta(minutes=6))
    found = watch.run()["oldest"]
    assert found.level == "failed"
    assert "longer than WA_QUEUE_AGE_LIMIT (5m)" in found.message


def test_a_scheduled_message_is_as_old_as_its_due_time(watch: Watch) -> None:
    watch.live()
    watch.bench.queue("soon")
    watch.bench.age("queued_at", timedelta(hours=2))
    assert watch.failing() == []
    assert watch.backlog.status()["outgoing"]["oldest_seconds"] < 60


def test_a_scheduled_message_does_not_count_as_waiting(watch: Watch) -> None:
    watch.bench.queue("later")
    watch.bench.age("queued_at", timedelta(days=2))
    watch.bench.age("due_at", -timedelta(hours=1))
    assert watch.failing() == []


def test_the_heartbeat_stores_the_version_and_the_progress(watch: Watch) -> None:
    watch.bench.outbox.heartbeat("host/1", "host", 1, kind="incoming", idle=timedelta(seconds=90))
    watch.bench.outbox.heartbeat("host/1", "host", 1, kind="incoming")
    [row] = watch.bench.sql(
        "SELECT kind, version, extract(epoch FROM clock_timestamp() - progress_at)::int AS idle FROM wa.worker_heartbeats"
    )
    assert row["kind"] == "incoming"
    assert row["version"]
    assert 89 <= row["idle"] <= 120


def test_both_workers_of_one_process_have_a_heartbeat(watch: Watch) -> None:
    for kind in ("outgoing", "incoming"):
        Heartbeat(watch.bench.outbox, kind, Progress()).beat()

    assert {row["kind"] for row in watch.bench.sql("SELECT kind FROM wa.worker_heartbeats")} == {"outgoing", "incoming"}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("", "idle"),
        ("UPDATE wa.worker_heartbeats SET progress_at = clock_timestamp()", "sending"),
        ("UPDATE wa.rate_limits SET paused_until = 'infinity'", "paused"),
        ("UPDATE wa.rate_limits SET blocked_at = clock_timestamp()", "blocked"),
        ("UPDATE wa.worker_heartbeats SET seen_at = clock_timestamp() - interval '31 seconds'", "silent"),
    ],
)
def test_the_list_of_workers_has_the_state_of_each(watch: Watch, change: str, state: str) -> None:
    watch.bench.outbox.heartbeat("host/1", "host", 1, rate=2.5)
    watch.bench.sql(change or "SELECT 1")

    with watch.bench.database.reading() as connection:
        [row] = run(connection, "outbox/workers").mappings().all()

    assert (row["kind"], row["state"], row["rate"], row["number"]) == ("outgoing", state, 2.5, "42")


def test_a_worker_of_another_release_is_a_warning(watch: Watch) -> None:
    watch.live()
    watch.bench.sql("UPDATE wa.worker_heartbeats SET version = '0.0.9'")

    finding = watch.run()["workers"]

    assert finding.level is Level.WARNING
    assert "release 0.0.9 are running" in finding.message


def test_an_incoming_worker_takes_no_share_of_the_rate(watch: Watch) -> None:
    watch.live("incoming")
    share = watch.bench.outbox.heartbeat("host/1", "host", 1)
    assert share == NumberShare("open", None, 10_000)


def test_a_draining_worker_reports_dead_lettered_messages(database: Any, tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        works = Works(database, sandbox, tmp_path)
        works.queue.put([QueueMessage("{}", None)])
        works.put("+123")

        with pytest.raises(PartlyDone, match="1 message dead-lettered") as refused:
            works.run()

    assert refused.value.exit_code == 6
    assert works.bench.states() == {"sent": 1}


def test_the_service_health_is_failing_while_a_number_is_blocked(watch: Watch, tmp_path: Path) -> None:
    with running_service(
        watch.incoming, watch.bench.database, tmp_path, watch.backlog, failing=watch.failing
    ) as service:
        assert httpx.get(f"{service.url}/health").json()["status"] == "ok"
        watch.live()
        watch.bench.queue("hi")
        watch.bench.outbox.rate_limit.block("the token was refused")
        answer = httpx.get(f"{service.url}/health")
        assert (answer.status_code, answer.json()) == (
            503,
            {"status": "failing", "live": True, "ready": False, "problems": ["sending"]},
        )
        assert httpx.get(f"{service.url}/health/live").status_code == 200
