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

from wa_cli.database import session, sqlfiles
from wa_cli.database.sqlstate import READ_ONLY, Meaning, meaning
from wa_cli.errors import ConfigError, DatabaseUnavailable, RowRefused, StatementCancelled
from wa_cli.messages import json_text

_SCHEME = re.compile(r"^(postgres|postgresql)(\+\w+)?://")


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
        self.settings = session.settings(statement_timeout)
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
                    "client_encoding": "utf8",
                    "keepalives_idle": 10,
                    "keepalives_interval": 5,
                    "keepalives_count": 3,
                },
            )
        except (exc.ArgumentError, ValueError):
            raise ConfigError("The database URL cannot be read.", hint="postgresql://user:password@host/db") from None
        sa.event.listen(self.engine, "handle_error", _discard_standby)
        sa.event.listen(self.engine, "connect", lambda connection, _: session.set_up(connection, self.settings))

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
    """Execute the statement of `sql/<name>.sql` with these parameters.

    Raises RowRefused where the driver cannot write a parameter: a NUL, or a character that the database's encoding lacks.
    """
    try:
        return connection.execute(sa.text(sqlfiles.read(name)), values)
    except (ValueError, OverflowError) as error:
        raise RowRefused(f"A value cannot be sent to the database: {error}") from error


def rows(values: Sequence[Mapping[str, Any]]) -> str:
    """Rows as one JSON parameter, for `json_to_recordset`: one statement whatever their number.

    Cleaned of what the server cannot store.
    """
    text = json.dumps(values, default=str)
    return json.dumps(json_text.clean(values), default=str) if json_text.may_be_unstorable(text) else text


@contextmanager
def translated() -> Iterator[None]:
    """Foreign exceptions become ours here and nowhere else."""
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError) as error:
        if "invalid dsn" in str(error):
            raise ConfigError(f"The database URL cannot be used: {_first_line(error)}.") from error
        kind = _meaning(error)
        if kind is Meaning.CUT:
            raise StatementCancelled(f"The database did not do it: {_first_line(error)}") from error
        if kind is Meaning.OUTAGE:
            hint = "Is WA_DATABASE_URL right, and the server up? The embedded one is started by any wa command."
            raise DatabaseUnavailable(f"The database does not answer: {_first_line(error)}", hint=hint) from error
        raise RowRefused(_first_line(error)) from error


def _meaning(error: exc.DBAPIError | exc.TimeoutError) -> Meaning:
    origin = getattr(error, "orig", None)
    kind = meaning(origin) if isinstance(origin, psycopg2.Error) else Meaning.OUTAGE
    is_lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    return Meaning.OUTAGE if is_lost and kind is not Meaning.CUT else kind


def _discard_standby(context: sa.engine.ExceptionContext) -> None:
    """Discard pooled connections to a server that became a standby: the name may lead to the new primary by now."""
    if getattr(context.original_exception, "pgcode", None) == READ_ONLY:
        context.is_disconnect = True


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
    """From now on Ctrl-C ends the statement that runs: the driver alone would first wait for it, for minutes.

    A guard against freezing stays: it can be interrupted too.
    """
    if psycopg2.extensions.get_wait_callback() is not None:
        return

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
