from __future__ import annotations

from wa_cli.database.engine import run
from wa_cli.migrations.preflight import ENCODING, NEWEST, OLDEST
from wa_cli.verify.base import Finding, Level, Scene

LONG_TRANSACTION = 3600.0
# Settings without which a committed row may be lost, or the tables grow for ever.
NEEDED = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")


def look(scene: Scene) -> Finding:
    """The server's version, and the settings that our promises stand on."""
    with scene.reading() as connection:
        found = run(connection, "verify/server").one()
    facts = dict(found._mapping)
    said = f"PostgreSQL {found.version}, {found.connections} of {found.max_connections} connections"
    if found.is_standby:
        return Finding(Level.FAILED, f"{said}: a standby, which takes no row", facts=facts)
    if found.major < OLDEST:
        return Finding(Level.FAILED, f"{said}: wa needs {OLDEST} to {NEWEST}", facts=facts)
    if found.encoding != ENCODING:
        return Finding(Level.FAILED, f"{said}: the encoding is {found.encoding}, wa needs {ENCODING}", facts=facts)
    off = [name for name in NEEDED if not facts[name]]
    if off:
        return Finding(Level.WARNING, f"{said}; off: {', '.join(off)}", f"ALTER SYSTEM SET {off[0]} = on", facts)
    if found.connections > 0.8 * found.max_connections:
        return Finding(Level.WARNING, f"{said}: nearly all are taken", facts=facts)
    if (found.oldest_seconds or 0.0) > LONG_TRANSACTION:
        since = f"a transaction is open for {found.oldest_seconds / 3600:.1f} h, and nothing is cleaned up behind it"
        return Finding(Level.WARNING, f"{said}; {since}", "SELECT * FROM pg_stat_activity ORDER BY xact_start", facts)
    if found.major > NEWEST:
        return Finding(Level.WARNING, f"{said}: newer than {NEWEST}, which wa was tried with", facts=facts)
    return Finding(Level.OK, said, facts=facts)
