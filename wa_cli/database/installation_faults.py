"""Refusals that concern the whole installation and no single row: a missing right, table, column or function."""

from __future__ import annotations

import re
from typing import Any

from wa_cli.errors import ConfigError, RowRefused, WaError

_DENIED = "42501"  # insufficient_privilege, also for a row that a policy refuses
# undefined_table, undefined_column, undefined_function, invalid_schema_name
_NOT_THERE = ("42P01", "42703", "42883", "3F000")
# The server functions that report a missing right, whatever the language of its messages.
_DENIAL = "aclcheck_error"
_SCHEMA = re.compile(r"permission denied for schema (\S+)")
_WHAT = "SELECT, INSERT, UPDATE, DELETE"


def explained(error: WaError) -> WaError:
    """Return the error itself, or a ConfigError with the remedy if it concerns the whole installation."""
    return installation_fault(error) or error


def installation_fault(error: WaError) -> ConfigError | None:
    """Return a ConfigError with the remedy if the database would refuse every row: the user lacks a right, or the database
    a table, column or function. Return None for any other error, one inside a trigger included.
    """
    origin: Any = getattr(error.__cause__, "orig", None)
    if not isinstance(error, RowRefused) or origin is None or origin.diag.context:
        return None
    if origin.pgcode in _NOT_THERE:
        return ConfigError(f"The database does not fit this release: {error.message}.", command="wa migrate")
    if origin.pgcode == _DENIED and str(origin.diag.source_function).startswith(_DENIAL):
        return ConfigError(f"The database refused: {error.message}.", hint=_grants(origin, error.message))
    return None


def _grants(origin: Any, message: str) -> str:
    user = '"' + str(origin.cursor.connection.info.user).replace('"', '""') + '"'
    schemas = dict.fromkeys(["wa", *_SCHEMA.findall(message)])
    statements = [
        *(f"GRANT USAGE ON SCHEMA {schema} TO {user};" for schema in schemas),
        f"GRANT {_WHAT} ON ALL TABLES IN SCHEMA wa TO {user};",
        f"GRANT {_WHAT} ON whatsapp_messages TO {user};",
    ]
    return " ".join(statements)
