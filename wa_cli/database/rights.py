"""Refusals for a missing right, with the statements that grant it."""

from __future__ import annotations

import re
from typing import Any

from wa_cli.errors import ConfigError, RowRefused, WaError

_DENIED = "42501"  # insufficient_privilege, also for a row that a policy refuses
_SCHEMA = re.compile(r"permission denied for schema (\S+)")
_WHAT = "SELECT, INSERT, UPDATE, DELETE"


def explained(error: WaError) -> WaError:
    """Return the error itself, or a ConfigError with GRANT statements if the database user lacks a right."""
    origin: Any = getattr(error.__cause__, "orig", None)
    if not isinstance(error, RowRefused) or getattr(origin, "pgcode", None) != _DENIED:
        return error
    if not error.message.startswith("permission denied"):
        return error
    user = '"' + str(origin.cursor.connection.info.user).replace('"', '""') + '"'
    schemas = dict.fromkeys(["wa", *_SCHEMA.findall(error.message)])
    statements = [
        *(f"GRANT USAGE ON SCHEMA {schema} TO {user};" for schema in schemas),
        f"GRANT {_WHAT} ON ALL TABLES IN SCHEMA wa TO {user};",
        f"GRANT {_WHAT} ON whatsapp_messages TO {user};",
    ]
    return ConfigError(f"The database refused: {error.message}.", hint=" ".join(statements))
