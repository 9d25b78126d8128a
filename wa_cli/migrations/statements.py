"""Runs one step of a migration without stalling a hot table.

- A step that needs a strong lock asks for it briefly and tries again, because everybody behind it waits as long as it does.
  Before it takes a weak one, that blocks neither readers nor writers, and for which an autovacuum makes room.
- What is built concurrently waits for old transactions by design: it gets no lock time-out, since one would leave an
  invalid index behind. An index that an earlier try left half built is dropped first, since IF NOT EXISTS would accept it.
- A step and its note in the ledger are one transaction, wherever the step may be in one.
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
# Nothing that holds the strong lock may last. What is cut off by its own time-out so often in a row never fits into it.
STRONG_STATEMENT_TIMEOUT = "60ms"
STRONG_TRIES = 5
# Nor may this process be stopped while it holds one.
STRONG_IDLE_TIMEOUT = "200ms"
# An attempt that lasted longer than any of its time-outs has worked, and not waited.
WORKED = 4.0
LONGEST_PAUSE = 5.0
INDEX_TRIES = 5
TELL_EVERY = 5.0
# Writes into the ledger that a step is done.
Note = Callable[[sa.Connection], None]
# feature_not_supported, dependent_objects_still_exist: a view is in the way; object_not_in_prerequisite_state: a publication.
_HINDERED = ("0A000", "2BP01", "55000")
# A row is in the way: it violates a constraint, a trigger refuses its change, it is too large for an index.
_HINDERED_BY_ROW = ("23", "P0", "54")
_LOCKED = ("55P03", "40P01")  # lock_not_available, deadlock_detected
_CANCELLED = "57014"  # by its time-out, or by somebody


_TOO_SLOW = (
    f"it takes longer than the {STRONG_STATEMENT_TIMEOUT} for which everybody may be held up: does an index of an"
    " expression, or a constraint, use the column?"
)


class Hindered(Exception):
    """The step cannot be done now and hinders nobody: a view stands in the way of a wider column, a row of a constraint."""


class _Locked(Exception):
    """The lock was not to be had within the time-out."""


class _Cancelled(Exception):
    """It was ended: by its own time-out, by the one who looks on, or by somebody at the database."""


def opening(step: Step) -> list[str]:
    """What comes before its statements, in psql too."""
    if step.is_alone:
        return [
            f"SET lock_timeout = '{0 if step.index or step.dropped_index else STRONG_LOCK_TIMEOUT}'",
            "SET statement_timeout = 0",
            # A build with helpers is done sooner, and takes the machine from those who use the table meanwhile.
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
            # The lock would be held until the disk, or a replica, has answered; step and note are lost together, if at all.
            "SET LOCAL synchronous_commit = off",
        ]
    return ["BEGIN", f"SET LOCAL lock_timeout = '{WEAK_LOCK_TIMEOUT}'", "SET LOCAL statement_timeout = 0"]


def closing(step: Step) -> list[str]:
    return [] if step.is_alone else ["COMMIT"]


def perform(connection: sa.Connection, step: Step, looking_on: Watch, note: Note) -> None:
    """Do it on an autocommit connection, and have it noted. Raises StillPending when the patience is over, and Hindered."""
    pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    began, told, tries, cut_off = time.monotonic(), float("-inf"), 0, 0
    while True:
        tried = time.monotonic()
        try:
            with looking_on.over(pid):
                return _attempt(connection, step, note)
        except _Cancelled:
            if looking_on.gave_up_on:
                raise _given_up(step, looking_on.gave_up_on, looking_on.patience) from None
            if not step.is_strong:
                raise StillPending(
                    f"Somebody ended this at the database: {step.title}.", command="wa migrate"
                ) from None
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
        if time.monotonic() - told >= TELL_EVERY:
            told = time.monotonic()
            looking_on.report(Waiting(who, waited))
        pause = random.uniform(0, min(LONGEST_PAUSE, 0.1 * 2 ** min(tries, 10)))  # noqa: S311
        time.sleep(min(pause, looking_on.patience - waited))


def is_undone(connection: sa.Connection, step: Step) -> bool:
    """Whether a table, column, index or constraint that it made is not there any more, or not whole."""
    if step.index:
        found = _index(connection, step.index)
        return found is None or not (_is_built(step, found) or found.is_being_built)
    if step.constraint:
        return run(connection, "watch/constraint", constraint=step.constraint).scalar() is not True
    there = [run(connection, "watch/column", table=table, column=column).scalar_one() for table, column in step.columns]
    there += [run(connection, "watch/table", table=table).scalar_one() for table in step.tables]
    return not all(there)


def is_needless(connection: sa.Connection, step: Step) -> bool:
    """Whether the step drops an index of an earlier version of wa that is not there."""
    if not step.formerly or step.dropped_index is None:
        return False
    return _index(connection, step.dropped_index) is None or is_kept(connection, step)


def own_indexes_in_the_way(connection: sa.Connection, step: Step) -> list[Step]:
    """The steps that build the indexes because of which a column is not widened, where nothing but those is in the way."""
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
        f"Gave up after {waited:.0f} s: {step.title}. In the way: {who}.",
        hint="End that transaction, then `wa migrate` again: what is done stays done. --timeout waits longer.",
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
    """The index, whole. One that another process builds at this moment, such as one whose migrator died, is waited for."""
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
    raise ConfigError(f"The index {index} is never whole.", hint="Does another program build or drop it?")


def _index(connection: sa.Connection, index: str) -> sa.Row[tuple[Any, ...]] | None:
    return run(connection, "watch/index", index=index, table=TABLE).one_or_none()


def _is_built(step: Step, found: sa.Row[tuple[Any, ...]]) -> bool:
    """Whether the index is whole, and defined as the step defines it."""
    return bool(found.is_valid) and comparable(found.definition) == step.definition


def is_kept(connection: sa.Connection, step: Step) -> bool:
    """Whether the index that the step would drop is there and not to be dropped: it is not what wa has built."""
    assert step.dropped_index is not None
    found = _index(connection, step.dropped_index)
    if found is None:
        return False
    return not found.is_ours or comparable(found.definition) not in (
        step.formerly or built_definitions(step.dropped_index)
    )


def execute(connection: sa.Connection, statement: str) -> None:
    """Execute it by the driver: in SQLAlchemy's text a colon would begin a parameter."""
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
