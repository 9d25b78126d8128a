"""Recovery times of a worker after a stop, an outage and a freeze, in seconds, with the default settings.

Does not prove: anything about networks that lose packets, or about a disk that recovers slowly.

    python -m tests.benchmarks.hardship stop outage freeze
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from tests.chaos.stage import HASTE, WA, Stage, Weather, make_database_unavailable, stage
from tests.support.waiting import until

NO_FAULTS = "throttled=0"


def default_settings(scene: Stage, **more: str) -> dict[str, str]:
    """Return the environment with the default settings instead of the storm's short times."""
    given = scene.environ(WA_CLOUD_API_URL="sandbox", **more)
    return {key: value for key, value in given.items() if key not in HASTE or key in more}


def count(scene: Stage, query: str) -> int:
    with scene.database.reading() as connection:
        return int(connection.execute(sa.text(query)).scalar_one())


@dataclass(frozen=True)
class Stopped:
    seconds: float
    exit_code: int
    left_uncertain: int
    accepted: int
    stored: int


def stop(in_flight: int = 200, answer_after: str = "3s") -> Stopped:
    """Stop a worker by SIGTERM while it has `in_flight` requests in flight."""
    weather = Weather(
        messages=2 * in_flight,
        rate=10_000,
        answer_after=answer_after,
        faults=NO_FAULTS,
        webhooks=False,
        customers=in_flight * 2,
    )
    with tempfile.TemporaryDirectory() as home, stage(Path(home), weather) as scene, ExitStack() as parts:
        parts.enter_context(scene.sandbox())
        queue, settings = parts.enter_context(scene.queue())
        scene.feed(queue, 1e9)
        environ = default_settings(scene, **settings, WA_CONCURRENCY=str(in_flight))
        worker = subprocess.Popen([*WA, "worker", "outgoing"], env=environ, stderr=subprocess.DEVNULL)
        until(lambda: scene.accepted() >= in_flight)
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        code = worker.wait(60)
        return Stopped(
            time.monotonic() - began,
            code,
            count(scene, "SELECT count(*) FROM wa.outbox WHERE state IN ('sending', 'uncertain')"),
            scene.accepted(),
            count(scene, "SELECT count(*) FROM whatsapp_messages"),
        )


def outage(seconds: float, rate: float) -> None:
    """Make the database unavailable under load over SQS, and print the results."""
    weather = Weather(
        messages=int(rate * (seconds + 60)),
        rate=rate,
        queue="sqs",
        answer_after="100ms",
        faults=NO_FAULTS,
        webhooks=False,
    )
    with tempfile.TemporaryDirectory() as home, stage(Path(home), weather) as scene, ExitStack() as parts:
        parts.enter_context(scene.sandbox())
        queue, settings = parts.enter_context(scene.queue())
        parts.enter_context(scene.process([*WA, "worker", "outgoing"], default_settings(scene, **settings)))
        feeding = threading.Thread(target=scene.feed, args=(queue, rate), daemon=True)
        feeding.start()
        until(lambda: scene.accepted() > rate * 10)
        before = scene.accepted()
        make_database_unavailable(scene, seconds)
        at_return = scene.accepted()
        stored = "SELECT count(*) FROM whatsapp_messages"
        behind = until(lambda: count(scene, stored) >= at_return)
        print(f"outage of {seconds:.0f} s under {rate:.0f} messages/s over SQS")
        print(
            f"  sent during the outage {at_return - before:,}; all rows stored after its end {behind:6.1f} s",
            flush=True,
        )
        feeding.join()
        until(lambda: count(scene, stored) == weather.messages, limit=180)
        duplicates = count(scene, "SELECT count(*) FROM wa.outbox WHERE possible_double")
        print(
            f"  in the end: rows {count(scene, stored):,}, accepted {scene.accepted():,},"
            f" possible duplicates {duplicates}",
            flush=True,
        )


def freeze(statement_timeout: float = 15.0) -> float:
    """Stop the worker's backends by SIGSTOP. Return the seconds until newly queued messages are rows."""
    weather = Weather(messages=20, rate=100, answer_after="50ms", faults=NO_FAULTS, webhooks=False)
    with tempfile.TemporaryDirectory() as home, stage(Path(home), weather) as scene, ExitStack() as parts:
        parts.enter_context(scene.sandbox())
        queue, settings = parts.enter_context(scene.queue())
        environ = default_settings(scene, **settings, WA_STATEMENT_TIMEOUT=f"{statement_timeout:g}s")
        parts.enter_context(scene.process([*WA, "worker", "outgoing"], environ))
        until(lambda: len(_backends(scene)) >= 2)
        frozen = _freeze_all(scene)
        try:
            began = time.monotonic()
            scene.feed(queue, 1e9)
            until(lambda: count(scene, "SELECT count(*) FROM whatsapp_messages") == 20)
            return time.monotonic() - began
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)


def _backends(scene: Stage) -> dict[int, str]:
    """Return the server processes of the worker and their states."""
    with scene.database.reading() as connection:
        found = connection.execute(
            sa.text("SELECT pid, state FROM pg_stat_activity WHERE application_name LIKE 'wa/%'")
        )
        return {pid: state for pid, state in found}  # noqa: C416 — dict does not take a Row as a pair


def _freeze_all(scene: Stage) -> list[int]:
    """Stop the backends while none is in a transaction, because a stopped process does not release its locks."""
    while True:
        pids = list(_backends(scene))
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        if set(_backends(scene).values()) == {"idle"}:
            return pids
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.05)


def rate() -> None:
    """Print the rate that ten workers reach with 80 messages/s configured and 20 allowed by the API."""
    weather = Weather(messages=2400, rate=80, answer_after="50ms", faults=NO_FAULTS, webhooks=False, limit=20)
    with tempfile.TemporaryDirectory() as home, stage(Path(home), weather) as scene, ExitStack() as parts:
        parts.enter_context(scene.sandbox())
        queue, settings = parts.enter_context(scene.queue())
        scene.feed(queue, 1e9)
        parts.enter_context(
            scene.process([*WA, "worker", "outgoing", "--processes", "10"], default_settings(scene, **settings))
        )
        until(lambda: scene.accepted() > 0)
        time.sleep(10)
        for what in ("after 10 s", "after 70 s"):
            before, refused, began = scene.accepted(), _refused(scene), time.monotonic()
            time.sleep(30)
            sent, throttled = scene.accepted() - before, _refused(scene) - refused
            used = sent / (time.monotonic() - began) / 20
            print(
                f"ten workers at 20/s allowed, {what}        {used:6.0%} used"
                f"  {throttled / max(1, sent + throttled):5.1%} of calls throttled",
                flush=True,
            )
            time.sleep(30)


def _refused(scene: Stage) -> int:
    return scene.log.read_bytes().count(b'"kind":"refused"')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["stop", "freeze", "outage", "rate"])
    parser.add_argument("--outage-seconds", type=float, default=60.0)
    parser.add_argument("--outage-rate", type=float, default=80.0)
    asked = parser.parse_args()
    if "stop" in asked.what:
        stopped = stop()
        print(f"stop with 200 in flight (answers take 3 s)  {stopped}", flush=True)
    if "freeze" in asked.what:
        print(f"freeze, the deadline being 20 s          {freeze():6.1f} s until 20 messages are rows", flush=True)
    if "outage" in asked.what:
        outage(asked.outage_seconds, asked.outage_rate)
    if "rate" in asked.what:
        rate()


if __name__ == "__main__":
    main()
