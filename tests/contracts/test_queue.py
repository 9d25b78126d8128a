"""The contract of `queues.base.Queue`, tested on every backend."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.local_aws import LocalAws
from tests.support.memory_queue import MemoryQueue
from wa_cli.database.engine import Database
from wa_cli.queues.base import QueueMessage
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.queues.sqs import SqsQueue

LEASE = timedelta(seconds=60)
Pass = Callable[[timedelta], None]


@pytest.fixture(params=["memory", "postgres", "sqs", "sqs-fifo"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def queue(backend: str, request: pytest.FixtureRequest) -> Any:
    if backend == "memory":
        return MemoryQueue()
    database: Database = request.getfixturevalue("database")
    if backend == "postgres":
        return PostgresQueue("outgoing", database)
    aws: LocalAws = request.getfixturevalue("aws")
    return SqsQueue("outgoing", aws.queue(fifo=backend == "sqs-fifo"), aws.sqs, database.transaction)


@pytest.fixture
def reopened(backend: str, queue: Any, request: pytest.FixtureRequest) -> Any:
    """Return another object on the same queue, as another process has it."""
    if backend == "memory":
        pytest.skip("a queue in memory has one object")
    database: Database = request.getfixturevalue("database")
    if backend == "postgres":
        return PostgresQueue("outgoing", database)
    return SqsQueue("outgoing", queue.url, request.getfixturevalue("aws").sqs, database.transaction)


@pytest.fixture
def other(backend: str, request: pytest.FixtureRequest) -> Any:
    """Return the queue of the other direction."""
    if backend == "memory":
        return MemoryQueue("incoming")
    database: Database = request.getfixturevalue("database")
    if backend == "postgres":
        return PostgresQueue("incoming", database)
    aws: LocalAws = request.getfixturevalue("aws")
    return SqsQueue("incoming", aws.queue(fifo=backend == "sqs-fifo"), aws.sqs, database.transaction)


@pytest.fixture
def pass_time(backend: str, queue: Any, request: pytest.FixtureRequest) -> Pass:
    """Return a function that lets time pass in the backend without a wait."""
    if backend == "memory":
        return queue.pass_time  # type: ignore[no-any-return]
    if backend != "postgres":
        aws: LocalAws = request.getfixturevalue("aws")
        return aws.pass_time
    database: Database = request.getfixturevalue("database")

    def move(span: timedelta) -> None:
        with database.transaction() as connection:
            connection.execute(
                sa.text(
                    "UPDATE wa.queue_messages SET visible_at = visible_at - :span, created_at = created_at - :span"
                ),
                {"span": span},
            )

    return move


def put(queue: Any, *bodies: str, customer: str | None = None) -> None:
    queue.put([QueueMessage(body, customer) for body in bodies])


def receive(queue: Any, limit: int = 10, lease: timedelta = LEASE) -> list[Any]:
    return list(queue.receive(limit, lease))


def test_messages_are_received_as_they_were_put(queue: Any) -> None:
    put(queue, "hello", 'with "quotes", \\ and ünïcode \N{WINKING FACE}')

    found = receive(queue)

    assert [delivery.body for delivery in found] == ["hello", 'with "quotes", \\ and ünïcode \N{WINKING FACE}']
    assert [delivery.attempt for delivery in found] == [1, 1]


def test_an_empty_queue_returns_no_messages(queue: Any) -> None:
    assert receive(queue) == []


def test_another_object_on_the_queue_receives_its_messages(queue: Any, reopened: Any) -> None:
    put(queue, "hello")

    [delivery] = receive(reopened)
    reopened.ack([delivery])

    assert queue.depth().is_empty


def test_the_queues_of_both_directions_share_neither_messages_nor_dead_letters(queue: Any, other: Any) -> None:
    put(queue, "hello", "poison")
    assert receive(other) == []
    assert other.depth().is_empty

    _, poison = receive(queue)
    queue.dead_letter(poison, "unreadable")

    assert other.dead_letters(10) == []
    assert (queue.dead_count(), other.dead_count()) == (1, 0)
    assert other.redrive(10) == other.purge_dead() == 0


def test_a_receiver_waits_for_a_message(queue: Any, backend: str) -> None:
    if backend == "memory":
        pytest.skip("a queue in memory has its own clock")
    began = time.monotonic()
    assert queue.receive(10, LEASE, timedelta(seconds=0.3)) == []
    assert time.monotonic() - began >= 0.3

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(queue.receive, 10, LEASE, timedelta(seconds=20))
        put(queue, "hello")
        assert [delivery.body for delivery in waiting.result(timeout=10)] == ["hello"]


def test_no_more_than_the_limit_is_received(queue: Any) -> None:
    put(queue, *"abcde")

    assert [d.body for d in receive(queue, limit=2)] == ["a", "b"]
    assert [d.body for d in receive(queue, limit=9)] == ["c", "d", "e"]


def test_a_leased_message_is_not_received_again_until_its_lease_ends(queue: Any, pass_time: Pass) -> None:
    put(queue, "hello")
    receive(queue, lease=timedelta(seconds=30))
    assert receive(queue) == []

    pass_time(timedelta(seconds=31))

    [second] = receive(queue)
    assert (second.body, second.attempt) == ("hello", 2)


def test_an_acknowledged_message_is_gone(queue: Any, pass_time: Pass) -> None:
    put(queue, "hello")

    queue.ack(receive(queue))
    pass_time(LEASE * 2)

    assert receive(queue) == []
    assert queue.depth().is_empty


def test_a_receiver_whose_lease_ended_cannot_ack_nack_or_dead_letter(queue: Any, pass_time: Pass) -> None:
    put(queue, "hello")
    [first] = receive(queue)
    pass_time(LEASE * 2)
    [second] = receive(queue)

    queue.ack([first])
    queue.nack([first])
    queue.dead_letter(first, "too late")

    assert receive(queue) == []
    queue.nack([second])
    [third] = receive(queue)
    assert third.body == "hello"
    assert queue.dead_letters(10) == []


def test_nack_keeps_the_attempt_count(queue: Any) -> None:
    put(queue, "hello")
    [first] = receive(queue)

    queue.nack([first])

    [second] = receive(queue)
    assert (second.body, second.attempt) == ("hello", 2)


def test_nack_with_a_delay_returns_the_message_only_after_the_delay(queue: Any, pass_time: Pass) -> None:
    put(queue, "hello")
    [first] = receive(queue)

    queue.nack([first], delay=timedelta(seconds=30))

    assert receive(queue) == []
    assert queue.depth().delayed + queue.depth().in_flight == 1
    pass_time(timedelta(seconds=29.5))
    assert receive(queue) == []
    pass_time(timedelta(seconds=1))
    assert [d.body for d in receive(queue)] == ["hello"]


def test_a_customers_messages_are_received_in_order_and_not_while_an_earlier_one_is_leased(
    queue: Any, pass_time: Pass
) -> None:
    if not queue.keeps_order:
        pytest.skip("a standard queue promises no order")
    put(queue, "first", "second", customer="ana")
    put(queue, "other", customer="ben")
    [first] = receive(queue, limit=1)

    meanwhile = receive(queue)

    assert [d.body for d in meanwhile] == ["other"]
    queue.nack([first], delay=timedelta(seconds=10))
    assert receive(queue) == []
    pass_time(timedelta(seconds=11))
    assert [d.body for d in receive(queue)] == ["first", "second"]


def test_a_dead_letter_is_kept_with_its_reason(queue: Any, pass_time: Pass) -> None:
    put(queue, "poison", "good")
    [poison] = receive(queue, limit=1)

    queue.dead_letter(poison, "it has no phone number")
    pass_time(LEASE * 2)

    assert [d.body for d in receive(queue)] == ["good"]
    [dead] = queue.dead_letters(10)
    assert (dead.body, dead.reason) == ("poison", "it has no phone number")
    assert queue.dead_count() == 1


def test_a_refused_message_is_a_dead_letter_with_its_reason(queue: Any) -> None:
    queue.refuse(QueueMessage("too large", "ana"), "it is larger than the queue allows")

    assert receive(queue) == []
    [dead] = queue.dead_letters(10)
    assert (dead.body, dead.reason) == ("too large", "it is larger than the queue allows")


def test_redriven_messages_keep_their_customer(queue: Any) -> None:
    if not queue.keeps_order:
        pytest.skip("a standard queue has no customers")
    put(queue, "dead", customer="ana")
    [dead] = receive(queue)
    queue.dead_letter(dead, "why not")
    queue.refuse(QueueMessage("refused", "ben"), "why not")

    queue.redrive(10)

    assert {(d.body, d.customer) for d in receive(queue)} == {("dead", "ana"), ("refused", "ben")}


def test_dead_letters_are_redriven_oldest_first_as_new(queue: Any) -> None:
    put(queue, "a", "b", "c")
    for delivery in receive(queue):
        queue.dead_letter(delivery, "why not")

    assert queue.redrive(2) == 2

    again = receive(queue)
    assert [(d.body, d.attempt) for d in again] == [("a", 1), ("b", 1)]
    assert [letter.body for letter in queue.dead_letters(10)] == ["c"]


def test_purging_dead_letters_keeps_the_other_messages(queue: Any) -> None:
    put(queue, "dead", "alive")
    [dead] = receive(queue, limit=1)
    queue.dead_letter(dead, "poison")

    assert queue.purge_dead() == 1

    assert queue.dead_letters(10) == []
    assert [d.body for d in receive(queue)] == ["alive"]


def test_depth_counts_waiting_in_flight_and_delayed_messages(queue: Any, pass_time: Pass) -> None:
    put(queue, *"abcd")
    held, given_back, buried = receive(queue, limit=3)
    queue.nack([given_back], delay=LEASE)
    queue.dead_letter(buried, "poison")
    del held

    pass_time(timedelta(seconds=5))

    depth = queue.depth()
    assert (depth.waiting, depth.in_flight + depth.delayed, queue.dead_count()) == (1, 2, 1)
    assert depth.oldest_seconds is None or depth.oldest_seconds >= 5


def test_two_receivers_at_once_never_get_the_same_message(queue: Any) -> None:
    put(queue, *(str(number) for number in range(200)))
    found: list[str] = []

    def work() -> None:
        while batch := receive(queue, limit=7):
            found.extend(delivery.body for delivery in batch)
            queue.ack(batch)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(found, key=int) == [str(number) for number in range(200)]


def test_two_receivers_at_once_keep_each_customers_order(queue: Any) -> None:
    if not queue.keeps_order:
        pytest.skip("a standard queue promises no order")
    for number in range(40):
        put(queue, f"{number}", customer="ana")
        put(queue, f"{number}", customer="ben")
    found: dict[str, list[int]] = {"ana": [], "ben": []}

    def work() -> None:
        while not queue.depth().is_empty:
            batch = receive(queue, limit=3)
            for delivery in batch:
                found[delivery.customer].append(int(delivery.body))
            queue.ack(batch)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert found == {"ana": list(range(40)), "ben": list(range(40))}
