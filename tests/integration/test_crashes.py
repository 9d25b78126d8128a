"""Every line of the crash table, with a real process and a real SIGKILL. The sandbox's log shows the sent messages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Bench
from tests.support import crashing_worker, forked_commands
from tests.support.running_sandbox import RunningSandbox, running_sandbox
from tests.support.waiting import until
from wa_cli.messages.content.text import text
from wa_cli.messages.incoming import StatusUpdate, parse_opaque
from wa_cli.messages.outgoing import OutgoingMessage
from wa_cli.queues.base import QueueMessage
from wa_cli.queues.postgres import PostgresQueue
from wa_cli.sandbox import NUMBER
from wa_cli.sandbox.app import Options

AGE = timedelta(minutes=5)


class Scene:
    """A database, a sandbox with slow answers, and workers in separate processes."""

    def __init__(self, database: Any, url: str, sandbox: RunningSandbox, home: Path) -> None:
        self.bench = Bench(database, NUMBER)
        self.sandbox = sandbox
        self.home = home
        self.mistakes: list[str] = []
        self.queue = PostgresQueue("outgoing", database)
        self.environ = {
            **os.environ,
            "WA_HOME": str(home),
            "WA_DATABASE_URL": url,
            "WA_CLOUD_API_URL": sandbox.url,
            "WA_PHONE_NUMBER_ID": NUMBER,
            "WA_ACCESS_TOKEN": "token",
            "WA_UNCERTAIN_WAIT": "120s",
        }

    def put(self, word: str, to: str = "+123") -> OutgoingMessage:
        message = OutgoingMessage(text(word), phone=to)
        self.queue.put([QueueMessage(message.to_body(), message.customer)])
        return message

    def crash(self, point: str) -> None:
        died = forked_commands.call(
            crashing_worker.main, [*self.mistakes, point], folder=self.home, environ=self.environ
        )
        if died.returncode != -signal.SIGKILL:
            raise RuntimeError(died.stderr)

    def drain(self) -> int:
        done = forked_commands.run(
            ["worker", "outgoing", "--drain"], folder=self.home, environ=self.environ, timeout=60
        )
        assert done.returncode in (0, 8), done.stderr
        return done.returncode

    def play_statuses(self) -> None:
        """Store a delivered status for each message that the sandbox accepted, as the webhooks would."""
        statuses = []
        for line in self.sandbox.accepted():
            reference, attempt = parse_opaque(line["opaque"]) or (None, None)
            statuses.append(
                StatusUpdate(
                    line["wamid"], "delivered", datetime.now(UTC), NUMBER, reference=reference, attempt=attempt, raw={}
                )
            )
        with self.bench.database.transaction() as connection:
            self.bench.outbox.record_statuses(connection, statuses)

    def let_time_pass(self) -> None:
        self.bench.sql("UPDATE wa.queue_messages SET visible_at = visible_at - CAST(:span AS interval)", span=AGE)
        for column in ("lease_until", "last_attempt_at", "uncertain_since", "accepted_at"):
            self.bench.age(column, AGE)

    def sent(self, to: str = "123") -> int:
        return sum(1 for line in self.sandbox.accepted() if line["to"] == to)

    def stored(self, to: str = "+123") -> list[str]:
        return [row["status"] for row in self.bench.rows() if row["to_phone"] == to]


@pytest.fixture
def scene(database: Any, database_url: str, tmp_path: Path) -> Iterator[Scene]:
    with running_sandbox(tmp_path / "sandbox", Options(answer_after=0.5)) as sandbox:
        (tmp_path / "home").mkdir()
        yield Scene(database, database_url, sandbox, tmp_path / "home")


@pytest.mark.parametrize(
    ("point", "recorded"), [("before_the_intake_commits", {}), ("before_the_acknowledge", {"queued": 1})]
)
def test_a_message_that_was_not_acknowledged_is_received_again_and_sent_once(
    scene: Scene, point: str, recorded: dict[str, int]
) -> None:
    scene.put("hi")
    scene.crash(point)
    assert scene.queue.depth().in_flight == 1
    assert scene.bench.states() == recorded

    scene.let_time_pass()
    assert scene.drain() == 0

    assert (scene.sent(), scene.stored()) == (1, ["sent"])


def test_an_uncertain_message_that_never_left_is_sent_when_evidence_shows_it(scene: Scene) -> None:
    message = scene.put("hi")
    scene.crash("before_the_request_leaves")
    assert (scene.sent(), scene.bench.state(message.reference)) == (0, "sending")

    scene.let_time_pass()
    scene.put("other", to="+777")
    assert scene.drain() == 8
    assert scene.bench.state(message.reference) == "uncertain"
    scene.play_statuses()
    scene.let_time_pass()
    assert scene.drain() == 0

    assert (scene.sent(), scene.stored()) == (1, ["sent"])


@pytest.mark.parametrize("point", ["before_the_answer_is_read", "before_the_spool"])
def test_a_request_with_a_lost_answer_is_settled_by_its_status_and_not_sent_again(scene: Scene, point: str) -> None:
    message = scene.put("hi")
    scene.crash(point)
    assert (scene.sent(), scene.stored()) == (1, [])

    scene.let_time_pass()
    scene.put("other", to="+777")
    assert scene.drain() == 8
    assert scene.bench.state(message.reference) == "uncertain"
    scene.play_statuses()
    scene.let_time_pass()
    assert scene.drain() == 0

    assert (scene.sent(), scene.stored()) == (1, ["delivered"])


@pytest.mark.parametrize("point", ["before_the_settle", "before_the_settle_commits", "before_the_spool_removes"])
def test_a_spooled_outcome_is_settled_from_the_spool_and_not_sent_again(scene: Scene, point: str) -> None:
    message = scene.put("hi")
    scene.crash(point)
    settled = point == "before_the_spool_removes"
    assert scene.bench.state(message.reference) == ("sent" if settled else "sending")

    assert scene.drain() == 0

    assert (scene.sent(), scene.stored()) == (1, ["sent"])
    assert scene.bench.state(message.reference) == "sent"


def test_an_accepted_outcome_settled_after_its_lease_ended_is_stored(scene: Scene) -> None:
    """Stop a worker during its request, end its lease, and let it continue."""
    message = scene.put("hi")
    command = [sys.executable, "-m", "wa_cli", "worker", "outgoing"]
    zombie = subprocess.Popen(command, env=scene.environ, stderr=subprocess.DEVNULL)
    try:
        until(lambda: scene.sent() == 1)
        zombie.send_signal(signal.SIGSTOP)
        scene.let_time_pass()
        assert scene.drain() == 8
        assert scene.bench.state(message.reference) == "uncertain"

        zombie.send_signal(signal.SIGCONT)

        until(lambda: scene.bench.state(message.reference) == "sent")
        assert (scene.sent(), scene.stored()) == (1, ["sent"])
    finally:
        zombie.send_signal(signal.SIGCONT)
        zombie.terminate()
        assert zombie.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("mistake", "story", "point"),
    [
        (
            "settle_before_the_spool",
            test_a_spooled_outcome_is_settled_from_the_spool_and_not_sent_again,
            "before_the_settle",
        ),
        (
            "claim_when_settling",
            test_a_request_with_a_lost_answer_is_settled_by_its_status_and_not_sent_again,
            "before_the_answer_is_read",
        ),
    ],
)
def test_the_crash_tests_detect_a_worker_with_two_stages_swapped(
    scene: Scene, mistake: str, story: Callable[[Scene, str], None], point: str
) -> None:
    scene.mistakes = [mistake]
    scene.environ |= {"WA_SEND_TIMEOUT": "2s", "WA_CLAIM_LEASE": "3s"}

    with pytest.raises(AssertionError):
        story(scene, point)
