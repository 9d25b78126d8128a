from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.database.engine import run as run_sql
from wa_cli.migrations.preflight import ENCODING, NEWEST, OLDEST

NAME, TITLE = "server", "Server"

LONG_TRANSACTION = 3600.0
# Without these a committed row may be lost, or the tables grow without limit.
NEEDED = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")


def run(installation: Installation) -> Finding:
    """Check the version of the server and the settings that durability depends on."""
    with installation.reading() as connection:
        found = run_sql(connection, "verify/server").one()
    facts = dict(found._mapping)
    message = f"PostgreSQL {found.version}, {found.connections} of {found.max_connections} connections"
    if found.is_standby:
        return Finding(Level.FAILED, f"{message}: a standby, which is read-only", facts=facts)
    if found.major < OLDEST:
        return Finding(Level.FAILED, f"{message}: wa needs {OLDEST} to {NEWEST}", facts=facts)
    if found.encoding != ENCODING:
        return Finding(Level.FAILED, f"{message}: the encoding is {found.encoding}, wa needs {ENCODING}", facts=facts)
    off = [name for name in NEEDED if not facts[name]]
    if off:
        return Finding(
            Level.WARNING,
            f"{message}; off: {', '.join(off)}",
            None,
            facts,
            hint=f"Run in psql: ALTER SYSTEM SET {off[0]} = on;",
        )
    if found.connections > 0.8 * found.max_connections:
        return Finding(Level.WARNING, f"{message}: nearly all are in use", facts=facts)
    if (found.oldest_seconds or 0.0) > LONG_TRANSACTION:
        since = (
            f"a transaction has been open for {found.oldest_seconds / 3600:.1f} h, so vacuum cannot remove dead rows"
        )
        return Finding(
            Level.WARNING,
            f"{message}; {since}",
            None,
            facts,
            hint="Run in psql: SELECT * FROM pg_stat_activity ORDER BY xact_start;",
        )
    if found.major > NEWEST:
        return Finding(Level.WARNING, f"{message}: newer than {NEWEST}, the newest tested version", facts=facts)
    return Finding(Level.OK, message, facts=facts)
