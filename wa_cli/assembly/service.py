"""The HTTP service: webhook receiver, messaging API, health and metrics."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from wa_cli.assembly import gauges
from wa_cli.errors import ConfigError

if TYPE_CHECKING:
    from wa_cli.backlog import Backlog
    from wa_cli.database.engine import Database
    from wa_cli.outbox.spool import Spool
    from wa_cli.queues.base import Queue
    from wa_cli.server.auth import Keys
    from wa_cli.server.dedup_cache import DedupCache
    from wa_cli.server.ingest import Ingest
    from wa_cli.server.listening import Service
    from wa_cli.settings.schema import Settings
    from wa_cli.submit import Submitter
    from wa_cli.telemetry.events import Emit

PACKAGES = ("fastapi", "uvicorn", "httptools", "prometheus_client")


@dataclass(frozen=True)
class ServiceParts:
    """The parts of the HTTP service.

    `app_secret` is None if unsigned webhooks are accepted. `failing_checks` returns the names of failing checks.
    """

    queue: Queue
    database: Database
    webhook_spool: Spool
    submitter: Submitter
    backlog: Backlog
    keys: Keys
    app_secret: str | None
    verify_token: str | None
    failing_checks: Callable[[], list[str]]


def require_server() -> None:
    """Raise ConfigError if a package of the service is missing. Loads none: prometheus_client reads the environment."""
    for name in PACKAGES:
        if not _is_installed(name):
            raise ConfigError(
                f"The service is not installed: {name} is missing.", command="pip install 'wa-ops[server]'"
            )


def build_service(bound: socket.socket, parts: ServiceParts, settings: Settings, emit: Emit) -> tuple[Service, Ingest]:
    """Return the service on the bound socket, and the ingest that runs beside it."""
    require_server()
    from wa_cli.server import app, health, ingest, messaging, webhook
    from wa_cli.server.employees import EmployeeLookup
    from wa_cli.server.listening import Service
    from wa_cli.store.employees import id_of
    from wa_cli.telemetry.emitter import Emitter
    from wa_cli.telemetry.metrics import Metrics
    from wa_cli.workers.spooled_webhooks import SpooledWebhooks

    sources = gauges.of_process(gauges.WEBHOOK_SPOOL, parts.webhook_spool, parts.backlog.status, parts.database)
    metrics = Metrics(sources)
    emitter = Emitter(metrics, emit)
    spooled = SpooledWebhooks(parts.queue, parts.webhook_spool, emitter)
    cache = _dedup_cache(parts, settings, emitter)
    entry = ingest.Ingest(parts.queue, spooled, emit=emitter, dedup_cache=cache)
    employees = EmployeeLookup(partial(id_of, parts.database, by_whole_words=True))
    employees.check(parts.keys.keys)
    application = app.create(
        webhook.routes(entry, app_secret=parts.app_secret, verify_token=parts.verify_token, emit=emitter),
        messaging.routes(parts.submitter, parts.backlog, parts.keys, employees, language=settings.template_language),
        health.routes(parts.database, metrics, parts.keys, parts.failing_checks),
        emit=emitter,
    )
    return Service(application, bound, emitter), entry


def _dedup_cache(parts: ServiceParts, settings: Settings, emit: Emit) -> DedupCache | None:
    if settings.dedup_table is None:
        return None
    from wa_cli.server import dedup_cache

    scope = f"{parts.webhook_spool.folder.name}/"
    return dedup_cache.DedupCache(settings.dedup_table, dedup_cache.connect(), emit, scope=scope)


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:
        return False
