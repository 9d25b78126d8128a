from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wa_cli.outbox.spool import Spool
from wa_cli.verify.base import Check, Finding, Level


def check(status: Callable[[], Mapping[str, Mapping[str, Any]]], spools: Mapping[str, Spool]) -> Check:
    """What waits to be stored: on the queues, on this machine's disk, and among the dead letters."""

    def look() -> Finding:
        queues = status()
        waiting = {name: counted["waiting"] + counted["in_flight"] for name, counted in queues.items()}
        dead = {name: counted["dead"] for name, counted in queues.items()}
        states = {name: spool.state() for name, spool in spools.items()}
        disk = {name: state.records for name, state in states.items()}
        set_aside = [file for state in states.values() for file in state.corrupt]
        facts = {"waiting": waiting, "dead": dead, "spooled": disk, "set_aside": set_aside}
        said = f"{_told(waiting)} on the queues, {_told(disk)} on this machine's disk, {_told(dead)} among the dead letters"
        if set_aside:
            said = f"{said}; set aside, because the database does not take them: {', '.join(set_aside)}"
            return Finding(Level.FAILED, said, "wa spool status", facts)
        if any(disk.values()):
            return Finding(Level.WARNING, said, "wa spool replay", facts)
        if any(dead.values()):
            return Finding(Level.WARNING, said, "wa queue dead", facts)
        return Finding(Level.OK, said, facts=facts)

    return Check("backlog", "Waiting", look)


def _told(counts: Mapping[str, int]) -> str:
    """Like `3 incoming`, or `nothing`."""
    return " and ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "nothing"
