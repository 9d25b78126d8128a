"""An answer of the API, as the stages of the sender hand it on."""

from __future__ import annotations

from dataclasses import dataclass

from wa_cli.outbox.settlement import Settlement
from wa_cli.outbox.spool import Entry


@dataclass(frozen=True)
class Answer:
    """A settlement on its way from the API to the database.

    `claimed_at` is the time of its claim on the monotonic clock. `entry` is its place in the spool, or None before it
    has one, and if the disk is full.
    """

    settlement: Settlement
    claimed_at: float
    is_probe: bool
    entry: Entry | None = None
