"""The outgoing worker, built from its queue, its outbox, its spool and its client."""

from __future__ import annotations

from dataclasses import dataclass

from wa_cli.cloud.client import CloudClient
from wa_cli.database.engine import Database
from wa_cli.outbox.outbox import Outbox
from wa_cli.outbox.spool import Spool
from wa_cli.queues.base import Queue
from wa_cli.runtime.watchdog import Progress
from wa_cli.settings.schema import Settings
from wa_cli.telemetry.events import Emit
from wa_cli.workers import persist
from wa_cli.workers.degraded_mode import DegradedMode
from wa_cli.workers.intake import Intake
from wa_cli.workers.maintenance import Maintenance, UncertaintyLimits
from wa_cli.workers.sender import Sender, through
from wa_cli.workers.worker import OutgoingWorker

# A worker that never reached the database takes this part of WA_RATE as its share.
UNKNOWN_WORKERS = 10


@dataclass(frozen=True)
class OutgoingParts:
    """`degraded_spool` is a second spool on the same folder, for degraded mode."""

    queue: Queue
    database: Database
    outbox: Outbox
    spool: Spool
    degraded_spool: Spool
    client: CloudClient


def build_worker(
    parts: OutgoingParts, settings: Settings, emit: Emit, *, drain: bool = False, require_storage: bool = False
) -> OutgoingWorker:
    """Return the worker. With `require_storage` nothing is sent while the database is unavailable."""
    progress = Progress()
    limits = UncertaintyLimits(
        wait=settings.uncertain_wait,
        silence=settings.silence_limit,
        evidence_limit=settings.evidence_limit,
        keep_final=settings.keep_final,
    )
    maintenance = Maintenance(parts.outbox, parts.spool, limits, settings.outgoing_lease, emit, progress=progress)
    can_degrade = not (require_storage or parts.queue.in_database)
    degraded_mode = _degraded_mode(parts, settings, maintenance, emit) if can_degrade else None

    def on_return() -> None:
        if degraded_mode:
            degraded_mode.end()
        maintenance.adopt()

    sender = Sender(
        parts.outbox,
        parts.spool,
        through(parts.client),
        concurrency=settings.concurrency,
        lease=settings.outgoing_lease,
        send_timeout=settings.send_timeout,
        rate=settings.rate,
        emit=emit,
        on_return=on_return,
        progress=progress,
    )
    intake = Intake(
        parts.queue,
        parts.database,
        persist.outgoing(parts.outbox, settings.template_language),
        lease=settings.incoming_lease,
        emit=emit,
        probe=maintenance.live,
        on_return=on_return,
        degraded_mode=degraded_mode,
        degraded_after=settings.degraded_after,
        progress=progress,
    )
    return OutgoingWorker(intake, sender, maintenance, stop_timeout=settings.stop_timeout, drain=drain)


def _degraded_mode(parts: OutgoingParts, settings: Settings, maintenance: Maintenance, emit: Emit) -> DegradedMode:
    return DegradedMode(
        parts.queue,
        parts.degraded_spool,
        through(parts.client),
        number=parts.outbox.number,
        language=settings.template_language,
        concurrency=settings.concurrency,
        lease=settings.outgoing_lease,
        send_timeout=settings.send_timeout,
        share=lambda: settings.rate / UNKNOWN_WORKERS if maintenance.share is None else maintenance.share,
        patience=settings.stop_timeout,
        emit=emit,
    )
