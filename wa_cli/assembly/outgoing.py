"""The outgoing worker, built from its queue, its outbox, its spool and its client."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from wa_cli.cloud.client import CloudClient
from wa_cli.database.engine import Database
from wa_cli.outbox.outbox import Outbox
from wa_cli.outbox.spool import Spool
from wa_cli.queues.base import Queue
from wa_cli.runtime.watchdog import Progress
from wa_cli.settings.schema import Settings
from wa_cli.telemetry.emitter import Emitter
from wa_cli.telemetry.events import Emit
from wa_cli.telemetry.meter import Meter
from wa_cli.workers.degraded_mode import DegradedMode, RateShare
from wa_cli.workers.dispatch import Dispatch
from wa_cli.workers.intake import Intake
from wa_cli.workers.maintenance import Maintenance, UncertaintyLimits
from wa_cli.workers.number_state import NumberState
from wa_cli.workers.recorders import OutgoingRecorder
from wa_cli.workers.recovery import Recovery
from wa_cli.workers.sender import Sender
from wa_cli.workers.settling import Settling
from wa_cli.workers.spooled_outcomes import SpooledOutcomes
from wa_cli.workers.spooling import Spooling
from wa_cli.workers.worker import OutgoingWorker

# A worker that never reached the database takes this part of WA_RATE as its share.
UNKNOWN_WORKERS = 10


@dataclass(frozen=True)
class OutgoingParts:
    """The parts of an outgoing worker. `degraded_spool` is a second spool on the same folder, for degraded mode."""

    queue: Queue
    database: Database
    outbox: Outbox
    spool: Spool
    degraded_spool: Spool
    client: CloudClient


def build_worker(
    parts: OutgoingParts, settings: Settings, emit: Emit, *, drain: bool = False, degrades: bool = False
) -> OutgoingWorker:
    """Return the worker. If it `degrades`, it sends while the database is unavailable too."""
    meter = Meter()
    emit = Emitter(meter, emit)
    share, progress, work_came = RateShare(settings.rate / UNKNOWN_WORKERS), Progress(), asyncio.Event()
    degraded_mode = _degraded_mode(parts, share, settings, emit) if degrades else None
    maintenance = Maintenance(
        parts.outbox,
        SpooledOutcomes(parts.outbox, parts.spool, settings.claim_lease, emit),
        _limits(settings),
        emit,
        share=share,
        degraded_mode=degraded_mode,
        progress=progress,
        sent_per_second=meter.rate,
    )
    intake = Intake(
        parts.queue,
        parts.database,
        OutgoingRecorder(parts.outbox, settings.template_language),
        maintenance,
        lease=settings.queue_lease,
        emit=emit,
        degraded_mode=degraded_mode,
        degraded_after=settings.degraded_after,
        work_came=work_came,
        progress=progress,
    )
    sender = _sender(parts, maintenance, settings, work_came, progress, emit)
    return OutgoingWorker(intake, sender, maintenance, meter, stop_timeout=settings.stop_timeout, drain=drain)


def _sender(
    parts: OutgoingParts,
    recovery: Recovery,
    settings: Settings,
    work_came: asyncio.Event,
    progress: Progress,
    emit: Emit,
) -> Sender:
    """Return the sender, built from its last stage to its first."""
    number_state = NumberState(parts.outbox.rate_limit, emit)
    settling = Settling(parts.outbox, parts.spool, number_state, work_came, emit, progress)
    spooling = Spooling(parts.spool, settling, emit)
    dispatch = Dispatch(
        parts.outbox,
        parts.client,
        spooling,
        concurrency=settings.concurrency,
        lease=settings.claim_lease,
        send_timeout=settings.send_timeout,
        emit=emit,
    )
    return Sender(
        parts.outbox, dispatch, spooling, settling, recovery, rate=settings.rate, work_came=work_came, emit=emit
    )


def _limits(settings: Settings) -> UncertaintyLimits:
    return UncertaintyLimits(
        wait=settings.uncertain_wait,
        silence=settings.silence_limit,
        evidence_limit=settings.evidence_limit,
        keep_final=settings.keep_final,
    )


def _degraded_mode(parts: OutgoingParts, share: RateShare, settings: Settings, emit: Emit) -> DegradedMode:
    return DegradedMode(
        parts.queue,
        parts.degraded_spool,
        parts.client,
        share,
        number=parts.outbox.number,
        language=settings.template_language,
        concurrency=settings.concurrency,
        lease=settings.claim_lease,
        send_timeout=settings.send_timeout,
        patience=settings.stop_timeout,
        emit=emit,
    )
