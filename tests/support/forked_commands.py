"""Run commands in processes forked from one that has loaded the program.

Loading takes most of the time of a short command.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from wa_cli.cli.commands import COMMANDS

LOADED = [
    *(f"wa_cli.cli.{name}" for name in COMMANDS),
    "wa_cli.cli.app", "wa_cli.cli.check_results", "wa_cli.cli.tables", "wa_cli.cloud.client",
    "wa_cli.migrations.runner", "wa_cli.queues.postgres", "wa_cli.queues.sqs", "wa_cli.sandbox.host",
    "wa_cli.database.embedded", "wa_cli.outbox.outbox", "wa_cli.checks.catalogue", "wa_cli.workers.worker",
    "tests.support.crashing_worker", "tests.support.killed_migrator", "tests.support.parsed_migrations",
]  # fmt: skip

forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(LOADED)


def run(
    arguments: Sequence[str], *, folder: Path, environ: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run `wa` with the arguments in the folder. Raises TimeoutExpired after that many seconds, and kills the process."""
    return call(_wa, list(arguments), folder=folder, environ=environ, timeout=timeout)


def call(
    function: Callable[[list[str]], None],
    arguments: list[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Call a function of a loaded module in a separate process. Raises TimeoutExpired."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        # The child opens the files by their names in /proc, which are valid while this process holds them open.
        places = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in (out, err)]
        process = forks.Process(target=_become, args=(function, arguments, str(folder), dict(environ), *places))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([function.__module__, *arguments], timeout)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, process.exitcode, out.read(), err.read())


def _become(
    function: Callable[[list[str]], None],
    arguments: list[str],
    folder: str,
    environ: dict[str, str],
    out: str,
    err: str,
) -> None:
    """Call the function with its folder, environment and streams, in this forked process."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    for number, place in enumerate((os.devnull, out, err)):
        descriptor = os.open(place, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_APPEND)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in enumerate(("r", "w", "w")))
    function(arguments)


def _wa(arguments: list[str]) -> None:
    sys.argv = ["wa", *arguments]

    from wa_cli.__main__ import main

    main()
