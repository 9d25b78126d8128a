"""Several worker processes under one command."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen

import psutil

from tests.acceptance.conftest import Shell
from tests.acceptance.test_story import until
from tests.support.waiting import line_with


@contextmanager
def three_workers(shell: Shell) -> Iterator[tuple[Popen[str], list[int]]]:
    with shell.running("worker", "outgoing", "--processes", "3") as supervisor:
        yield supervisor, wait_for_children(supervisor, 3)


def wait_for_children(supervisor: Popen[str], number: int, *, besides: int = 0) -> list[int]:
    """Wait until `number` workers have started. Return the process ids of all children but `besides`."""
    for _ in range(number):
        line_with("outgoing worker is running", supervisor)
    return [child.pid for child in psutil.Process(supervisor.pid).children() if child.pid != besides]


def test_three_processes_send_each_queued_message_once(shell: Shell) -> None:
    for place in range(6):
        shell.wa("send", "text", f"+1555123000{place}", "hi")

    said = shell.wa("worker", "outgoing", "--drain", "--processes", "3").stderr

    assert said.count("Outgoing message stored in database") == 6


def test_a_worker_process_that_dies_is_replaced(shell: Shell) -> None:
    with three_workers(shell) as (supervisor, children):
        assert len(children) == 3
        os.kill(children[0], signal.SIGKILL)

        after = wait_for_children(supervisor, 1, besides=children[0])

        assert len(after) == 3


def test_worker_processes_end_when_their_supervisor_is_killed(shell: Shell) -> None:
    with three_workers(shell) as (supervisor, children):
        processes = [psutil.Process(child) for child in children]
        supervisor.kill()
        _, alive = psutil.wait_procs(processes, timeout=20)
        assert alive == []
        supervisor.returncode = 0  # killed on purpose


def test_a_second_signal_stops_all_processes_at_once(shell: Shell) -> None:
    with three_workers(shell) as (supervisor, children):
        for child in children:
            os.kill(child, signal.SIGSTOP)  # simulates a worker that needs long for its messages in flight
        supervisor.send_signal(signal.SIGINT)
        line_with("finishing work in flight", supervisor)
        supervisor.send_signal(signal.SIGINT)
        said, _ = supervisor.communicate(timeout=20)

        assert supervisor.returncode == 130
        assert "Stopped at once" in said
        supervisor.returncode = 0  # left on purpose


def test_a_settings_error_is_reported_once_for_all_processes(shell: Shell) -> None:
    shell.environ["WA_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:9/none"

    said = shell.wa("worker", "outgoing", "--processes", "3", code=4).stderr

    assert said.count("is missing. It is required because WA_DATABASE_URL is set") == 1


def test_a_silent_worker_that_still_runs_waits_for_the_database(shell: Shell) -> None:
    def state() -> str:
        [row] = json.loads(shell.wa("worker", "list", "--json").stdout)["rows"]
        return str(row["state"])

    with shell.running("worker", "outgoing") as worker:
        line_with("outgoing worker is running", worker)
        until(shell, "SELECT count(*) = 1 FROM wa.worker_heartbeats")
        assert state() == "idle"
        os.kill(worker.pid, signal.SIGSTOP)
        until(shell, "UPDATE wa.worker_heartbeats SET seen_at = seen_at - interval '31 seconds' RETURNING true")
        assert state() == "waiting for database"

        worker.kill()
        worker.wait()
        assert state() == "silent"
        worker.returncode = 0  # killed on purpose
