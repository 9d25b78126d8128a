"""The settings of every session, whatever the database, the role or a pooler presets.

They are set by a statement after connecting and not by the startup parameter `options`: PgBouncer refuses that
parameter, or ignores it silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from wa_cli.errors import ConfigError

TIME_ZONE = "UTC"
_SET = "SELECT set_config(name, setting, false) FROM unnest(%s::text[], %s::text[]) AS wanted (name, setting)"


def settings(statement_timeout: timedelta) -> Mapping[str, str]:
    """Return the settings by PostgreSQL's names, as `SHOW` prints them."""
    limit = shown(statement_timeout)
    return {
        "TimeZone": TIME_ZONE,
        "statement_timeout": limit,
        "lock_timeout": limit,
        "idle_in_transaction_session_timeout": "30s",
        # Rows that another worker changed are skipped. A higher isolation level would end the transaction instead.
        "default_transaction_isolation": "read committed",
        # JIT compilation costs more than it saves: 1.3 s of the 2.3 s of a report over 400,000 rows.
        "jit": "off",
    }


def shown(span: timedelta) -> str:
    """Return a duration as PostgreSQL prints it: in the largest unit that divides it."""
    milliseconds = int(span.total_seconds() * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0"


def set_up(connection: Any, wanted: Mapping[str, str]) -> None:
    """Set them on a new connection of the driver, and check the time zone. Raises ConfigError if it is another one."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(_SET, (list(wanted), list(wanted.values())))
        zone = connection.get_parameter_status("TimeZone")
        if zone != TIME_ZONE:  # a pooler may not forward the server's report, so ask
            cursor.execute("SHOW TimeZone")
            [zone] = cursor.fetchone()
    connection.autocommit = False
    if zone != TIME_ZONE:
        raise ConfigError(
            f"The session's time zone is {zone} and cannot be set to {TIME_ZONE}, so times would be stored wrong.",
            hint="Connect to PostgreSQL itself, or let the pooler keep one server connection for each client.",
        )
