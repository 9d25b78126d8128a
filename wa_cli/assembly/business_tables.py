"""The business's own tables of employees and customers, as SQL in place of wa's."""

from __future__ import annotations

from wa_cli.database.engine import Database, run
from wa_cli.errors import ConfigError, RowRefused
from wa_cli.settings import schema
from wa_cli.settings.parsers import BusinessTable
from wa_cli.settings.sources import Loaded
from wa_cli.store.customer_names import RELATION as CUSTOMERS
from wa_cli.store.employees import RELATION as EMPLOYEES

_UUID = "'^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'"


def relations(loaded: Loaded) -> dict[str, str]:
    """Return the SQL for each relation of wa that a setting replaces."""
    settings = loaded.settings
    found = {}
    if settings.employees:
        found[EMPLOYEES] = _employees(settings.employees)
    if settings.customers:
        found[CUSTOMERS] = _customers(settings.customers)
    return found


def check(database: Database, loaded: Loaded) -> None:
    """Raise ConfigError with the setting if one of the tables cannot be read."""
    for name, query in (("employees", "employees/readable"), ("customers", "lookups/readable")):
        if getattr(loaded.settings, name) is None:
            continue
        try:
            with database.reading() as connection:
                run(connection, query)
        except RowRefused as error:
            place = f"{schema.env_name(name)} (from {loaded.origins[name].place})"
            raise ConfigError(
                f"{place} cannot be read: {error.message}.",
                hint="Name a table or view, and its columns if they differ.",
            ) from error


def _employees(table: BusinessTable) -> str:
    """Return the employees of the table, each once. An id that is not a UUID belongs to no message."""
    id_, name, *team = table.columns
    as_uuid = f"CASE WHEN CAST({id_} AS text) ~ {_UUID} THEN CAST(CAST({id_} AS text) AS uuid) END"
    return (
        f"(SELECT DISTINCT ON (id) id, name, team, CAST(NULL AS timestamptz) AS left_at"  # noqa: S608
        f" FROM (SELECT {as_uuid} AS id, CAST({name} AS text) AS name, CAST({team[0] if team else 'NULL'} AS text) AS team"
        f" FROM {table.name} WHERE {name} IS NOT NULL) AS known ORDER BY id, name)"
    )


def _customers(table: BusinessTable) -> str:
    phone, name = table.columns
    return f"(SELECT CAST({phone} AS text) AS phone, CAST({name} AS text) AS name FROM {table.name})"  # noqa: S608
