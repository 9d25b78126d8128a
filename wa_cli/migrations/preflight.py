"""What must hold before anything is changed: said in one sentence, and nothing is begun."""

from __future__ import annotations

import sqlalchemy as sa

from wa_cli.errors import ConfigError
from wa_cli.storage.engine import run

OLDEST, NEWEST = 13, 18
ENCODING = "UTF8"
# The least that a table called whatsapp_messages must have to be the one that is meant.
NEEDED = ("id", "message_id", "from_phone", "to_phone", "message_type", "content", "status", "timestamp")
_NOT_MIGRATABLE = {"v": "a view", "m": "a materialised view", "p": "a partitioned table", "f": "a foreign table"}


def check(connection: sa.Connection) -> None:
    """Raises ConfigError where the migrations cannot be applied to what is there."""
    found = run(connection, "watch/preflight", needed=list(NEEDED)).one()
    if found.version < OLDEST:
        raise ConfigError(f"This is PostgreSQL {found.version}; wa needs {OLDEST} to {NEWEST}.")
    if found.is_standby:
        raise ConfigError("This server is a standby, which takes no change.", hint="WA_DATABASE_URL of the primary")
    if not found.may_create:
        raise ConfigError(
            f"The database user {found.username} may not create a schema here.",
            hint=f'GRANT CREATE ON DATABASE "{found.database}" TO "{found.username}"',
        )
    if found.elsewhere:
        raise ConfigError(
            f"There is a table {found.elsewhere[0]}, and the search_path does not lead to it: a second one would be made.",
            hint="ALTER ROLE … SET search_path, so that it does",
        )
    if found.kind is not None:
        _check_table(found)


def _check_table(found: sa.Row[tuple[object, ...]]) -> None:
    if found.kind in _NOT_MIGRATABLE:
        raise ConfigError(f"whatsapp_messages is {_NOT_MIGRATABLE[found.kind]}: wa can adopt a plain table only.")
    if not found.is_owner:
        raise ConfigError(
            f"The database user {found.username} does not own whatsapp_messages and cannot change it.",
            hint=f"Migrate as {found.owner}, or: ALTER TABLE whatsapp_messages OWNER TO …",
        )
    if not found.may_index:
        raise ConfigError(
            f"The database user {found.username} may not make an index in the schema {found.schema}.",
            hint=f'GRANT CREATE ON SCHEMA {found.schema} TO "{found.username}"',
        )
    if found.missing:
        raise ConfigError(
            f"The table whatsapp_messages that is there has no {', '.join(found.missing)}: it is not ours."
        )
    if found.id_type != "uuid":
        raise ConfigError(f"The id of whatsapp_messages is of the type {found.id_type}, and must be a uuid.")
    if found.direction_type not in (None, "character varying", "text"):
        raise ConfigError(f"direction of whatsapp_messages is of the type {found.direction_type}, and must be text.")
    if not found.is_unique:
        raise ConfigError(
            "message_id of whatsapp_messages is not unique: rows could be stored twice.",
            hint="CREATE UNIQUE INDEX CONCURRENTLY ON whatsapp_messages (message_id)",
        )
