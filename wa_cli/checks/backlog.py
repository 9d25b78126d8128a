from __future__ import annotations

from collections.abc import Mapping

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.counted import counted

NAME, TITLE = "backlog", "Waiting messages"


def run(installation: Installation) -> Finding:
    """Count the messages that wait to be stored: on the queues, in the spools, and among the dead letters."""
    queues = installation.queue_counts
    waiting = {name: each["waiting"] + each["in_flight"] for name, each in queues.items()}
    dead = {name: each["dead"] for name, each in queues.items()}
    states = {name: [spool.state() for spool in spools] for name, spools in installation.open_spools().items()}
    spooled = {name: sum(state.records for state in found) for name, found in states.items()}
    set_aside = [file for found in states.values() for state in found for file in state.corrupt]
    facts = {"waiting": waiting, "dead": dead, "spooled": spooled, "set_aside": set_aside}
    message = f"queues: {_summed(waiting)}; spool: {_summed(spooled)}; dead letters: {_summed(dead)}"
    if set_aside:
        message = f"{message}; set aside, because the database refuses them: {', '.join(set_aside)}"
        return Finding(Level.FAILED, message, "wa spool status", facts)
    if any(spooled.values()):
        return Finding(Level.WARNING, message, "wa spool replay", facts)
    if any(dead.values()):
        return Finding(Level.WARNING, message, "wa queue dead", facts)
    return Finding(Level.OK, message, facts=facts)


def _summed(counts: Mapping[str, int]) -> str:
    """Return the counts like `3 incoming`, or `none`."""
    return " and ".join(_counted(count, name) for name, count in counts.items() if count) or "none"


def _counted(count: int, name: str) -> str:
    """Return a count of a direction, or of a kind of records."""
    return counted(count, name.removesuffix("s")) if name.endswith("s") else f"{count:,} {name}"
