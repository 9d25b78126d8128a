"""Maintenance: a failing step does not stop other steps, an outage stops all, and dead processes are recovered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from typing_extensions import override

from tests.support.memory_outbox import STEPS, MemoryOutbox, Refusal, claim
from tests.support.memory_queue import MemoryQueue
from wa_cli.errors import DatabaseUnavailable
from wa_cli.media.downloads import Files
from wa_cli.messages.outcomes import Accepted, Rejected
from wa_cli.outbox.outbox import NumberShare
from wa_cli.outbox.settlement import Settlement
from wa_cli.outbox.spool import Spool
from wa_cli.outbox.sweeps import Expired
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Event
from wa_cli.workers.degraded_mode import RateShare
from wa_cli.workers.incoming_maintenance import IncomingMaintenance
from wa_cli.workers.maintenance import Maintenance, UncertaintyLimits
from wa_cli.workers.spooled_outcomes import SpooledOutcomes
from wa_cli.workers.spooled_webhooks import SpooledWebhooks


class Desk:
    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.outbox = MemoryOutbox()
        self.emitted: list[Event] = []
        self.share = RateShare(2.0)
        outcomes = SpooledOutcomes(self.outbox, spool, timedelta(seconds=60), self.emitted.append)
        self.maintenance = Maintenance(
            self.outbox, outcomes, UncertaintyLimits(), self.emitted.append, share=self.share
        )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    spool = Spool(tmp_path)
    yield Desk(spool)
    spool.close()


def test_every_step_runs_first_and_slow_steps_are_skipped_the_next_time(desk: Desk) -> None:
    desk.maintenance.run_once()
    assert desk.outbox.sweeps.calls == STEPS

    desk.outbox.sweeps.calls.clear()
    desk.maintenance.run_once()

    assert desk.outbox.sweeps.calls == [step for step in STEPS if step not in ("merge_pending_statuses", "prune")]
    assert desk.emitted == []


@pytest.mark.parametrize("step", STEPS)
def test_a_failing_step_is_reported_and_the_other_steps_run(desk: Desk, step: str) -> None:
    desk.outbox.sweeps.failures[step] = ValueError("odd row")

    desk.maintenance.run_once()

    missing = {step, "decide_uncertain"} if step == "lose_leases" else {step}
    assert {*STEPS} - {*desk.outbox.sweeps.calls} <= missing
    assert desk.emitted == [events.MaintenanceFailed("ValueError: odd row")]


@pytest.mark.parametrize("step", STEPS)
def test_an_unavailable_database_is_raised_by_every_step(desk: Desk, step: str) -> None:
    desk.outbox.sweeps.failures[step] = DatabaseUnavailable("unavailable")

    with pytest.raises(DatabaseUnavailable):
        desk.maintenance.run_once()


def test_the_rate_share_comes_from_the_last_heartbeat(desk: Desk) -> None:
    desk.maintenance.prove_writable()
    assert desk.share.rate == 2.0

    desk.outbox.share = NumberShare("open", None, 7.5)
    desk.maintenance.prove_writable()

    assert desk.share.rate == 7.5


def test_a_pause_by_a_person_is_reported_once_and_so_is_its_end(desk: Desk) -> None:
    for share in (
        NumberShare("paused", "new token", 0),
        NumberShare("paused", "new token", 0),
        NumberShare("open", None, 2),
    ):
        desk.outbox.share = share
        desk.maintenance.prove_writable()

    assert desk.emitted == [events.NumberPaused("new token"), events.NumberUnblocked()]


def test_a_block_from_before_the_start_is_reported(desk: Desk) -> None:
    desk.outbox.share = NumberShare("blocked", "190: expired", 0)
    desk.maintenance.prove_writable()
    desk.maintenance.prove_writable()

    assert desk.emitted == [events.NumberBlocked("190: expired")]


def test_spooled_outcomes_of_dead_processes_are_settled_and_their_files_removed(desk: Desk) -> None:
    sent = claim()
    settlement = Settlement(sent.reference, 1, sent.token, Accepted("wamid.1"))
    desk.spool.append_for_others([settlement.to_record()])

    desk.maintenance.recover()

    assert desk.outbox.settled == [settlement]
    assert desk.emitted == [events.SpoolSettled(1)]
    assert desk.spool.state().files == 0


def test_a_decision_about_an_uncertain_message_is_reported(desk: Desk) -> None:
    reference = uuid4()
    desk.outbox.sweeps.decided = [(reference, "held", "+123", "42", True)]

    desk.maintenance.decide()

    assert desk.emitted == [events.Decided(str(reference), "held", possible_duplicate=True)]


def test_a_proof_whose_row_is_refused_is_left_in_the_spool(desk: Desk) -> None:
    sent = claim()
    proof = Settlement(sent.reference, 1, None, Accepted("wamid.1"))
    desk.outbox.proofs = [proof]
    desk.outbox.refusals = [Refusal(sent.reference)]

    desk.maintenance.decide()

    desk.outbox.refusals = []
    desk.maintenance.recover()
    assert desk.outbox.settled == [proof]


def test_an_expired_message_whose_row_is_refused_is_left_in_the_spool_and_reported(desk: Desk) -> None:
    settlement = Settlement(uuid4(), 1, None, Rejected(None, "expired"))
    desk.outbox.sweeps.expired = Expired(1, [settlement], ["the table refuses it"])

    desk.maintenance.run_once()

    assert events.StoreFailed("the table refuses it", 1) in desk.emitted
    desk.maintenance.recover()
    assert desk.outbox.settled == [settlement]


class KnownFiles(Files):
    def __init__(self) -> None:
        self.pruned: list[timedelta] = []

    @override
    def prune(self, keep: timedelta) -> None:
        self.pruned.append(keep)


@pytest.mark.parametrize("step", ["merge_pending_statuses", "heartbeat"])
def test_a_failing_step_of_incoming_maintenance_does_not_stop_the_others(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox, files, queue, emitted = MemoryOutbox(), KnownFiles(), MemoryQueue(), list[Event]()
    spool = Spool(tmp_path)
    spool.append_for_others([{"webhook": "{}"}])
    webhooks = SpooledWebhooks(queue, spool, emitted.append)
    maintenance = IncomingMaintenance(outbox, files, webhooks, keep=timedelta(days=30), emit=emitted.append)

    def fail(*_: object, **__: object) -> None:
        raise ValueError("odd row")

    monkeypatch.setattr(outbox if step == "heartbeat" else outbox.sweeps, step, fail)
    maintenance.run_once()

    assert queue.depth().waiting == 1
    assert files.pruned == [timedelta(days=30)]
    assert events.MaintenanceFailed("ValueError: odd row") in emitted
