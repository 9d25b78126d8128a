"""Connecting to PostgreSQL, and telling its errors apart once, at this edge.

Every connection sets its time zone to UTC and has time-outs on both sides: the server's `statement_timeout`, and for
processes that run all day a deadline of the client's own, because a frozen server keeps no promise about time.
"""

from __future__ import annotations

import json
import re
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg2
import psycopg2.extensions
import sqlalchemy as sa
from sqlalchemy import exc

from wa_cli import sqlfiles
from wa_cli.errors import ConfigError, DatabaseDown, RowRefused, StatementCut

_SCHEME = re.compile(r"^(postgres|postgresql)(\+\w+)?://")
# Classes of SQLSTATE that pass: connection, transaction rollback, resources, object in use, operator, system.
_OUTAGES = ("08", "40", "53", "55", "57", "58")
_CUT = ("57014", "55P03", "25006")  # query_canceled, lock_not_available, read_only_sql_transaction
_READ_ONLY = "25006"  # a standby, while another server becomes the primary
# Text that PostgreSQL cannot hold: NUL, and halves of surrogate pairs, which have no UTF-8.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def normalise(url: str) -> str:
    """Any usual PostgreSQL URL, for psycopg2: SQLAlchemy 2.1 would take a bare `postgresql://` for psycopg 3."""
    if not _SCHEME.match(url):
        raise ConfigError(
            "The database URL does not begin with postgresql://.",
            hint="Write it like postgresql://user:password@host:5432/database, or say `embedded`.",
        )
    return _SCHEME.sub("postgresql+psycopg2://", url, count=1)


class Database:
    """One PostgreSQL database: transactions on pooled connections.

    Raises DatabaseDown where the server does not answer in time, and RowRefused where it answers but a constraint, a
    trigger or a type will not take a row.
    """

    def __init__(
        self,
        url: str,
        *,
        application: str = "wa",
        pool_size: int = 5,
        statement_timeout: timedelta = timedelta(seconds=15),
    ) -> None:
        milliseconds = int(statement_timeout.total_seconds() * 1000)
        try:
            self.engine = sa.create_engine(
                normalise(url),
                pool_size=pool_size,
                max_overflow=5,
                pool_pre_ping=True,
                pool_use_lifo=True,
                pool_recycle=1800,
                connect_args={
                    "connect_timeout": 5,
                    "application_name": application[:63],
                    # Compiling a statement costs more than it saves: 1.3 s of the 2.3 s of a report over 400,000 rows.
                    "options": f"-c timezone=UTC -c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
                    " -c idle_in_transaction_session_timeout=30000 -c jit=off",
                    "keepalives_idle": 10,
                    "keepalives_interval": 5,
                    "keepalives_count": 3,
                },
            )
        except (exc.ArgumentError, ValueError):
            raise ConfigError("The database URL cannot be read.", hint="postgresql://user:password@host/db") from None

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A transaction that commits at the end of the block."""
        with translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self, timeout: timedelta | None = None) -> Iterator[sa.Connection]:
        """A read-only transaction, all of it on one snapshot; rolled back at the end."""
        with translated(), self.engine.connect() as connection:
            connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            if timeout:
                connection.execute(
                    sa.text("SELECT set_config('statement_timeout', :ms, true)"),
                    {"ms": str(int(timeout.total_seconds() * 1000))},
                )
            yield connection
            connection.rollback()

    @contextmanager
    def autocommit(self) -> Iterator[sa.Connection]:
        """Each statement its own transaction: for what may not run inside one."""
        with translated(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def ping(self) -> None:
        """Raises DatabaseDown unless the server answers."""
        with self.reading() as connection:
            connection.execute(sa.text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()


def run(connection: sa.Connection, name: str, **values: Any) -> sa.CursorResult[*tuple[Any, ...]]:
    """Execute the statement of `sql/<name>.sql` with these parameters."""
    return connection.execute(sa.text(sqlfiles.read(name)), values)


def rows(values: Sequence[Mapping[str, Any]]) -> str:
    """Rows as one JSON parameter, for `json_to_recordset`: one statement whatever their number.

    Cleaned of what the server cannot store.
    """
    return json.dumps(clean(values), default=str)


def clean(value: Any) -> Any:
    """The value without NUL characters and lone surrogates, at any depth."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value) if _UNSTORABLE.search(value) else value
    if isinstance(value, Mapping):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return value


@contextmanager
def translated() -> Iterator[None]:
    """Foreign exceptions become ours here and nowhere else."""
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError) as error:
        if "invalid dsn" in str(error):
            raise ConfigError(f"The database URL cannot be used: {_first_line(error)}.") from error
        if getattr(getattr(error, "orig", None), "pgcode", None) in _CUT:
            raise StatementCut(f"The database did not do it: {_first_line(error)}") from error
        if _is_outage(error):
            hint = "Is WA_DATABASE_URL right, and the server up? The embedded one is started by any wa command."
            raise DatabaseDown(f"The database does not answer: {_first_line(error)}", hint=hint) from error
        raise RowRefused(_first_line(error)) from error


def _is_outage(error: exc.DBAPIError | exc.TimeoutError) -> bool:
    """Whether the same statement may pass later. What is left is an answer: to this row or statement it stays no."""
    if not isinstance(error, exc.DBAPIError) or error.connection_invalidated:
        return True
    code = getattr(error.orig, "pgcode", None)
    if code is None:  # the driver's own: no connection, or it was lost
        return isinstance(error, (exc.OperationalError, exc.InterfaceError))
    return code[:2] in _OUTAGES or code == _READ_ONLY


def _first_line(error: Exception) -> str:
    origin = getattr(error, "orig", None) or error
    lines = [line.strip() for line in str(origin).splitlines() if line.strip()]
    return lines[0] if lines else type(origin).__name__


def guard_against_freezing(limit: timedelta) -> None:
    """From now on no statement of this process waits longer than `limit` for the server.

    Neither TCP keepalives nor `statement_timeout` help against a server that is stopped rather than gone: only the
    client's own clock does. Not for processes that COPY: psycopg2 cannot do both.
    """

    def wait(connection: Any) -> None:
        deadline = time.monotonic() + limit.total_seconds()
        while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
            left = deadline - time.monotonic()
            if left <= 0 or not _ready(connection, state, left):
                raise psycopg2.OperationalError(f"no answer within {limit.total_seconds():g} s")

    psycopg2.extensions.set_wait_callback(wait)


def be_interruptible() -> None:
    """From now on Ctrl-C ends the statement that runs: the driver alone would first wait for it, for minutes."""

    def wait(connection: Any) -> None:
        try:
            while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
                _ready(connection, state, 1.0)
        except KeyboardInterrupt:
            connection.cancel()
            raise

    psycopg2.extensions.set_wait_callback(wait)


def _ready(connection: Any, state: int, seconds: float) -> bool:
    """Whether the connection can be read from, or written to, within that time."""
    poller = select.poll()
    wanted = select.POLLIN if state == psycopg2.extensions.POLL_READ else select.POLLOUT
    poller.register(connection.fileno(), wanted)
    return bool(poller.poll(seconds * 1000))
