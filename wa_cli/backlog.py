"""How much waits, in both directions: on the queue, and in the outbox that took it over."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from wa_cli.queues.base import Queue
from wa_cli.storage.outbox import Outbox


class Backlog:
    def __init__(self, outgoing: Queue, incoming: Queue, outbox: Outbox) -> None:
        self.outgoing = outgoing
        self.incoming = incoming
        self.outbox = outbox

    def status(self) -> dict[str, dict[str, Any]]:
        """For each direction: waiting, in_flight, delayed, dead (counts) and oldest_seconds."""
        outgoing, taken_over = asdict(self.outgoing.depth()), asdict(self.outbox.depth())
        sums = {key: outgoing[key] + taken_over[key] for key in ("waiting", "in_flight", "delayed", "dead")}
        oldest = max(outgoing["oldest_seconds"], taken_over["oldest_seconds"])
        incoming = asdict(self.incoming.depth())
        return {
            "outgoing": {**sums, "oldest_seconds": round(oldest, 1)},
            "incoming": {**incoming, "oldest_seconds": round(incoming["oldest_seconds"], 1)},
        }
