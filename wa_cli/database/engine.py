"""Connections to PostgreSQL, and the translation of its errors.

Every connection sets its time zone to UTC and has time-outs on both sides: the server's `statement_timeout`, and for
long-running processes a deadline of the client, since a frozen server keeps no time-out.
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

_RELATIONS = "wa_relations"
_SEVERITY = re.compile(r"(FATAL|PANIC|ERROR):\s+")
_SCHEME = re.compile(r"^(postgres|postgresql)(\+\w+)?://")


def normalise(url: str) -> str:
    """Return a PostgreSQL URL for psycopg2: SQLAlchemy 2.1 would take a bare `postgresql://` for psycopg 3."""
    if not _SCHEME.match(url):
        raise ConfigError(
            "The database URL does not begin with postgresql://.",
            hint="Write it like postgresql://user:password@host:5432/database, or use the word `embedded`.",
        )
    return _SCHEME.sub("postgresql+psycopg2://", url, count=1)


def _address(url: sa.URL) -> str:
    host = url.host or url.query.get("host")
    return f"the server {host}:{url.port or 5432}" if isinstance(host, str) else "the server"


class Database:
    """One PostgreSQL database: transactions on pooled connections.

    `relations` are SQL that stands for a relation in our statements, such as a table of the business for wa.employees.
    Raises DatabaseUnavailable if the server does not answer in time, and RowRefused if it answers but a constraint, a
    trigger or a type refuses a row.
    """

    def __init__(
        self,
        url: str,
        *,
        application: str = "wa",
        pool_size: int = 5,
        statement_timeout: timedelta = timedelta(seconds=15),
        relations: Mapping[str, str] | None = None,
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
                execution_options={_RELATIONS: dict(relations or {})},
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
            raise ConfigError(
                "The database URL cannot be read.", hint="Write postgresql://user:password@host/db."
            ) from None
        self._address = _address(self.engine.url)
        sa.event.listen(self.engine, "handle_error", _discard_standby)
        sa.event.listen(self.engine, "connect", lambda connection, _: session.set_up(connection, self.settings))

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Yield a connection in a transaction that commits at the end of the block."""
        with translated(self._address), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self, timeout: timedelta | None = None) -> Iterator[sa.Connection]:
        """Yield a connection in a read-only transaction on one snapshot, rolled back at the end."""
        with translated(self._address), self.engine.connect() as connection:
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
        """Yield a connection with each statement in its own transaction, for statements that may not run inside one."""
        with translated(self._address), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def ping(self) -> None:
        """Raise DatabaseUnavailable unless the server answers."""
        with self.reading() as connection:
            connection.execute(sa.text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()


def run(connection: sa.Connection, name: str, **values: Any) -> sa.CursorResult[*tuple[Any, ...]]:
    """Execute the statement of `sql/<name>.sql` with these parameters.

    Raises RowRefused if the driver cannot write a parameter: a NUL, or a character that the database's encoding lacks.
    """
    try:
        return connection.execute(sa.text(resolved(connection, sqlfiles.read(name))), values)
    except (ValueError, OverflowError) as error:
        raise RowRefused(f"A value cannot be sent to the database: {error}") from error


def resolved(source: sa.Connection | sa.Engine, sql: str) -> str:
    """Return the SQL with the relations of its database."""
    for name, relation in _relations(source).items():
        sql = re.sub(rf"\b{re.escape(name)}\b", lambda _, relation=relation: relation, sql)  # type: ignore[misc]
    return sql


def has_relation(source: sa.Connection | sa.Engine, name: str) -> bool:
    """Return True if the database has SQL of its own for the relation."""
    return name in _relations(source)


def _relations(source: sa.Connection | sa.Engine) -> Mapping[str, str]:
    found: Mapping[str, str] = source.get_execution_options().get(_RELATIONS, {})
    return found


def rows(values: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as one JSON parameter for `json_to_recordset`, so that one statement writes them all.

    Characters that the server cannot store are removed.
    """
    text = json.dumps(values, default=str)
    return json.dumps(json_text.clean(values), default=str) if json_text.may_be_unstorable(text) else text


@contextmanager
def translated(address: str = "the server") -> Iterator[None]:
    """Translate foreign exceptions."""
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError) as error:
        if "invalid dsn" in str(error):
            raise ConfigError(f"The database URL cannot be used: {_first_line(error)}.") from error
        kind = _meaning(error)
        if kind is Meaning.CUT:
            raise StatementCancelled(f"The database cancelled the statement: {_first_line(error)}") from error
        if kind is Meaning.OUTAGE:
            hint = f"Check {address} and WA_DATABASE_URL."
            raise DatabaseUnavailable(f"Database unavailable: {_first_line(error)}", hint=hint) from error
        raise RowRefused(_first_line(error)) from error


def _meaning(error: exc.DBAPIError | exc.TimeoutError) -> Meaning:
    origin = getattr(error, "orig", None)
    kind = meaning(origin) if isinstance(origin, psycopg2.Error) else Meaning.OUTAGE
    is_lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    return Meaning.OUTAGE if is_lost and kind is not Meaning.CUT else kind


def _discard_standby(context: sa.engine.ExceptionContext) -> None:
    """Discard pooled connections to a server that became a standby, since its name may lead to the new primary by now."""
    if getattr(context.original_exception, "pgcode", None) == READ_ONLY:
        context.is_disconnect = True


def _first_line(error: Exception) -> str:
    origin = getattr(error, "orig", None) or error
    lines = [line.strip() for line in str(origin).splitlines() if line.strip()]
    return _SEVERITY.sub("", lines[0]) if lines else type(origin).__name__


def guard_against_freezing(limit: timedelta) -> None:
    """Limit the wait of every statement of this process for the server to `limit`.

    Neither TCP keepalives nor `statement_timeout` help against a frozen server, only the client's own clock does. Not
    for processes that COPY: psycopg2 cannot do both.
    """

    def wait(connection: Any) -> None:
        deadline = time.monotonic() + limit.total_seconds()
        while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
            left = deadline - time.monotonic()
            if left <= 0 or not _ready(connection, state, left):
                raise psycopg2.OperationalError(f"no answer within {limit.total_seconds():g} s")

    psycopg2.extensions.set_wait_callback(wait)


def be_interruptible() -> None:
    """Let Ctrl-C cancel the running statement. The driver alone would first wait for its end, for minutes.

    A guard against freezing stays in place, since it can be interrupted too.
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
    """Return True if the connection can be read from, or written to, within that time."""
    poller = select.poll()
    wanted = select.POLLIN if state == psycopg2.extensions.POLL_READ else select.POLLOUT
    poller.register(connection.fileno(), wanted)
    return bool(poller.poll(seconds * 1000))
