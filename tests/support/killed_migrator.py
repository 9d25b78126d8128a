"""A migrator in a separate process that kills itself by SIGKILL after a step and before it records the step."""

from __future__ import annotations

import os
import signal
from typing import Any

from tests.support.forked_commands import forks
from wa_cli.database.engine import Database
from wa_cli.migrations import ledger
from wa_cli.migrations.runner import Migrator


def run(url: str, version: str, number: int) -> int | None:
    """Migrate until that step of that migration. Return the exit code, negative for a signal."""
    process = forks.Process(target=_migrate, args=(url, version, number))
    process.start()
    process.join(60)
    return process.exitcode


def _migrate(url: str, version: str, number: int) -> None:
    write = ledger.write

    def die_here(connection: Any, at: str, step: int, state: str, *rest: Any) -> None:
        if (at, step, state) == (version, number, "done"):
            os.kill(os.getpid(), signal.SIGKILL)
        write(connection, at, step, state, *rest)

    setattr(ledger, "write", die_here)  # noqa: B010 — its signature is not ours
    Migrator(Database(url)).apply()
