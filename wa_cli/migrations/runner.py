"""Brings a live database to the schema: one migrator at a time, step by step, each step noted as soon as it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import sqlalchemy as sa

from wa_cli.errors import ConfigError, SchemaTooOld, StillPending
from wa_cli.migrations import catalogue, ledger, statements
from wa_cli.migrations.catalogue import Migration, Script
from wa_cli.migrations.statements import Patience
from wa_cli.storage.engine import Database

_LOCK_KEY = 0x77615F6D  # "wa_m"

Report = Callable[[str], None]


def check(database: Database) -> None:
    """Raise SchemaTooOld unless every migration this program needs is applied. One SELECT."""
    with database.reading() as connection:
        missing = [name for name in catalogue.names() if name not in ledger.done(connection)]
    if missing:
        first, others = missing[0], len(missing) - 1
        more = f" and {others} more" if others else ""
        raise SchemaTooOld(f"This database lacks the migration {first}{more}.", hint="Type: wa migrate")


class Migrator:
    """Applies and takes back migrations. Interrupted anywhere, the next run finishes."""

    def __init__(
        self, database: Database, report: Report = lambda _: None, *, patience: timedelta = timedelta(minutes=10)
    ) -> None:
        self.database = database
        self.report = report
        self.patience = Patience(patience, report)

    def pending(self) -> list[Migration]:
        with self.database.reading() as connection:
            done = ledger.done(connection)
        return [migration for migration in catalogue.migrations() if migration.name not in done]

    def apply(self) -> list[str]:
        """Apply what is pending; what could not be done and hinders nobody, in words."""
        with self._only_migrator(), self.database.autocommit() as connection:
            ledger.create(connection)
            done = ledger.done(connection)
            skipped: list[str] = []
            for migration in catalogue.migrations():
                if migration.name not in done:
                    self.report(migration.name)
                    skipped += self._apply(connection, migration)
                else:
                    skipped += self._retry_skipped(connection, migration)
            return skipped

    def rollback(self) -> str | None:
        """Take back the newest applied migration; its name, or None where there is none."""
        with self._only_migrator(), self.database.autocommit() as connection:
            done = ledger.done(connection)
            newest = next((m for m in reversed(catalogue.migrations()) if m.name in done), None)
            if newest is None:
                return None
            self._run_down(connection, newest.down)
            ledger.forget(connection, newest.name)
            return newest.name

    def _apply(self, connection: sa.Connection, migration: Migration) -> list[str]:
        script = migration.up
        if script.transactional:
            self._apply_at_once(script)
            return []
        return self._apply_by_steps(connection, script)

    def _apply_at_once(self, script: Script) -> None:
        """The whole file and its ledger row in one transaction: there is no half of it."""
        statements.run_together(
            self.database,
            script.statements,
            self.patience,
            note=lambda connection: ledger.write(connection, script.name, 0, "done", script.checksum),
        )

    def _apply_by_steps(self, connection: sa.Connection, script: Script) -> list[str]:
        earlier = {entry.step: entry for entry in ledger.entries(connection) if entry.version == script.name}
        if 0 in earlier and earlier[0].checksum != script.checksum:
            raise ConfigError(
                f"{script.name} was begun with other statements than this program has.",
                hint="Finish it with the version of wa that began it.",
            )
        ledger.write(connection, script.name, 0, "running", script.checksum)
        skipped = []
        for number, statement in enumerate(script.statements, start=1):
            if number in earlier and earlier[number].state == "done":
                continue
            skipped += self._step(connection, script, number, statement)
        ledger.write(connection, script.name, 0, "done", script.checksum)
        return skipped

    def _step(self, connection: sa.Connection, script: Script, number: int, statement: str) -> list[str]:
        try:
            statements.run(connection, statement, self.patience)
        except statements.Hindered as hindrance:
            ledger.write(connection, script.name, number, "skipped", script.checksum, str(hindrance))
            return [f"{script.name}, step {number}: {hindrance}"]
        ledger.write(connection, script.name, number, "done", script.checksum)
        return []

    def _retry_skipped(self, connection: sa.Connection, migration: Migration) -> list[str]:
        skipped = [e.step for e in ledger.entries(connection) if e.version == migration.name and e.state == "skipped"]
        return [
            line
            for number in skipped
            for line in self._step(connection, migration.up, number, migration.up.statements[number - 1])
        ]

    def _run_down(self, connection: sa.Connection, script: Script) -> None:
        for statement in script.statements:
            statements.run(connection, statement, self.patience)

    @contextmanager
    def _only_migrator(self) -> Iterator[None]:
        """Hold the migrators' lock, on a connection of its own.

        Asked for in a poll loop and never waited for: a blocked advisory lock is an open snapshot, and a concurrent
        index build of the other migrator would wait for it forever.
        """
        with self.database.autocommit() as connection:
            deadline, told = time.monotonic() + self.patience.limit.total_seconds(), False
            while not connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY}).scalar():
                if not told:
                    self.report("another migration is running: waiting for it")
                    told = True
                if time.monotonic() >= deadline:
                    raise StillPending("Another migration is still running.", hint="wa migrate status")
                time.sleep(0.1)
            try:
                yield
            finally:
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK_KEY})
