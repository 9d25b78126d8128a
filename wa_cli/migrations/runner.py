"""Migrates a live database: one migrator at a time, step by step, each step recorded as soon as it is done."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from wa_cli.database.engine import Database, run
from wa_cli.errors import ConfigError, PartlyDone, SchemaTooOld, StillPending
from wa_cli.migrations import catalogue, ledger, preflight, progress, search_index, statements, trial_writes
from wa_cli.migrations.catalogue import Migration, Step
from wa_cli.migrations.progress import Begun, Done, Report, Skipped, Waiting
from wa_cli.migrations.trial_writes import TrialResult
from wa_cli.migrations.watch import Watch

_LOCK_KEY = 0x77615F6D  # "wa_m"
# Time-outs that would end the transaction with the lock during a long step. The last one came with PostgreSQL 17.
_UNLIMITED = ("idle_in_transaction_session_timeout", "transaction_timeout")
NEEDS_PREVIOUS = "it needs the step before"


def check(database: Database) -> None:
    """Raise SchemaTooOld unless every migration that this program needs is applied, by one SELECT."""
    with database.reading() as connection:
        done = ledger.done(connection)
    missing = [name for name in catalogue.names() if name not in done]
    if missing:
        first, others = missing[0], len(missing) - 1
        more = f" and {others} more" if others else ""
        raise SchemaTooOld(f"This database lacks the migration {first}{more}.", command="wa migrate")


@dataclass(frozen=True)
class LostDirections:
    """Outgoing messages that count as incoming: their number, their first and last time in UTC, and the newest ids."""

    rows: int
    oldest: datetime | None
    newest: datetime | None
    some: Sequence[str] | None


class Migrator:
    """Applies and rolls back migrations. After an interruption at any point, the next run finishes.

    `timeout` is the time that one step waits for other sessions before it gives up with StillPending. `business` is
    the value of `from_phone` in outgoing rows.
    """

    def __init__(
        self,
        database: Database,
        report: Report = progress.quiet,
        *,
        timeout: timedelta = timedelta(minutes=10),
        business: str = "business",
    ) -> None:
        self.database = database
        self.business = business
        self.report = report
        self.timeout = timeout
        self._watch = Watch(database, report, timeout)
        self._lock: sa.Connection | None = None

    def pending(self, to: Migration | None = None) -> list[Migration]:
        """Return the migrations that `apply` would run, up to `to` if given."""
        with self.database.reading() as connection:
            done = ledger.done(connection)
        return [migration for migration in _up_to(to) if migration.name not in done]

    def plan(self, to: Migration | None = None) -> list[Step]:
        """Return every step that `apply` would run."""
        with self.database.reading() as connection:
            done = ledger.done(connection)
            noted = {(e.version, e.step) for e in ledger.entries(connection) if e.state == "done"}
            planned = [
                step
                for migration in _up_to(to)
                for step in (
                    [replace(step, again=True) for step in _to_mend(connection, migration)]
                    if migration.name in done
                    else [step for step in migration.up.steps if (step.version, step.number) not in noted]
                )
            ]
            return [step for step in planned if not statements.is_needless(connection, step)]

    def applied(self) -> list[Migration]:
        """Return the applied migrations, newest first."""
        with self.database.reading() as connection:
            done = ledger.done(connection)
        return [migration for migration in reversed(catalogue.migrations()) if migration.name in done]

    def preflight(self) -> TrialResult:
        """Raise ConfigError if the migrations cannot be applied, else try the workers' writes.

        Nothing is changed. If the table refuses a write, the migrations can be applied and messages would be lost.
        """
        with self.database.reading() as connection:
            preflight.check(connection)
        return self.try_writes()

    def try_writes(self) -> TrialResult:
        """Try the workers' writes, as far as the migrations are applied. All of it is rolled back."""
        return trial_writes.run_trials(self.database, migrated=not self.pending(), business=self.business)

    def apply(self, to: Migration | None = None) -> list[str]:
        """Apply pending migrations. Return the skipped steps, in words."""
        with self._as_the_only_one() as connection:
            preflight.check(connection)
            ledger.create(connection)
            done = ledger.done(connection)
            return [
                line
                for migration in _up_to(to)
                for line in (
                    self._mend(connection, migration) if migration.name in done else self._apply(connection, migration)
                )
            ]

    def search_steps(self, language: str) -> list[Step]:
        """Return the steps to an index of `wa search` in this language. Raises BadInput for an unknown one."""
        with self.database.reading() as connection:
            return search_index.find_steps(connection, language)

    def set_search_language(self, language: str) -> None:
        """Build the index of `wa search` in this language, and drop that of another one.

        Raises PartlyDone if an index of that name is not ours.
        """
        with self._as_the_only_one() as connection:
            steps = search_index.find_steps(connection, language)
            for place, step in enumerate(steps, start=1):
                try:
                    self._perform(connection, step, place, len(steps), lambda _: None)
                except statements.Hindered as hindrance:
                    raise PartlyDone(f"The search language is not changed: {hindrance}.") from hindrance

    def rollback(self, count: int = 1) -> list[str]:
        """Roll back that many of the newest migrations. Return their names, newest first. Raises PartlyDone if one cannot
        be.
        """
        taken: list[str] = []
        with self._as_the_only_one() as connection:
            for migration in self.applied()[:count]:
                self._roll_back(connection, migration)
                taken.append(migration.name)
        return taken

    def unfinished(self) -> dict[str, int]:
        """Return the messages that would be lost with wa's own tables: unfinished, waiting and dead ones."""
        with self.database.reading() as connection:
            if not run(connection, "watch/table", table="wa.outbox").scalar_one():
                return {}
            return dict(run(connection, "watch/unfinished").mappings().one())

    def doomed_rows(self, wanted: Sequence[Migration]) -> dict[str, int]:
        """Return the tables that a rollback drops, each with its number of rows, at most 10,001."""
        tables = [table for migration in wanted for table in migration.down.dropped_tables]
        with self.database.reading() as connection:
            counts = {
                table: connection.execute(
                    sa.text(f"SELECT count(*) FROM (SELECT FROM {table} LIMIT 10001) AS first")  # noqa: S608 — a file's name
                ).scalar_one()
                for table in tables
                if run(connection, "watch/table", table=table).scalar_one()
            }
        return {table: count for table, count in counts.items() if count}

    def outgoing_rows(self) -> int:
        """Return the number of rows whose direction is outgoing."""
        with self.database.reading(timeout=timedelta(hours=1)) as connection:
            if not run(connection, "watch/column", table=catalogue.TABLE, column="direction").scalar_one():
                return 0
            return int(run(connection, "watch/outgoing_rows").scalar_one())

    def uses_of_direction(self) -> list[str]:
        """Return the views over the column, which would have to be dropped before it."""
        with self.database.reading() as connection:
            return [name for (name,) in run(connection, "watch/views", column="direction")]

    def lost_directions(self) -> LostDirections:
        """Return outgoing messages that count as incoming, since the column was dropped and made again. Reads each
        outgoing row.
        """
        with self.database.reading(timeout=timedelta(hours=1)) as connection:
            return LostDirections(*run(connection, "watch/lost_directions").one())

    def drop_direction(self) -> None:
        """Drop the column, which loses the direction of every message. Only after every migration that uses it.

        Raises PartlyDone if another object uses it.
        """
        step = Step(
            version="0002_direction",
            number=0,
            title="drop the column direction",
            lock="ACCESS EXCLUSIVE, an instant: its values stay on disk until rows are rewritten",
            statements=("ALTER TABLE whatsapp_messages DROP COLUMN IF EXISTS direction",),
            checksum="",
        )
        with self._as_the_only_one() as connection:
            try:
                self._perform(connection, step, 1, 1, lambda _: None)
            except statements.Hindered as hindrance:
                raise PartlyDone(f"The column direction is not dropped: {hindrance}.") from hindrance

    def _apply(self, connection: sa.Connection, migration: Migration) -> list[str]:
        script = migration.up
        earlier = {entry.step: entry for entry in ledger.entries(connection) if entry.version == script.name}
        if 0 in earlier and earlier[0].checksum not in script.accepted_checksums:
            raise ConfigError(
                f"{script.name} was begun with other statements than those of this program.",
                hint="Finish it with the version of wa that began it.",
            )
        if not earlier and script.last and run(connection, "watch/table", table=script.last).scalar_one():
            ledger.write(connection, script.name, 0, "done", script.checksum, "found, made by hand")
            return []
        if not script.transactional:
            ledger.write(connection, script.name, 0, "running", script.checksum)
        done = {number for number, entry in earlier.items() if entry.state == "done"}
        wanted = [step for step in script.steps if step.number not in done]
        skipped = self._do(connection, script.steps, _with_what_they_need(script.steps, wanted))
        if not script.transactional:
            ledger.write(connection, script.name, 0, "done", script.checksum)
        return skipped

    def _mend(self, connection: sa.Connection, migration: Migration) -> list[str]:
        """Run skipped steps, and repeat those whose work was removed since."""
        wanted = _to_mend(connection, migration)
        return self._do(connection, migration.up.steps, wanted) if wanted else []

    def _do(self, connection: sa.Connection, steps: Sequence[Step], wanted: Sequence[Step]) -> list[str]:
        """Run the wanted ones of these steps. Return the skipped ones, in words."""
        skipped: dict[int, str] = {}
        for step in wanted:
            is_hindered = step.needs_previous and step.number - 1 in skipped
            why = NEEDS_PREVIOUS if is_hindered else self._do_or_skip(connection, step, len(steps))
            if why:
                skipped[step.number] = why
                ledger.write(connection, step.version, step.number, "skipped", step.checksum, why)
                self.report(Skipped(step, why))
        return [
            f"{step.version}, {step.title}: {skipped[step.number]}"
            for step in wanted
            if skipped.get(step.number, NEEDS_PREVIOUS) != NEEDS_PREVIOUS
        ]

    def _do_or_skip(self, connection: sa.Connection, step: Step, of: int) -> str | None:
        """Run a step. Return the reason if it is not possible now."""

        place = max(step.number, 1)
        try:
            self._perform(connection, step, place, of, _noted(step))
        except statements.Hindered as hindrance:
            if step.number == 0:
                raise PartlyDone(f"{step.version} cannot be applied: {hindrance}.") from hindrance
            own = statements.own_indexes_in_the_way(connection, step)
            return self._do_without(connection, own, step, place, of) if own else str(hindrance)
        return None

    def _do_without(
        self, connection: sa.Connection, indexes: Sequence[Step], step: Step, place: int, of: int
    ) -> str | None:
        """Run a step between a drop and a new build of our own indexes, like `_do_or_skip`."""
        for index in indexes:
            statements.drop_index(connection, index)
        try:
            self._perform(connection, step, place, of, _noted(step))
        except statements.Hindered as hindrance:
            return str(hindrance)
        finally:
            for index in indexes:
                self._perform(connection, index, index.number, index.number, _noted(index))
        return None

    def _roll_back(self, connection: sa.Connection, migration: Migration) -> None:
        def forget(connection: sa.Connection) -> None:
            ledger.forget(connection, migration.name)

        steps = migration.down.steps
        for place, step in enumerate(steps, start=1):
            try:
                self._perform(connection, step, place, len(steps), forget if step is steps[-1] else lambda _: None)
            except statements.Hindered as hindrance:
                raise PartlyDone(f"{migration.name} cannot be rolled back: {hindrance}.") from hindrance

    def _perform(self, connection: sa.Connection, step: Step, place: int, of: int, note: statements.Note) -> None:
        began = time.monotonic()
        self._check_lock()
        if step.dropped_index and not step.formerly and statements.is_kept(connection, step):
            self.report(Skipped(step, f"the index {step.dropped_index} was not built by wa and stays"))
        self.report(Begun(step, place, of))
        statements.perform(connection, step, self._watch, note)
        self.report(Done(step, time.monotonic() - began))

    @contextmanager
    def _as_the_only_one(self) -> Iterator[sa.Connection]:
        """Yield a connection for the work, while another connection holds the migrators' lock.

        The lock is polled and never waited for: a blocked advisory lock is an open snapshot, and a concurrent index
        build of the other migrator would wait for it for ever. It is held in a transaction, which has no snapshot
        between its statements: an idle-session time-out does not end it, and a pooler gives it its own server
        connection.
        """
        with self.database.autocommit() as lock, self.database.autocommit() as connection:
            self._take_lock(lock)
            _be_considerate(connection)
            try:
                yield connection
            finally:
                self._lock = None
                connection.invalidate()  # its time-outs belong to this connection only
                lock.invalidate()  # and the end of its session releases the lock

    def _take_lock(self, connection: sa.Connection) -> None:
        began, is_reported = time.monotonic(), False
        while not _locks(connection):
            if not is_reported:
                self.report(Waiting("another wa migrate", 0.0))
                is_reported = True
            if time.monotonic() - began >= self.timeout.total_seconds():
                raise StillPending("Another migration is still running.", command="wa migrate status")
            time.sleep(0.1)
        self._lock = connection

    def _check_lock(self) -> None:
        """Raise DatabaseUnavailable if the connection with the lock was lost, since another migrator may be running by
        now.
        """
        if self._lock is not None:
            self._lock.exec_driver_sql("SELECT 1")


def _locks(connection: sa.Connection) -> bool:
    """Take the migrators' lock in a transaction that stays open, or leave no transaction."""
    connection.exec_driver_sql("BEGIN")
    for name in _UNLIMITED:
        _set_if_known(connection, name, "0")
    if connection.execute(sa.text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK_KEY}).scalar():
        return True
    connection.exec_driver_sql("ROLLBACK")
    return False


def _set_if_known(connection: sa.Connection, name: str, setting: str) -> None:
    """Set it for the transaction if the server knows it. `pg_settings` tells without an error, which would end the
    transaction.
    """
    connection.execute(
        sa.text("SELECT set_config(name, :setting, true) FROM pg_settings WHERE name = :name"),
        {"name": name, "setting": setting},
    )


def _noted(step: Step) -> statements.Note:
    def note(connection: sa.Connection) -> None:
        ledger.write(connection, step.version, step.number, "done", step.checksum)

    return note


def _up_to(last: Migration | None) -> Sequence[Migration]:
    every = catalogue.migrations()
    return every if last is None else [migration for migration in every if migration.name <= last.name]


def _to_mend(connection: sa.Connection, migration: Migration) -> list[Step]:
    """Return the steps of an applied migration that were skipped, or whose work is missing."""
    skipped = {e.step for e in ledger.entries(connection) if e.version == migration.name and e.state == "skipped"}
    steps = migration.up.steps
    wanted = [step for step in steps if step.number in skipped or statements.is_undone(connection, step)]
    return _with_what_they_need(steps, wanted)


def _with_what_they_need(steps: Sequence[Step], wanted: Sequence[Step]) -> list[Step]:
    """Return the steps with those that they need before them."""
    numbers = {step.number for step in wanted}
    for step in reversed(steps):
        if step.number in numbers and step.needs_previous:
            numbers.add(step.number - 1)
    return [step for step in steps if step.number in numbers]


# If the server and the user allow it: a statement ends when this process dies, and an index is built in small, packed
# portions, since commits of others wait behind each one on its way to the disk.
_CONSIDERATE = {
    "client_connection_check_interval": "1s",
    "wal_compression": "on",
    "maintenance_work_mem": "16MB",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
}


def _be_considerate(connection: sa.Connection) -> None:
    for name, value in _CONSIDERATE.items():
        with suppress(sa.exc.DBAPIError):
            connection.exec_driver_sql(f"SET {name} = '{value}'")
