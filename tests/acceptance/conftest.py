"""Fixtures that run `wa` as an operator does: real processes, a separate data folder and no configuration."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.support import forked_commands
from wa_cli.database.embedded import EmbeddedServer


@dataclass
class Shell:
    """A working folder, and methods that run `wa` in it."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        plain = {key: value for key, value in os.environ.items() if not key.startswith("WA_")}
        return {
            **plain,
            "HOME": str(self.folder),
            "WA_HOME": str(self.folder / "data"),
            "COLUMNS": "80",
            **self.environ,
        }

    def wa(self, *arguments: str, code: int = 0, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command to its end and return its result. Fail if the exit code is not `code`."""
        done = forked_commands.run(arguments, folder=self.folder, environ=self.environment, timeout=timeout)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def start(self, *arguments: str, stderr: int = subprocess.STDOUT) -> subprocess.Popen[str]:
        """Start a command in another terminal."""
        return subprocess.Popen(
            [sys.executable, "-m", "wa_cli", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command in the foreground of another terminal. Send Ctrl-C at the end and expect the exit code 0."""
        process = self.start(*arguments)
        try:
            yield process
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=30)
            assert process.returncode == 0, said
            assert "Traceback" not in said, said
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()


def until_it_answers(url: str, process: subprocess.Popen[str]) -> None:
    """Wait until the service answers. Fail if its process has ended or 30 seconds have passed."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            continue
    pytest.fail(f"{url} does not answer: {process.communicate(timeout=1)[0] if process.poll() is not None else ''}")


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder of an embedded server after initdb, which takes most of the time of a first command."""
    home = tmp_path_factory.mktemp("initialised")
    server = EmbeddedServer(home)
    server.ensure("postgres")
    server.stop()
    return server.data


@pytest.fixture
def shell(tmp_path: Path, initialised: Path) -> Iterator[Shell]:
    """A shell whose embedded server is initialised and does not run yet."""
    shell = Shell(tmp_path, {"WA_SANDBOX_PORT": "0"})
    server = EmbeddedServer(tmp_path / "data")
    server.data.parent.mkdir()
    subprocess.run(["cp", "-a", initialised, server.data], check=True)  # the server refuses files of another owner
    yield shell
    server.crash()
