from __future__ import annotations

import sqlalchemy as sa

from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database


class Outage:
    """An outage of a database: its connections are ended and new ones are refused."""

    def __init__(self, server: EmbeddedServer, database_url: str) -> None:
        self._admin = Database(server.url("postgres"))
        self._name = sa.make_url(database_url).database

    def begin(self) -> None:
        self._execute(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        self._execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")

    def end(self) -> None:
        self._execute(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    def _execute(self, statement: str) -> None:
        with self._admin.autocommit() as connection:
            connection.execute(sa.text(statement))

    def close(self) -> None:
        self.end()
        self._admin.close()
