from __future__ import annotations

import sqlalchemy as sa

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.counted import counted
from wa_cli.database.engine import run as run_sql
from wa_cli.errors import RowRefused

NAME, TITLE = "slow_statements", "Slow statements"

_SCHEMA = (
    "SELECT set_config('search_path', quote_ident(schema.nspname) || ', ' || current_setting('search_path'), true)"
    "  FROM pg_extension AS extension JOIN pg_namespace AS schema ON schema.oid = extension.extnamespace"
    " WHERE extension.extname = 'pg_stat_statements'"
)


def run(installation: Installation) -> Finding:
    """Show the statements on whatsapp_messages that took the most time, as pg_stat_statements counts them."""
    try:
        with installation.reading() as connection:
            if connection.execute(sa.text(_SCHEMA)).first() is None:
                return Finding(Level.SKIPPED, "the extension pg_stat_statements is not installed")
            found = run_sql(connection, "verify/slow_statements").all()
    except RowRefused as error:  # the library is not loaded, or the role may not read it
        return Finding(Level.SKIPPED, f"pg_stat_statements cannot be read: {error.message}")
    if not found:
        return Finding(Level.OK, "pg_stat_statements has no statement on whatsapp_messages")
    facts = {
        "statements": {
            row.id: {"calls": row.calls, "ms": row.mean_ms, "total_ms": row.total_ms, "statement": row.statement}
            for row in found
        }
    }
    details = tuple(f"{row.mean_ms:,.1f} ms × {counted(row.calls, 'call')}: {row.statement[:80]}" for row in found)
    message = f"the most expensive one took {found[0].mean_ms:,.1f} ms on average"
    return Finding(Level.OK, message, facts=facts, details=details)
