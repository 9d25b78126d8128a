"""The databases of an installation: its own, with or without a checked schema, and a replica for the reports."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from wa_cli.errors import ConfigError, DatabaseUnavailable, SchemaTooOld
from wa_cli.settings import display, schema
from wa_cli.settings.parsers import EMBEDDED
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Emit

if TYPE_CHECKING:
    import sqlalchemy as sa

    from wa_cli.database.embedded import EmbeddedServer
    from wa_cli.database.engine import Database
    from wa_cli.settings.sources import Loaded


class Databases:
    """The databases of one installation, each opened when it is first asked for.

    `application` names the connections. `name` is the database on the embedded server. `note` prints a line for people.
    """

    def __init__(self, loaded: Loaded, *, application: str, name: str, note: Callable[[str], None]) -> None:
        self.loaded = loaded
        self.application = application
        self.name = name
        self._note = note

    @cached_property
    def is_embedded(self) -> bool:
        return self.loaded.need("database_url", EMBEDDED) == EMBEDDED

    @cached_property
    def embedded(self) -> EmbeddedServer:
        from wa_cli.database.embedded import EmbeddedServer

        # libpq would take a host, a port and options from these variables for the embedded server too.
        for name in [name for name in os.environ if name.startswith("PG")]:
            del os.environ[name]
        return EmbeddedServer(self.loaded.settings.home)

    def url(self) -> str:
        """Return the URL in force. Start the embedded server if it is the database."""
        if not self.is_embedded:
            return self.loaded.need("database_url", EMBEDDED)
        if self.embedded.ensure(self.name):
            self._note(f"Started the embedded database in {self.embedded.data}. Stop it with: wa db stop")
        return self.embedded.url(self.name)

    @property
    def configured_url(self) -> sa.URL:
        """The URL as the settings have it. Nothing is started."""
        import sqlalchemy as sa

        from wa_cli.database.engine import normalise

        if self.is_embedded:
            return sa.make_url(self.embedded.url(self.name))
        return sa.make_url(normalise(self.loaded.need("database_url", EMBEDDED)))

    @cached_property
    def unchecked(self) -> Database:
        """The database with any schema."""
        from wa_cli.assembly import business_tables
        from wa_cli.database.engine import Database, be_interruptible

        be_interruptible()
        name = f"{self.application}/{socket.gethostname()}/{os.getpid()}"
        url = self.url()
        with self._naming("database_url"):
            return Database(
                url,
                application=name,
                statement_timeout=self.loaded.settings.statement_timeout,
                relations=business_tables.relations(self.loaded),
            )

    @cached_property
    def main(self) -> Database:
        """The database with the schema of this program. An embedded database is migrated, another one is checked."""
        from wa_cli.migrations import runner

        database = self.unchecked
        if self.is_embedded:
            self._note(f"Using the embedded database in {self.embedded.data}.")
        try:
            runner.check(database)
        except SchemaTooOld:
            if not self.is_embedded:
                raise
            runner.Migrator(database).apply()
        return database

    @cached_property
    def id(self) -> str:
        """The id of the database, which stays the same at another address. Raises DatabaseUnavailable."""
        from wa_cli.database.engine import run

        with self.unchecked.reading() as connection:
            return str(run(connection, "outbox/database_id").scalar_one())

    @property
    def examined(self) -> Database:
        """The database for checks: an embedded one is migrated, another one is taken as it is."""
        return self.main if self.is_embedded else self.unchecked

    @cached_property
    def reports(self) -> Database:
        """The replica for the reports if there is one, else the database itself."""
        from wa_cli.assembly import business_tables
        from wa_cli.database.engine import Database

        settings = self.loaded.settings
        if settings.report_database_url is None:
            database = self.main
        else:
            with self._naming("report_database_url"):
                database = Database(
                    settings.report_database_url,
                    application=f"{self.application}/reports",
                    statement_timeout=settings.report_timeout,
                    relations=business_tables.relations(self.loaded),
                )
        business_tables.check(database, self.loaded)
        return database

    def connect(self, emit: Emit, *, required: bool) -> None:
        """Check the database. Without `required` an unavailable one is logged, and taken as it is from now on."""
        try:
            self.main  # noqa: B018 — connects
        except DatabaseUnavailable as error:
            if required:
                raise
            emit(events.Unavailable(Component.DATABASE, error.message))
            self.main = self.unchecked

    def guard_against_freezing(self) -> None:
        """Limit the wait of this process for a frozen server, to a little more than the statement timeout."""
        from wa_cli.database.engine import guard_against_freezing

        timeout = self.loaded.settings.statement_timeout
        guard_against_freezing(timeout + timeout / 3)

    @contextmanager
    def _naming(self, name: str) -> Iterator[None]:
        """Add the setting, its value and its origin to an error about the value."""
        try:
            yield
        except ConfigError as error:
            value, place = display.shown(self.loaded, name), self.loaded.origins[name].place
            message = f"{error.message} {schema.env_name(name)} (from {place}) is {value!r}."
            raise ConfigError(message, hint=error.hint) from None
