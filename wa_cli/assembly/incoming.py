"""The incoming worker, built from its queue, its outbox, its spools and the downloader of customers' files."""

from __future__ import annotations

from dataclasses import dataclass

from wa_cli.database.engine import Database
from wa_cli.media.downloader import Downloader
from wa_cli.media.downloads import Files
from wa_cli.outbox.outbox import Outbox
from wa_cli.outbox.spool import Spool
from wa_cli.queues.base import Queue
from wa_cli.runtime.watchdog import Progress
from wa_cli.settings.schema import Settings
from wa_cli.telemetry.emitter import Emitter
from wa_cli.telemetry.events import Emit
from wa_cli.telemetry.meter import Meter
from wa_cli.workers.incoming_maintenance import IncomingMaintenance
from wa_cli.workers.intake import Intake
from wa_cli.workers.recorders import IncomingRecorder
from wa_cli.workers.spooled_webhooks import SpooledWebhooks
from wa_cli.workers.worker import IncomingWorker


@dataclass(frozen=True)
class IncomingParts:
    """The parts of an incoming worker. `spool` is the spool of outcomes, `webhook_spool` that of webhooks."""

    queue: Queue
    database: Database
    outbox: Outbox
    spool: Spool
    webhook_spool: Spool


def build_worker(
    parts: IncomingParts, settings: Settings, emit: Emit, *, downloader: Downloader | None = None, drain: bool = False
) -> IncomingWorker:
    """Return the worker. `downloader` saves customers' files beside it."""
    meter, progress = Meter(), Progress()
    emit = Emitter(meter, emit)
    maintenance = IncomingMaintenance(
        parts.outbox,
        Files(parts.database),
        SpooledWebhooks(parts.queue, parts.webhook_spool, emit),
        keep=settings.keep_final,
        emit=emit,
        progress=progress,
        stored_per_second=meter.rate,
    )
    recorder = IncomingRecorder(parts.outbox, parts.spool)
    intake = Intake(
        parts.queue,
        parts.database,
        recorder,
        maintenance,
        salvager=recorder,
        lease=settings.queue_lease,
        emit=emit,
        progress=progress,
    )
    return IncomingWorker(intake, maintenance, meter, downloader=downloader, drain=drain)
