"""The backlog of both directions: messages on the queue, and messages in the outbox."""

from __future__ import annotations

from typing import Any

from wa_cli.outbox.outbox import Outbox, OutboxDepth
from wa_cli.queues.base import Depth, Queue


class Backlog:
    def __init__(self, outgoing: Queue, incoming: Queue, outbox: Outbox) -> None:
        self.outgoing = outgoing
        self.incoming = incoming
        self.outbox = outbox

    def status(self) -> dict[str, dict[str, Any]]:
        """Return for each direction waiting, in_flight, delayed, dead (counts) and oldest_seconds, or None if it is
        unknown.
        """
        return {
            "outgoing": _sum(self.outgoing.dead_count(), self.outgoing.depth(), self.outbox.depth()),
            "incoming": _sum(self.incoming.dead_count(), self.incoming.depth()),
        }


def _sum(dead: int, *depths: Depth | OutboxDepth) -> dict[str, Any]:
    ages = [depth.oldest_seconds for depth in depths if depth.oldest_seconds is not None]
    return {
        "waiting": sum(depth.waiting for depth in depths),
        "in_flight": sum(depth.in_flight for depth in depths),
        "delayed": sum(depth.delayed for depth in depths),
        "dead": dead,
        "oldest_seconds": round(max(ages), 1) if ages else None,
    }
