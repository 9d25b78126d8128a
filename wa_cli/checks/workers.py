from __future__ import annotations

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation
from wa_cli.version import __version__

NAME, TITLE = "workers", "Workers"


def run(installation: Installation) -> Finding:
    """Fail if messages wait and no worker of their direction or their number has a fresh heartbeat."""
    alive = installation.workers
    counts = {name: of["waiting"] for name, of in installation.queue_counts.items()}
    facts = {
        "waiting": counts,
        "workers": {kind: row["workers"] for kind, row in alive.items()},
        "versions": {kind: row["oldest_version"] for kind, row in alive.items()},
    }
    missing = [name for name, count in counts.items() if count and name not in alive]
    if missing:
        waiting = ", ".join(f"{counts[name]:,} {name}" for name in missing)
        message = f"waiting messages: {waiting}; no {' or '.join(missing)} worker has reported for 30 s"
        return Finding(Level.FAILED, message, f"wa worker {missing[0]}", facts)
    if stranded := [row for row in installation.numbers if row["due"] and not row["workers"]]:
        waiting = ", ".join(f"{row['due']:,} of {row['number']}" for row in stranded)
        if "outgoing" not in alive:
            message = f"unfinished messages: {waiting}; no outgoing worker has reported for 30 s"
            return Finding(Level.FAILED, message, "wa worker outgoing", facts)
        message = f"messages wait for numbers without a worker: {waiting}"
        return Finding(Level.FAILED, message, f"wa queue move --from {stranded[0]['number']}", facts)
    if other := {row["oldest_version"] for row in alive.values()} - {__version__}:
        message = f"workers of release {', '.join(sorted(other))} are running beside {__version__}"
        return Finding(Level.WARNING, message, "wa worker list", facts, hint="Restart them.")
    running = ", ".join(f"{row['workers']} {kind}" for kind, row in alive.items()) or "none"
    return Finding(Level.OK, f"{running}; no message waits for a missing worker", facts=facts)
