"""Conditions that must hold before anything is changed."""

from __future__ import annotations

import sqlalchemy as sa

from wa_cli.database.engine import run
from wa_cli.errors import ConfigError

OLDEST, NEWEST = 13, 18
ENCODING = "UTF8"
# Columns that the table must have to be the expected whatsapp_messages.
NEEDED = ("id", "message_id", "from_phone", "to_phone", "message_type", "content", "status", "timestamp")
_NOT_MIGRATABLE = {"v": "a view", "m": "a materialised view", "p": "a partitioned table", "f": "a foreign table"}

_TIMES = ("timestamp without time zone", "timestamp with time zone")


def check(connection: sa.Connection) -> None:
    """Raise ConfigError if the migrations cannot be applied to this database."""
    found = run(connection, "watch/preflight", needed=list(NEEDED)).one()
    if found.version < OLDEST:
        raise ConfigError(f"This is PostgreSQL {found.version}; wa needs {OLDEST} to {NEWEST}.")
    if found.is_standby:
        raise ConfigError("This server is a standby, which is read-only.", hint="Set WA_DATABASE_URL to the primary.")
    if found.encoding != ENCODING:
        raise ConfigError(
            f"The encoding of the database {found.database} is {found.encoding}: it cannot store every text of a customer.",
            hint=f"Move the tables to a database that was created with ENCODING '{ENCODING}' TEMPLATE template0.",
        )
    if found.is_schema_of_others:
        raise ConfigError(
            "The schema wa belongs to another program: wa.outbox has no column reference.",
            hint="Rename that schema: ALTER SCHEMA wa RENAME TO another_name;",
        )
    _check_rights(connection, found.username)
    if found.elsewhere:
        raise ConfigError(
            f"The table {found.elsewhere[0]} is outside the search_path, so a second one would be created.",
            hint=found.path,
        )
    if found.kind is not None:
        _check_table(found)


def _check_rights(connection: sa.Connection, username: str) -> None:
    """Raise ConfigError with every missing right, and the statements that grant them."""
    lacking = run(connection, "watch/rights").all()
    if lacking:
        raise ConfigError(
            f"The database user {username} has no right to {', or to '.join(row.lacking for row in lacking)}.",
            hint=" ".join(row.given for row in lacking),
        )


def _check_table(found: sa.Row[tuple[object, ...]]) -> None:
    if found.kind in _NOT_MIGRATABLE:
        raise ConfigError(f"whatsapp_messages is {_NOT_MIGRATABLE[found.kind]}. wa needs a plain table.")
    if found.missing:
        raise ConfigError(
            f"The existing table whatsapp_messages lacks {', '.join(found.missing)}, so it is another table."
        )
    if found.id_type != "uuid":
        raise ConfigError(f"The id of whatsapp_messages has the type {found.id_type} instead of uuid.")
    if found.time_type not in _TIMES:
        raise ConfigError(f"timestamp of whatsapp_messages has the type {found.time_type} instead of timestamp.")
    if found.direction_type not in (None, "character varying", "text"):
        raise ConfigError(f"direction of whatsapp_messages has the type {found.direction_type} instead of text.")
    if found.wrong_types:
        raise ConfigError(f"whatsapp_messages cannot be used as it is: {'; '.join(found.wrong_types)}.")
    if not found.is_unique:
        raise ConfigError(
            "message_id of whatsapp_messages is not unique: rows could be stored twice.",
            hint="CREATE UNIQUE INDEX CONCURRENTLY ON whatsapp_messages (message_id)",
        )
