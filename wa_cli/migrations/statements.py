"""Runs one statement of a migration without stalling a hot table.

A statement that needs a strong lock asks for it briefly and tries again, because everybody behind it waits as long as it
does. What is built concurrently waits for old transactions by design: it gets no lock time-out, since one would leave an
invalid index behind, and a half-built index of an earlier try is dropped first, since IF NOT EXISTS would accept it.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy import exc

from wa_cli.errors import StillPending
from wa_cli.storage.engine import Database

LOCK_TIMEOUT = timedelta(milliseconds=80)
LONGEST_PAUSE = 5.0
_CONCURRENT_INDEX = re.compile(r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS\s+(\w+)", re.I)
_LOCK_NOT_AVAILABLE, _FEATURE_NOT_SUPPORTED = "55P03", "0A000"


class Hindered(Exception):
    """The statement cannot be done now and hinders nobody: a view stands in the way of a wider column."""


class _Locked(Exception):
    """The lock was not to be had within the time-out."""


def run(connection: sa.Connection, statement: str, patience: Patience) -> None:
    """Execute it on an autocommit connection, trying again while its lock is not to be had.

    Raises StillPending when the patience is over, and Hindered when a view uses the column.
    """
    concurrent = "CONCURRENTLY" in statement.upper()
    _set_timeouts(connection, timedelta(0) if concurrent else LOCK_TIMEOUT)
    index = _CONCURRENT_INDEX.search(statement)
    if index:
        _drop_half_built(connection, index[1])
    patience.until_locked(lambda: execute(connection, statement), connection)


def run_together(
    database: Database, script: list[str], patience: Patience, note: Callable[[sa.Connection], None]
) -> None:
    """Execute them in one transaction with what `note` writes; the whole of it again while a lock is not to be had."""

    def attempt() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_milliseconds(LOCK_TIMEOUT)}")
            for statement in script:
                execute(connection, statement)
            note(connection)

    with database.autocommit() as observer:
        patience.until_locked(attempt, observer)


def execute(connection: sa.Connection, statement: str) -> None:
    """Execute it by the driver: in SQLAlchemy's text a colon would begin a parameter."""
    try:
        connection.exec_driver_sql(statement.replace("%", "%%"))
    except exc.DBAPIError as error:
        code = getattr(error.orig, "pgcode", None)
        if code == _FEATURE_NOT_SUPPORTED:
            raise Hindered(_detail(error)) from error
        if code == _LOCK_NOT_AVAILABLE:
            raise _Locked from error
        raise


@dataclass(frozen=True)
class Patience:
    """How long to ask for a lock, whom to tell meanwhile, and how to wait between two tries."""

    limit: timedelta
    report: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep

    def until_locked(self, attempt: Callable[[], None], observer: sa.Connection) -> None:
        deadline, tries = time.monotonic() + self.limit.total_seconds(), 0
        while True:
            try:
                return attempt()
            except _Locked:
                tries += 1
            if time.monotonic() >= deadline:
                raise StillPending(
                    f"The table was in use for {self.limit.total_seconds():.0f} s without a gap: {_blockers(observer)}.",
                    hint="End that transaction, then `wa migrate` again: what is done stays done.",
                )
            if tries in (1, 10) or tries % 50 == 0:
                self.report(f"waiting for a lock held by {_blockers(observer)}")
            self.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.1 * 2 ** min(tries, 10))))  # noqa: S311


def _set_timeouts(connection: sa.Connection, lock_timeout: timedelta) -> None:
    connection.exec_driver_sql(f"SET lock_timeout = {_milliseconds(lock_timeout)}")
    connection.exec_driver_sql("SET statement_timeout = 0")


def _milliseconds(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


def _drop_half_built(connection: sa.Connection, index: str) -> None:
    half_built = connection.execute(
        sa.text(
            "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:index)"
            " AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = indexrelid)"
        ),
        {"index": index},
    ).scalar()
    if half_built:
        connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY {index}")


def _blockers(connection: sa.Connection) -> str:
    found = connection.execute(
        sa.text(
            "SELECT a.pid, a.application_name, round(extract(epoch FROM clock_timestamp() - a.xact_start))"
            "  FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.relation = to_regclass('whatsapp_messages') AND l.granted AND a.pid <> pg_backend_pid()"
            " ORDER BY a.xact_start LIMIT 3"
        )
    ).all()
    if not found:
        return "a transaction that has ended since"
    return ", ".join(f"process {pid} ({name or 'unnamed'}, open for {age or 0:.0f} s)" for pid, name, age in found)


def _detail(error: exc.DBAPIError) -> str:
    diagnostics = getattr(error.orig, "diag", None)
    primary = getattr(diagnostics, "message_primary", None) or str(error.orig)
    detail = getattr(diagnostics, "message_detail", None)
    return f"{primary} ({detail})" if detail else str(primary)
