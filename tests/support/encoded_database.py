from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database


@contextmanager
def encoded_database(server: EmbeddedServer, encoding: str) -> Iterator[Database]:
    """Create an empty database of another encoding than UTF8, and drop it at the end."""
    server.ensure("postgres")
    administration = Database(server.url("postgres"))
    name = f"encoded_{uuid4().hex[:12]}"
    with administration.autocommit() as connection:
        connection.exec_driver_sql(
            f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        )
    administration.close()
    database = Database(server.url(name))
    try:
        yield database
    finally:
        database.close()
        server.drop(name)
