"""Runs one step of a migration without stalling a hot table.

- A step that needs a strong lock asks for it briefly and repeatedly, since every session behind it waits as long as it does.
  Before that it takes a weak lock, which blocks neither readers nor writers and for which an autovacuum makes room.
- A concurrent build waits for old transactions by design. It has no lock time-out, which would leave an invalid index.
  An index that an earlier try left half built is dropped first, since IF NOT EXISTS would accept it.
- A step and its entry in the ledger are one transaction, if the step can be in one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from wa_cli.database.engine import run
from wa_cli.errors import ConfigError, StillPending
from wa_cli.migrations import watch
from wa_cli.migrations.catalogue import TABLE, Step, built_definitions, comparable, migrations
from wa_cli.migrations.progress import Waiting
from wa_cli.migrations.watch import Watch

STRONG_LOCK_TIMEOUT = "40ms"
WEAK_LOCK_TIMEOUT = "3s"
# The strong lock must be held briefly. A statement that its own time-out cancels this often in a row never fits.
STRONG_STATEMENT_TIMEOUT = "60ms"
STRONG_TRIES = 5
# This process must not be stopped while it holds one.
STRONG_IDLE_TIMEOUT = "200ms"
# An attempt that lasted longer than its time-outs has worked and not waited.
WORKED = 4.0
LONGEST_PAUSE = 5.0
INDEX_TRIES = 5
REPORT_EVERY = 5.0
# Records in the ledger that a step is done.
Note = Callable[[sa.Connection], None]
# feature_not_supported, dependent_objects_still_exist: a view prevents it. object_not_in_prerequisite_state: a publication.
_HINDERED = ("0A000", "2BP01", "55000")
# A row prevents it: it violates a constraint, a trigger refuses its change, or it is too large for an index.
_HINDERED_BY_ROW = ("23", "P0", "54")
_LOCKED = ("55P03", "40P01")  # lock_not_available, deadlock_detected
_CANCELLED = "57014"  # by its time-out, or by a person


_TOO_SLOW = (
    f"it takes longer than the {STRONG_STATEMENT_TIMEOUT} that other sessions may wait. An index of an"
    " expression or a constraint may use the column."
)


class Hindered(Exception):
    """The step cannot be done now, without harm: a view prevents a wider column, a row prevents a constraint."""


class _Locked(Exception):
    """The lock was not granted within the time-out."""


class _Cancelled(Exception):
    """The statement was cancelled: by its own time-out, by the watch, or by a person."""


def opening(step: Step) -> list[str]:
    """Return the statements before those of the step, in psql too."""
    if step.is_alone:
        return [
            f"SET lock_timeout = '{0 if step.index or step.dropped_index else STRONG_LOCK_TIMEOUT}'",
            "SET statement_timeout = 0",
            # Parallel workers build faster, and take the machine from the users of the table.
            "SET max_parallel_maintenance_workers = 0",
        ]
    if step.is_strong:
        return [
            "BEGIN",
            f"SET LOCAL lock_timeout = '{WEAK_LOCK_TIMEOUT}'",
            *([f"LOCK TABLE {step.table} IN SHARE UPDATE EXCLUSIVE MODE"] if step.table else []),
            f"SET LOCAL lock_timeout = '{STRONG_LOCK_TIMEOUT}'",
            f"SET LOCAL statement_timeout = '{STRONG_STATEMENT_TIMEOUT}'",
            f"SET LOCAL idle_in_transaction_session_timeout = '{STRONG_IDLE_TIMEOUT}'",
            # Otherwise the lock is held until the disk or a replica answers. Step and ledger entry are lost together.
            "SET LOCAL synchronous_commit = off",
        ]
    return ["BEGIN", f"SET LOCAL lock_timeout = '{WEAK_LOCK_TIMEOUT}'", "SET LOCAL statement_timeout = 0"]


def closing(step: Step) -> list[str]:
    return [] if step.is_alone else ["COMMIT"]


def perform(connection: sa.Connection, step: Step, looking_on: Watch, note: Note) -> None:
    """Run the step on an autocommit connection and record it. Raises StillPending after the time limit, and Hindered."""
    pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    began, reported_at, tries, cut_off = time.monotonic(), float("-inf"), 0, 0
    while True:
        tried = time.monotonic()
        try:
            with looking_on.over(pid):
                return _attempt(connection, step, note)
        except _Cancelled:
            if looking_on.gave_up_on:
                raise _given_up(step, looking_on.gave_up_on, looking_on.patience) from None
            if not step.is_strong:
                raise StillPending(f"The database cancelled the step {step.title!r}.", command="wa migrate") from None
            cut_off += 1
            if cut_off >= STRONG_TRIES:
                raise Hindered(_TOO_SLOW) from None
        except _Locked:
            cut_off = 0
        tries += 1
        if time.monotonic() - tried > WORKED:
            began = time.monotonic()
        waited = time.monotonic() - began
        who = watch.holders(connection, step.table)
        if waited >= looking_on.patience:
            raise _given_up(step, who, waited)
        if time.monotonic() - reported_at >= REPORT_EVERY:
            reported_at = time.monotonic()
            looking_on.report(Waiting(who, waited))
        pause = random.uniform(0, min(LONGEST_PAUSE, 0.1 * 2 ** min(tries, 10)))  # noqa: S311
        time.sleep(min(pause, looking_on.patience - waited))


def is_undone(connection: sa.Connection, step: Step) -> bool:
    """Return True if a table, column, index or constraint that the step made is missing or incomplete."""
    if step.index:
        found = _index(connection, step.index)
        return found is None or not (_is_built(step, found) or found.is_being_built)
    if step.constraint:
        return run(connection, "watch/constraint", constraint=step.constraint).scalar() is not True
    there = [run(connection, "watch/column", table=table, column=column).scalar_one() for table, column in step.columns]
    there += [run(connection, "watch/table", table=table).scalar_one() for table in step.tables]
    return not all(there)


def is_needless(connection: sa.Connection, step: Step) -> bool:
    """Return True if the step drops an index of an earlier version of wa that does not exist."""
    if not step.formerly or step.dropped_index is None:
        return False
    return _index(connection, step.dropped_index) is None or is_kept(connection, step)


def own_indexes_in_the_way(connection: sa.Connection, step: Step) -> list[Step]:
    """Return the steps that build the indexes that prevent a wider column, if nothing else prevents it."""
    if step.widened is None or run(connection, "watch/views", column=step.widened).first():
        return []
    users = run(connection, "watch/expression_users", column=step.widened).all()
    builders = {one.index: one for migration in migrations() for one in migration.up.steps if one.index}
    found = [builders.get(user.name) for user in users]
    own = [one for user, one in zip(users, found, strict=True) if one and one.definition == comparable(user.definition)]
    return own if len(own) == len(users) else []


def drop_index(connection: sa.Connection, step: Step) -> None:
    """Drop the index that the step builds."""
    for command in opening(step):
        execute(connection, command)
    execute(connection, f"DROP INDEX CONCURRENTLY IF EXISTS {step.index}")


def _given_up(step: Step, who: str, waited: float) -> StillPending:
    return StillPending(
        f"The step {step.title!r} still waits for {who} after {waited:.0f} s.",
        hint="End that transaction and run wa migrate again, or wait longer with --timeout. Completed steps stay.",
    )


def _attempt(connection: sa.Connection, step: Step, note: Note) -> None:
    try:
        for command in opening(step):
            execute(connection, command)
        if step.index:
            _build(connection, step, step.index)
        elif not (step.dropped_index and is_kept(connection, step)):
            for statement in step.statements:
                execute(connection, statement)
        note(connection)
        for command in closing(step):
            execute(connection, command)
    except Exception:
        with suppress(exc.SQLAlchemyError):  # a lost connection has nothing to roll back
            connection.exec_driver_sql("ROLLBACK")
        raise


def _build(connection: sa.Connection, step: Step, index: str) -> None:
    """Build the index completely. If another process builds it now, such as one whose migrator died, wait for it."""
    for _ in range(INDEX_TRIES):
        found = _index(connection, index)
        if found and not found.is_ours:
            raise Hindered(f"there is an index {index} on another table, {found.table}")
        if found and comparable(found.definition) not in (step.definition, *step.formerly):
            raise Hindered(f"there is an index {index} with another definition, which stays: {found.definition}")
        if found and found.is_being_built:
            raise _Locked
        if found and _is_built(step, found):
            return
        if found:
            execute(connection, f"DROP INDEX CONCURRENTLY IF EXISTS {found.name}")
        execute(connection, step.statements[0])
    raise ConfigError(f"The index {index} stays incomplete.", hint="Check if another program builds or drops it.")


def _index(connection: sa.Connection, index: str) -> sa.Row[tuple[Any, ...]] | None:
    return run(connection, "watch/index", index=index, table=TABLE).one_or_none()


def _is_built(step: Step, found: sa.Row[tuple[Any, ...]]) -> bool:
    """Return True if the index is complete, and defined as the step defines it."""
    return bool(found.is_valid) and comparable(found.definition) == step.definition


def is_kept(connection: sa.Connection, step: Step) -> bool:
    """Return True if the index that the step would drop exists and was not built by wa."""
    assert step.dropped_index is not None
    found = _index(connection, step.dropped_index)
    if found is None:
        return False
    return not found.is_ours or comparable(found.definition) not in (
        step.formerly or built_definitions(step.dropped_index)
    )


def execute(connection: sa.Connection, statement: str) -> None:
    """Execute by the driver, since a colon would begin a parameter in SQLAlchemy's text."""
    try:
        connection.exec_driver_sql(statement.replace("%", "%%"))
    except exc.DBAPIError as error:
        code = getattr(error.orig, "pgcode", None)
        if code in _HINDERED or str(code).startswith(_HINDERED_BY_ROW):
            raise Hindered(_error_text(error)) from error
        if code in _LOCKED:
            raise _Locked from error
        if code == _CANCELLED:
            raise _Cancelled from error
        raise


def _error_text(error: exc.DBAPIError) -> str:
    diagnostics = getattr(error.orig, "diag", None)
    primary = getattr(diagnostics, "message_primary", None) or str(error.orig)
    detail = getattr(diagnostics, "message_detail", None)
    return f"{primary} ({detail})" if detail else str(primary)
