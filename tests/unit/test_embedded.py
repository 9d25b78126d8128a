from __future__ import annotations

import subprocess

import psutil

from tests.support.waiting import until
from wa_cli.database.embedded import _has_ended


def test_a_zombie_process_has_ended_and_a_running_process_has_not() -> None:
    running = subprocess.Popen(["sleep", "60"])
    process = psutil.Process(running.pid)
    assert not _has_ended(process)

    running.kill()
    until(lambda: process.status() == psutil.STATUS_ZOMBIE, "the zombie")
    assert _has_ended(process)

    running.wait()
    assert _has_ended(process)
