"""Maintenance: a step that fails stops no other step, an outage stops all, and a recovery has an order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.memory_outbox import STEPS, MemoryOutbox, claim
from wa_cli.errors import DatabaseUnavailable
from wa_cli.messages.outcomes import Accepted
from wa_cli.outbox.settlement import Settlement
from wa_cli.outbox.spool import Spool
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Event
from wa_cli.workers.degraded_mode import RateShare
from wa_cli.workers.maintenance import Maintenance, UncertaintyLimits
from wa_cli.workers.spooled_outcomes import SpooledOutcomes


class Desk:
    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.outbox = MemoryOutbox()
        self.told: list[Event] = []
        self.share = RateShare(2.0)
        outcomes = SpooledOutcomes(self.outbox, spool, timedelta(seconds=60), self.told.append)
        self.maintenance = Maintenance(self.outbox, outcomes, UncertaintyLimits(), self.told.append, share=self.share)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    spool = Spool(tmp_path)
    yield Desk(spool)
    spool.close()


def test_every_step_runs_and_the_slow_ones_not_each_time(desk: Desk) -> None:
    desk.maintenance.run_once()
    assert desk.outbox.sweeps.calls == STEPS

    desk.outbox.sweeps.calls.clear()
    desk.maintenance.run_once()

    assert desk.outbox.sweeps.calls == [step for step in STEPS if step not in ("merge_pending_statuses", "prune")]
    assert desk.told == []


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_is_reported_and_the_others_run(desk: Desk, step: str) -> None:
    desk.outbox.sweeps.failures[step] = ValueError("odd row")

    desk.maintenance.run_once()

    missing = {step, "decide_uncertain"} if step == "lose_leases" else {step}
    assert {*STEPS} - {*desk.outbox.sweeps.calls} <= missing
    assert desk.told == [events.MaintenanceFailed("ValueError: odd row")]


@pytest.mark.parametrize("step", STEPS)
def test_an_outage_is_raised(desk: Desk, step: str) -> None:
    desk.outbox.sweeps.failures[step] = DatabaseUnavailable("away")

    with pytest.raises(DatabaseUnavailable):
        desk.maintenance.run_once()


def test_the_share_of_the_rate_is_that_of_the_last_heartbeat(desk: Desk) -> None:
    desk.maintenance.check()
    assert desk.share.rate == 2.0

    desk.outbox.share = 7.5
    desk.maintenance.check()

    assert desk.share.rate == 7.5


def test_outcomes_of_dead_processes_are_settled_and_their_files_go(desk: Desk) -> None:
    sent = claim()
    settlement = Settlement(sent.reference, 1, sent.token, Accepted("wamid.1"))
    desk.spool.append_for_others([settlement.to_record()])

    desk.maintenance.recover()

    assert desk.outbox.settled == [settlement]
    assert desk.told == [events.SpoolSettled(1)]
    assert desk.spool.state().files == 0


def test_a_decision_is_reported(desk: Desk) -> None:
    reference = uuid4()
    desk.outbox.sweeps.decided = [(reference, "held", "+123", "42", True)]

    desk.maintenance.decide()

    assert desk.told == [events.Decided(str(reference), "held", possible_duplicate=True)]
