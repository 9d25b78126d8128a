from __future__ import annotations

from wa_cli.database.engine import run
from wa_cli.database.session import TIME_ZONE
from wa_cli.verify.base import Finding, Level, Scene

READ_ONLY = "default_transaction_read_only"


def look(scene: Scene) -> Finding:
    """Compare the session's settings with the ones that wa has set: a pooler may lose them between two transactions."""
    wanted = scene.database.settings
    with scene.database.autocommit() as connection:
        found = {row.name: row.setting for row in run(connection, "verify/session", names=[*wanted, READ_ONLY])}
    lost = {name: found[name] for name, setting in wanted.items() if found[name] != setting}
    if found["TimeZone"] != TIME_ZONE:
        said = f"the session's time zone is {found['TimeZone']}, not {TIME_ZONE}: times are stored wrong"
        return Finding(Level.FAILED, said, facts=found)
    if found[READ_ONLY] == "on":
        return Finding(Level.FAILED, f"{READ_ONLY} is on for this user or database: it takes no row", facts=found)
    if lost:
        said = ", ".join(f"{name} is {setting} instead of {wanted[name]}" for name, setting in lost.items())
        return Finding(Level.WARNING, f"{said}: does a pooler share sessions between clients?", facts=found)
    return Finding(Level.OK, "time zone UTC and the time-outs are as wa sets them", facts=found)
