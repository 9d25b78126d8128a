"""The settings of every session, whatever the database, the role or a pooler presets.

They are set by a statement after connecting and not by the startup parameter `options`: PgBouncer refuses that
parameter, or ignores it silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import psycopg2.extensions

from wa_cli.errors import ConfigError

TIME_ZONE = "UTC"
# A day inside the calendar, so that a time zone does not move them out of it.
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
# The types of times, with their numbers in pg_type.
_TIMES = (
    (1114, "PYDATETIME", _FIRST.replace(tzinfo=None), _LAST.replace(tzinfo=None)),
    (1184, "PYDATETIMETZ", _FIRST, _LAST),
    (1082, "PYDATE", _FIRST.date(), _LAST.date()),
)
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


def read_any_time(connection: Any) -> None:
    """Read times outside Python's calendar as the first or the last instant of it, so that one row fails no report."""
    for oid, name, first, last in _TIMES:
        connection_type = psycopg2.extensions.new_type((oid,), name, _clamped(name, first, last))
        psycopg2.extensions.register_type(connection_type, connection)


def _clamped(name: str, first: Any, last: Any) -> Callable[[Any, Any], Any]:
    read = getattr(psycopg2.extensions, name)

    def cast(text: Any, cursor: Any) -> Any:
        try:
            return read(text, cursor)
        except (ValueError, OverflowError, psycopg2.DataError):
            return first if str(text).endswith("BC") else last

    return cast


def set_up(connection: Any, wanted: Mapping[str, str]) -> None:
    """Set them on a new connection of the driver, and check the time zone. Raises ConfigError if it is another one."""
    read_any_time(connection)
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
