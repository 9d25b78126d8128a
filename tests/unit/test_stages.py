"""The stages of the sender, each alone: dispatch, spooling, settling, and the loop that claims."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support.event_loop import in_event_loop
from tests.support.memory_outbox import MemoryOutbox, MemoryRateLimit, Refusal, claim
from wa_cli.errors import DatabaseUnavailable
from wa_cli.messages.outcomes import Accepted, Blocked, NotTransmitted, Outcome, Rejected, Retryable, Unknown
from wa_cli.outbox.outbox import Claim
from wa_cli.outbox.settlement import Settlement
from wa_cli.outbox.spool import Record, Spool, SpoolUnwritable
from wa_cli.runtime.stop import Stop
from wa_cli.runtime.watchdog import Progress, Watchdog
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Event
from wa_cli.workers.answer import Answer
from wa_cli.workers.dispatch import Dispatch, pause_after, send_claim
from wa_cli.workers.number_state import NumberState
from wa_cli.workers.sender import Sender
from wa_cli.workers.settling import Settling
from wa_cli.workers.spooling import Spooling
from wa_cli.workers.stage import BATCH, Stage

SECONDS = timedelta(seconds=1)


class Collector(Stage[Any]):
    """A last stage that keeps its batches."""

    name = "collector"

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[Any]] = []

    async def handle(self, items: list[Any]) -> None:
        self.batches.append(items)


class Api:
    """An API that answers when `open` is set."""

    def __init__(self, outcome: Outcome | Exception | None = None) -> None:
        self.outcome = outcome or Accepted("wamid.1")
        self.open = asyncio.Event()
        self.open.set()
        self.sent: list[UUID] = []

    async def send(self, *_: Any, reference: UUID, **__: Any) -> Outcome:
        self.sent.append(reference)
        await self.open.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class FullSpool(Spool):
    """A spool on a disk that is full until `has_space`."""

    has_space = False

    def check_room(self) -> None:
        if not self.has_space:
            raise SpoolUnwritable("The disk is full.")

    def append(self, records: Any) -> Any:
        self.check_room()
        return super().append(records)

    def append_for_others(self, records: Any) -> None:
        self.check_room()
        super().append_for_others(records)


def answer(outcome: Outcome, *, is_probe: bool = False, claimed_at: float = 0.0, to: Claim | None = None) -> Answer:
    to = to or claim()
    return Answer(Settlement(to.reference, to.attempt, to.token, outcome), claimed_at, is_probe)


def waiting_records(spool: Spool) -> list[Record]:
    """Return the records that a later process would find."""
    return [Settlement.from_record(record).to_record() for record in read(spool)]


def read(spool: Spool) -> list[Record]:
    spool.close()
    records: list[Record] = []
    for path in spool.orphans():
        with spool.adopt(path) as orphan:
            assert orphan is not None
            records += orphan.records
            orphan.keep_file()
    return records


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path)
    yield spool
    spool.close()


@in_event_loop
async def test_a_stage_handles_arrived_items_in_batches_and_counts_pending_items() -> None:
    stage = Collector()
    for number in range(BATCH + 3):
        stage.put(number)
    assert stage.pending == BATCH + 3

    assert (await stage.run_once(), await stage.run_once()) == (BATCH, 3)

    await stage.join()
    assert (stage.pending, stage.batches[1]) == (0, [BATCH, BATCH + 1, BATCH + 2])


def dispatch_of(outbox: MemoryOutbox, api: Api, spooling: Any, **changes: Any) -> Dispatch:
    values = {"concurrency": 2, "lease": 60 * SECONDS, "send_timeout": 5 * SECONDS, "emit": lambda _: None}
    return Dispatch(outbox, api, spooling, **{**values, **changes})


def now() -> float:
    return asyncio.get_running_loop().time()


@in_event_loop
async def test_dispatch_sends_concurrently_and_passes_every_answer_to_the_next_stage() -> None:
    api, spooling = Api(), Collector()
    api.open.clear()
    dispatch = dispatch_of(MemoryOutbox(), api, spooling)
    first, second = claim(), claim()

    dispatch.start([first, second], now())
    assert (dispatch.in_flight, dispatch.free_slots) == (2, 0)
    waiting = asyncio.create_task(dispatch.has_slot(Stop()))
    await asyncio.sleep(0)
    api.open.set()

    assert await waiting
    while spooling.pending < 2:
        await dispatch.wait(1.0)
    await spooling.run_once()
    assert {a.settlement.reference for a in spooling.batches[0]} == {first.reference, second.reference}
    assert set(api.sent) == {first.reference, second.reference}


@in_event_loop
async def test_a_claim_whose_lease_could_end_before_the_answer_is_released_and_not_sent() -> None:
    outbox, api = MemoryOutbox(), Api()
    dispatch = dispatch_of(outbox, api, Collector())
    late = claim()

    dispatch.start([late], now() - 56)
    while dispatch.in_flight:
        await dispatch.wait(1.0)

    assert (outbox.released, api.sent) == ([late], [])


@in_event_loop
async def test_a_late_claim_is_not_released_during_an_outage() -> None:
    outbox = MemoryOutbox(outages=[DatabaseUnavailable("unavailable")])
    dispatch = dispatch_of(outbox, Api(), Collector())

    dispatch.start([claim()], now() - 56)
    while dispatch.in_flight:
        await dispatch.wait(1.0)

    assert outbox.released == []


@in_event_loop
async def test_waiting_for_a_slot_ends_with_a_stop() -> None:
    api, stop = Api(), Stop()
    api.open.clear()
    dispatch = dispatch_of(MemoryOutbox(), api, Collector(), concurrency=1)
    dispatch.start([claim()], now())
    stop.set()

    assert not await dispatch.has_slot(stop)

    dispatch.cancel()


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        (Accepted("wamid.1"), events.Accepted),
        (Rejected(131026, "no"), events.Disposition.REJECTED),
        (Retryable(131000, "later"), events.Disposition.RETRY),
        (NotTransmitted("no route"), events.Disposition.RETRY),
        (Blocked(190, "token"), events.Disposition.RETRY),
        (Unknown("cut"), events.Disposition.UNCERTAIN),
        (ValueError("our own error"), events.Disposition.UNCERTAIN),
    ],
)
@in_event_loop
async def test_every_outcome_is_reported_and_becomes_a_settlement(outcome: Outcome | Exception, event: Any) -> None:
    emitted: list[Event] = []
    sent = claim()

    settlement = await send_claim(Api(outcome), sent, emitted.append)

    assert (settlement.reference, settlement.token) == (sent.reference, sent.token)
    assert settlement.outcome == (Unknown("ValueError: our own error") if isinstance(outcome, Exception) else outcome)
    [one] = emitted
    assert one.disposition is event if isinstance(one, events.NotAccepted) else isinstance(one, event)


@pytest.mark.parametrize(
    ("outcome", "attempt", "retry_count", "least", "most"),
    [
        (Accepted("wamid.1"), 1, 0, 0, 0),
        (Rejected(131026, "no"), 1, 0, 0, 0),
        (Unknown("cut"), 1, 0, 0, 0),
        (Blocked(190, "token"), 1, 0, 0, 0),
        (Retryable(131056, "pair", scope="pair"), 1, 0, 1, 1),
        (Retryable(131056, "pair", scope="pair"), 3, 0, 16, 16),
        (Retryable(131056, "pair", scope="pair", after=90.0), 3, 0, 90, 90),
        (Retryable(130429, "number", scope="number"), 1, 0, 0, 0),
        (Retryable(130429, "number", scope="number", after=7.0), 1, 0, 7, 7),
        (Retryable(131000, "later"), 1, 0, 0, 2),
        (Retryable(131000, "later"), 4, 3, 0, 16),
        (Retryable(131000, "later", after=600.0), 1, 0, 600, 600),
        (NotTransmitted("no route"), 1, 0, 0.5, 2.5),
    ],
)
def test_each_outcome_has_its_pause_before_the_next_attempt(
    outcome: Outcome, attempt: int, retry_count: int, least: float, most: float
) -> None:
    assert least <= pause_after(claim(attempt=attempt, retry_count=retry_count), outcome) <= most


@in_event_loop
async def test_an_answer_is_in_the_spool_before_it_is_settled(spool: Spool) -> None:
    settling: Any = Collector()
    spooling = Spooling(spool, settling, lambda _: None)
    first = answer(Accepted("wamid.1"))

    spooling.put(first)
    await spooling.run_once()

    assert spooling.pending == 0
    assert settling.pending == 1
    assert waiting_records(spool) == [first.settlement.to_record()]


@in_event_loop
async def test_on_a_full_disk_answers_are_passed_on_and_there_is_no_room_for_new_sends(tmp_path: Path) -> None:
    emitted: list[Event] = []
    spool = FullSpool(tmp_path)
    settling: Any = Collector()
    spooling = Spooling(spool, settling, emitted.append)

    spooling.put(answer(Accepted("wamid.1")))
    await spooling.run_once()
    await settling.run_once()
    assert settling.batches[0][0].entry is None
    assert not await spooling.has_room()
    spool.has_space = True
    assert await spooling.has_room()

    assert [type(event) for event in emitted] == [events.Unavailable, events.AvailableAgain]


class Desk:
    """A settling stage over an outbox in memory."""

    def __init__(self, spool: Spool) -> None:
        self.outbox = MemoryOutbox()
        self.spool = spool
        self.emitted: list[Event] = []
        self.work_came = asyncio.Event()
        self.progress = Progress()
        number_state = NumberState(self.outbox.rate_limit, self.emitted.append)
        self.settling = Settling(
            self.outbox, self.spool, number_state, self.work_came, self.emitted.append, self.progress
        )
        self.spooling = Spooling(self.spool, self.settling, self.emitted.append)

    async def settle(self, *answers: Answer) -> None:
        for one in answers:
            self.spooling.put(one)
        await self.spooling.run_once()
        await self.settling.run_once()


@in_event_loop
async def test_a_settled_answer_leaves_the_spool_and_wakes_the_sender(spool: Spool) -> None:
    desk = Desk(spool)
    first = answer(Accepted("wamid.1"))

    await desk.settle(first)

    assert desk.outbox.settled == [first.settlement]
    assert waiting_records(desk.spool) == []
    assert desk.work_came.is_set()
    assert desk.settling.pending == 0
    assert desk.progress.idle is not None


@in_event_loop
async def test_during_an_outage_an_answer_is_settled_later_and_the_outage_is_reported_once(spool: Spool) -> None:
    desk = Desk(spool)
    desk.outbox.outages = [DatabaseUnavailable("unavailable"), DatabaseUnavailable("unavailable")]

    await desk.settle(answer(Accepted("wamid.1")))

    assert len(desk.outbox.settled) == 1
    assert desk.emitted == [events.StoreFailed("unavailable", 1)]
    assert desk.outbox.failures == ["unavailable"]


@in_event_loop
async def test_one_refused_row_stays_in_the_spool_and_the_other_rows_are_stored(spool: Spool) -> None:
    desk = Desk(spool)
    answers = [answer(Accepted(f"wamid.{number}")) for number in range(5)]
    poison = answers[3].settlement
    desk.outbox.refusals = [Refusal(poison.reference)]

    await desk.settle(*answers)

    assert desk.outbox.settled == [a.settlement for a in answers if a.settlement is not poison]
    assert desk.outbox.without_row == [poison]
    assert desk.outbox.failures == ["the table refuses it"]
    assert waiting_records(desk.spool) == [poison.to_record()]
    assert desk.emitted == [events.StoreFailed("the table refuses it", 1)]


@in_event_loop
async def test_a_refused_secondary_value_is_left_out(spool: Spool) -> None:
    desk = Desk(spool)
    first = answer(Accepted("wamid.1"))
    desk.outbox.refusals = [Refusal(first.settlement.reference, column="employee_id")]

    await desk.settle(first)

    assert desk.outbox.settled == [first.settlement]
    assert waiting_records(desk.spool) == []


@pytest.mark.parametrize(
    ("answers", "calls"),
    [
        ([answer(Accepted("wamid.1"))], []),
        ([answer(Retryable(131000, "later"))], []),
        ([answer(Retryable(131056, "pair", scope="pair"))], []),
        ([answer(Retryable(130429, "number", scope="number"))], ["slow_down"]),
        ([answer(Blocked(190, "token"))], ["block"]),
        ([answer(Accepted("wamid.1"), is_probe=True)], ["unblock"]),
        ([answer(Rejected(131026, "no"), is_probe=True)], ["unblock"]),
        ([answer(Blocked(190, "token"), is_probe=True)], ["block"]),
        ([answer(Unknown("cut"), is_probe=True)], []),
    ],
)
def test_the_state_of_the_number_follows_its_answers(answers: list[Answer], calls: list[str]) -> None:
    rate_limit = MemoryRateLimit()

    NumberState(rate_limit, lambda _: None).update(answers)

    assert rate_limit.calls == calls


def test_a_throttle_is_reported_with_its_share_of_the_answers_since_the_last_one() -> None:
    rate_limit = MemoryRateLimit()
    state = NumberState(rate_limit, lambda _: None)
    throttle = answer(Retryable(130429, "number", scope="number", after=9.0))

    state.update([answer(Accepted("wamid.1")), answer(Accepted("wamid.2"))])
    state.update([throttle, throttle, answer(Accepted("wamid.3"))])
    state.update([throttle])

    assert rate_limit.shares == [(2, 5), (1, 1)]
    assert [pause for pause, _ in rate_limit.pauses] == [9 * SECONDS, 9 * SECONDS]


class Recovery:
    def __init__(self) -> None:
        self.recoveries = 0

    def prove_writable(self) -> None:
        pass

    def recover(self) -> None:
        self.recoveries += 1


class Works:
    """A whole sender over an outbox in memory."""

    def __init__(self, spool: Spool, api: Api) -> None:
        self.desk = Desk(spool)
        self.outbox = self.desk.outbox
        self.recovery = Recovery()
        self.stop = Stop()
        dispatch = dispatch_of(self.outbox, api, self.desk.spooling)
        self.sender = Sender(
            self.outbox,
            dispatch,
            self.desk.spooling,
            self.desk.settling,
            self.recovery,
            rate=10.0,
            work_came=self.desk.work_came,
            emit=self.desk.emitted.append,
        )

    async def until_settled(self, count: int, patience: timedelta = 5 * SECONDS) -> None:
        """Run the sender until so many outcomes are settled."""
        running = asyncio.create_task(self.sender.run(self.stop, Watchdog(), patience))
        while len(self.outbox.settled) < count:
            await asyncio.sleep(0.001)
        self.stop.set()
        await running


@in_event_loop
async def test_a_sender_claims_no_more_than_its_free_slots(spool: Spool) -> None:
    api = Api()
    api.open.clear()
    works = Works(spool, api)
    works.outbox.due = [claim() for _ in range(5)]

    assert await works.sender.claim_and_dispatch() == 2
    assert await works.sender.claim_and_dispatch() == 0

    assert len(works.outbox.due) == 3
    assert not works.sender.is_idle
    works.sender.dispatch.cancel()


@in_event_loop
async def test_a_sender_claims_nothing_that_the_spool_could_not_record(spool: Spool) -> None:
    works = Works(FullSpool(spool.folder), Api())
    works.outbox.due = [claim()]

    assert await works.sender.claim_and_dispatch() == 0

    assert len(works.outbox.due) == 1


@in_event_loop
async def test_every_message_is_sent_once_and_settled(spool: Spool) -> None:
    api = Api()
    works = Works(spool, api)
    due = [claim() for _ in range(20)]
    works.outbox.due = [*due]

    await works.until_settled(20)

    assert sorted(map(str, api.sent)) == sorted(str(one.reference) for one in due)
    assert works.sender.is_idle
    assert works.recovery.recoveries == 1


@in_event_loop
async def test_a_sender_recovers_before_its_first_claim_after_an_outage(spool: Spool) -> None:
    works = Works(spool, Api())
    works.outbox.due = [claim()]
    works.outbox.outages = [DatabaseUnavailable("unavailable")]

    await works.until_settled(1)

    assert works.recovery.recoveries == 2
    assert [type(event) for event in works.desk.emitted[:2]] == [events.Unavailable, events.AvailableAgain]


@in_event_loop
async def test_a_stopped_sender_leaves_answers_that_it_cannot_settle_in_the_spool(spool: Spool) -> None:
    works = Works(spool, Api())
    works.outbox.due = [claim()]
    assert await works.sender.claim_and_dispatch() == 1
    works.outbox.outages = [DatabaseUnavailable("unavailable")] * 1000
    works.stop.set()

    await works.sender.run(works.stop, Watchdog(), 0.1 * SECONDS)

    assert len(waiting_records(works.desk.spool)) == 1
    assert works.outbox.settled == []


@in_event_loop
async def test_an_error_in_a_stage_ends_the_sender(spool: Spool) -> None:
    works = Works(spool, Api())
    works.outbox.due = [claim()]
    works.outbox.outages = [ZeroDivisionError()]

    with pytest.raises(ZeroDivisionError):
        await works.sender.run(works.stop, Watchdog(), SECONDS)


@in_event_loop
async def test_a_refused_row_keeps_its_entry_if_the_disk_is_full(tmp_path: Path) -> None:
    spool = FullSpool(tmp_path)
    spool.has_space = True
    desk = Desk(spool)
    stored, refused = answer(Accepted("wamid.1")), answer(Accepted("wamid.2"))
    desk.outbox.refusals = [Refusal(refused.settlement.reference)]
    for one in (stored, refused):
        desk.spooling.put(one)
    await desk.spooling.run_once()
    spool.has_space = False

    await desk.settling.run_once()

    assert waiting_records(spool)[-1] == refused.settlement.to_record()
    spool.close()


@in_event_loop
async def test_an_error_while_a_message_is_sent_ends_the_sender() -> None:
    dispatch = dispatch_of(MemoryOutbox(outages=[ZeroDivisionError()]), Api(), Collector())
    dispatch.start([claim()], now() - 56)
    while dispatch.in_flight:
        await dispatch.wait(1.0)

    with pytest.raises(ZeroDivisionError):
        await dispatch.has_slot(Stop())
