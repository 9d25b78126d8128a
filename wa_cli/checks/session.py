from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.database.engine import run as run_sql
from wa_cli.database.session import TIME_ZONE

NAME, TITLE = "session", "Session settings"

READ_ONLY = "default_transaction_read_only"


def run(installation: Installation) -> Finding:
    """Compare the session's settings with those that wa set. A pooler may lose them between two transactions."""
    wanted = installation.database.settings
    with installation.database.autocommit() as connection:
        found = {row.name: row.setting for row in run_sql(connection, "verify/session", names=[*wanted, READ_ONLY])}
    lost = {name: found[name] for name, setting in wanted.items() if found[name] != setting}
    if found["TimeZone"] != TIME_ZONE:
        message = f"the session's time zone is {found['TimeZone']}, not {TIME_ZONE}: times are stored wrong"
        return Finding(Level.FAILED, message, facts=found)
    if found[READ_ONLY] == "on":
        return Finding(
            Level.FAILED, f"{READ_ONLY} is on for this user or database: the database is read-only", facts=found
        )
    if lost:
        message = ", ".join(f"{name} is {setting} instead of {wanted[name]}" for name, setting in lost.items())
        return Finding(Level.WARNING, f"{message}: a pooler may share sessions between clients", facts=found)
    return Finding(Level.OK, "time zone UTC and the time-outs are set", facts=found)
