"""A waiting receiver gets a message as it is put, also after its notifications stop, and behind a pooler without any."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.support.waiting import until
from wa_cli.database import arrivals
from wa_cli.database.engine import Database
from wa_cli.queues.base import QueueMessage
from wa_cli.queues.postgres import PostgresQueue

LEASE, PATIENCE = timedelta(seconds=60), timedelta(seconds=20)
OURS = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"


@pytest.fixture
def queue(database: Database) -> Iterator[PostgresQueue]:
    queue = PostgresQueue("incoming", database)
    yield queue
    queue.close()


@contextmanager
def receiving(queue: PostgresQueue) -> Iterator[Callable[[], list[str]]]:
    """Receive once in a thread. The function returns the bodies when they have come."""
    bodies: list[str] = []
    thread = threading.Thread(target=lambda: bodies.extend(d.body for d in queue.receive(5, LEASE, PATIENCE)))
    thread.start()

    def result() -> list[str]:
        thread.join(PATIENCE.total_seconds())
        assert not thread.is_alive()
        return bodies

    yield result
    thread.join()


def listeners(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) {OURS}")).scalar_one())


def test_a_waiting_receiver_gets_a_message_long_before_the_next_poll(
    database: Database, queue: PostgresQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "BACKUP_POLL", 1000.0)
    with receiving(queue) as received:
        until(lambda: listeners(database) == 1, "the listener")
        PostgresQueue("outgoing", database).put([QueueMessage("of another queue")])
        PostgresQueue("incoming", database).put([QueueMessage("news")])

        assert received() == ["news"]


def test_a_message_from_before_the_first_wait_is_received(queue: PostgresQueue) -> None:
    queue.put([QueueMessage("early")])

    assert [delivery.body for delivery in queue.receive(5, LEASE, PATIENCE)] == ["early"]


def test_a_redriven_dead_letter_is_an_arrival(
    database: Database, queue: PostgresQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "BACKUP_POLL", 1000.0)
    queue.refuse(QueueMessage("buried"), "unreadable")
    with receiving(queue) as received:
        until(lambda: listeners(database) == 1, "the listener")
        PostgresQueue("incoming", database).redrive(5)

        assert received() == ["buried"]


def test_a_cut_connection_is_replaced_by_polling(database: Database, queue: PostgresQueue) -> None:
    with receiving(queue) as received:
        until(lambda: listeners(database) == 1, "the listener")
        with database.transaction() as connection:
            connection.execute(sa.text(f"SELECT pg_terminate_backend(pid) {OURS}"))
        until(lambda: listeners(database) == 0, "the cut")
        PostgresQueue("incoming", database).put([QueueMessage("news")])

        assert received() == ["news"]


def test_a_pooler_that_forwards_no_notification_is_polled(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "PROBE_LIMIT", 0.0)  # as if none had come until its end
    queue = PostgresQueue("incoming", database)
    with receiving(queue) as received:
        until(lambda: queue._arrivals._retry_at > 0, "the probe")
        until(lambda: listeners(database) == 0, "the end of its session")
        PostgresQueue("incoming", database).put([QueueMessage("news")])

        assert received() == ["news"]
