from __future__ import annotations

import subprocess
from pathlib import Path

import psutil

from tests.support.waiting import until
from wa_cli.database.embedded import EmbeddedServer, _has_ended


def test_a_data_folder_may_have_a_space_in_its_name(tmp_path: Path) -> None:
    """As the default folder of macOS has: ~/Library/Application Support/wa."""
    server = EmbeddedServer(tmp_path / "Application Support")
    try:
        server.ensure("shop")
        assert server.is_running()
        assert " " not in server.url("shop")
    finally:
        server.crash()


def test_a_zombie_process_has_ended_and_a_running_process_has_not() -> None:
    running = subprocess.Popen(["sleep", "60"])
    process = psutil.Process(running.pid)
    assert not _has_ended(process)

    running.kill()
    until(lambda: process.status() == psutil.STATUS_ZOMBIE, "the zombie")
    assert _has_ended(process)

    running.wait()
    assert _has_ended(process)
