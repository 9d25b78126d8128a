"""The settings and the parts of one command, and its lines for people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from wa_cli.assembly.databases import Databases
from wa_cli.assembly.endpoint import Endpoint
from wa_cli.assembly.queues import Queues, Spools
from wa_cli.clock import check_zone, now
from wa_cli.errors import BadInput, ConfigError, DatabaseUnavailable
from wa_cli.runtime.tasks import within
from wa_cli.settings import schema, sources
from wa_cli.settings.schema import Settings
from wa_cli.settings.sources import Loaded
from wa_cli.telemetry.events import Emit
from wa_cli.telemetry.logs import emit, print_note

if TYPE_CHECKING:
    import socket

    from wa_cli.assembly.publishing import Published
    from wa_cli.backlog import Backlog
    from wa_cli.checks.installation import Installation
    from wa_cli.cloud.client import CloudClient
    from wa_cli.database.engine import Database
    from wa_cli.media.downloader import Downloader
    from wa_cli.media.downloads import Files
    from wa_cli.media.stores import MediaStore
    from wa_cli.messages.outgoing import OutgoingMessage
    from wa_cli.outbox.outbox import Outbox
    from wa_cli.reports.hours import Hours
    from wa_cli.sandbox.app import Options
    from wa_cli.server.auth import Keys
    from wa_cli.server.ingest import Ingest
    from wa_cli.server.listening import Service
    from wa_cli.store.conversations import Conversations
    from wa_cli.submit import Submitter
    from wa_cli.workers.worker import IncomingWorker, OutgoingWorker

T = TypeVar("T")
LOOPBACK = ("127.0.0.1", "::1")


def or_unavailable(once: Callable[[], T]) -> T | None:
    """Return the result of `once`, or None with a note if the database is unavailable."""
    try:
        return once()
    except DatabaseUnavailable as error:
        print_note(f"{now():%H:%M:%S} UTC: {error.message}")
        return None


WINDOW_LIMIT = timedelta(seconds=2)


class AppContext:
    """The loaded settings and the parts of one command.

    `part` names a second installation on the same embedded server, with its own database and data folder.
    """

    def __init__(self, loaded: Loaded, *, application: str = "wa", part: str = "") -> None:
        self.application = application
        self._part = part
        self.use(loaded)

    @classmethod
    def of(cls, ctx: typer.Context, **flags: object) -> AppContext:
        """Return the context of this command line. `flags` are settings that its options gave."""
        root = ctx.find_root()
        if not isinstance(root.obj, cls):
            given = {name: str(value) for name, value in flags.items() if value is not None}
            loaded = sources.load(profile=root.params.get("profile"), flags=given)
            for name, place in loaded.unknown_origins.items():
                suggestion = sources.suggest(name.removeprefix("WA_").lower())
                print_note(f"{name} (from {place}) is not a setting. {suggestion}")
            root.obj = cls(loaded)
        return root.obj

    def use(self, loaded: Loaded) -> None:
        """Take these settings. Parts that are built from now on follow them."""
        self.loaded = loaded
        folder = loaded.settings.home / self._part if self._part else loaded.settings.home
        name = f"wa_{self._part}" if self._part else "wa"
        self.databases = Databases(loaded, application=self.application, name=name, note=print_note)
        self.endpoint = Endpoint(loaded, folder, print_note)
        self.queues = Queues(self.databases)
        self.spools = Spools(self.databases, folder)

    def beside(self, part: str, **changes: Any) -> AppContext:
        """Return the context of a second installation beside this one, with none of its settings but these changes."""
        settings = Settings(home=self.settings.home, timezone=self.settings.timezone, **changes)
        origins = {name: sources.Origin("default", given=False) for name in self.loaded.origins}
        return AppContext(Loaded(settings, origins, None), application=self.application, part=part)

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    @property
    def database(self) -> Database:
        return self.databases.main

    @cached_property
    def outbox(self) -> Outbox:
        from wa_cli.outbox.outbox import Outbox

        return Outbox(
            self.database,
            self.endpoint.known_number or "",
            business_phone=self.settings.business_phone,
            on_uncertain=self.settings.on_uncertain,
        )

    @cached_property
    def backlog(self) -> Backlog:
        from wa_cli.backlog import Backlog

        return Backlog(self.queues.outgoing, self.queues.incoming, self.outbox)

    @cached_property
    def submitter(self) -> Submitter:
        from wa_cli.submit import Submitter

        return Submitter(
            self.queues.outgoing,
            number=self.endpoint.known_number,
            rate=self.settings.rate,
            waiting=self._waiting_in_front,
            find_taken=lambda messages: self.outbox.find_taken(messages),
            find_closed=self._closed_windows,
            find_known=lambda references: self.outbox.find_known(references),
            in_seconds=self.settings.estimate_format == "seconds",
        )

    def _closed_windows(self, messages: Sequence[OutgoingMessage]) -> Mapping[str, datetime]:
        """Return the closed windows. Raises DatabaseUnavailable after two seconds, whatever the server does."""
        from wa_cli.store.windows import find_closed

        def find() -> Mapping[str, datetime]:
            with self.database.autocommit() as connection:  # one statement needs no transaction
                return find_closed(connection, [message.customer for message in messages], self.settings.business_phone)

        try:
            return within(WINDOW_LIMIT, find)
        except TimeoutError as error:
            raise DatabaseUnavailable(f"Database unavailable: {error}") from error

    def _waiting_in_front(self) -> int:
        """Return the number of messages in front of a new one. With SQS the database is not asked: it may be unavailable."""
        outbox = 0 if self.queues.are_sqs else self.outbox.depth().waiting
        return self.queues.outgoing.depth().waiting + outbox

    @cached_property
    def conversations(self) -> Conversations:
        from wa_cli.store.conversations import Conversations

        return Conversations(self.databases.reports, self.settings.report_timeout)

    @cached_property
    def downloads(self) -> Files:
        from wa_cli.media.downloads import Files

        return Files(self.database)

    def media_store(self) -> MediaStore | None:
        from wa_cli.media.stores import open_store

        return open_store(self.settings.media) if self.settings.media else None

    @cached_property
    def keys(self) -> Keys:
        from wa_cli.server.auth import Keys, parse_keys

        return Keys(parse_keys(self.settings.api_keys), open_to_this_machine=not self.loaded.production)

    def zone(self, given: str | None) -> str:
        """Return the given time zone, or WA_TIMEZONE. Raises BadInput for an unknown zone."""
        return check_zone(self.settings.timezone if given is None else given)

    @cached_property
    def business_hours(self) -> Hours | None:
        from wa_cli.reports.hours import parse, parse_holidays

        hours, holidays = self.settings.business_hours, self.settings.holidays
        try:
            parse_holidays(holidays)
            parsed = parse(hours, holidays) if hours else None
        except BadInput as error:
            if self.loaded.origins["business_hours"].place == sources.FLAG:
                raise BadInput(error.message, hint=error.hint) from None
            given = [name for name in ("business_hours", "holidays") if getattr(self.settings, name)]
            places = ", ".join(f"{schema.env_name(name)} from {self.loaded.origins[name].place}" for name in given)
            raise ConfigError(f"{error.message} ({places})", hint=error.hint) from None
        return parsed

    def installation(self, since: datetime) -> Installation:
        """Return the installation as checks examine it, from `since` on."""
        from wa_cli.assembly.installation import build_installation

        return build_installation(
            self.databases,
            self.queues,
            self.spools,
            self.endpoint,
            backlog=lambda: self.backlog,
            media_store=self.media_store,
            since=since,
        )

    def cloud(self, options: Options | None = None) -> AbstractAsyncContextManager[CloudClient]:
        return self.endpoint.client(options)

    def outgoing_worker(
        self, client: CloudClient, *, drain: bool = False, degrades: bool = False, emit: Emit = emit
    ) -> OutgoingWorker:
        from wa_cli.assembly.outgoing import OutgoingParts, build_worker

        self.databases.guard_against_freezing()
        spool = self.spools.outcomes
        parts = OutgoingParts(
            self.queues.outgoing, self.database, self.outbox, spool, self.spools.another(spool), client
        )
        return build_worker(parts, self.settings, emit, drain=drain, degrades=degrades)

    def incoming_worker(
        self, *, downloader: Downloader | None = None, drain: bool = False, emit: Emit = emit
    ) -> IncomingWorker:
        from wa_cli.assembly.incoming import IncomingParts, build_worker

        self.databases.guard_against_freezing()
        spools = self.spools
        parts = IncomingParts(self.queues.incoming, self.database, self.outbox, spools.outcomes, spools.webhooks)
        return build_worker(parts, self.settings, emit, downloader=downloader, drain=drain)

    @asynccontextmanager
    async def downloader(self, emit: Emit = emit) -> AsyncIterator[Downloader | None]:
        """Yield the downloader of customers' files, with its client, or None if no media store is configured."""
        store = self.media_store()
        if store is None:
            yield None
            return
        from wa_cli.media.downloader import Downloader

        async with self.cloud() as client:
            yield Downloader(self.downloads, client.media, store, emit)

    @contextmanager
    def publishing(self, program: str) -> Iterator[Published]:
        """Publish metrics of a worker or of the service, where they are configured, until the end of the block."""
        from wa_cli.assembly import gauges
        from wa_cli.assembly.publishing import publishing

        spools = {"outgoing": (gauges.OUTCOME_SPOOL, self.spools.outcomes)}
        gauge, folder = spools.get(program, (gauges.WEBHOOK_SPOOL, self.spools.webhooks))
        sources = gauges.of_process(gauge, folder, lambda: self.backlog.status(), self.databases.unchecked)
        serves = self.settings.metrics_port is not None and program != "service"
        with publishing(self.settings, program, emit, sources, serves_metrics=serves) as published:
            yield published

    def worker_endpoint(
        self, worker: OutgoingWorker | IncomingWorker, published: Published
    ) -> AbstractAsyncContextManager[None]:
        """Answer on WA_HEALTH_PORT and WA_METRICS_PORT, if they are configured, until the end of the block."""
        from wa_cli.server.worker_endpoint import Routes, worker_endpoint

        heartbeat, metrics = worker.maintenance.heartbeat, published.metrics
        routes = Routes(
            silence=heartbeat.silence,
            state=lambda: {"kind": heartbeat.kind, "rate": round(worker.meter.rate(), 1)},
            metrics=metrics.text if metrics else None,
            may_read=self._may_read_metrics,
        )
        ports = {"health": self.settings.health_port, "metrics": self.settings.metrics_port}
        return worker_endpoint(routes, self.settings.host, **ports)

    def _may_read_metrics(self, peer: str | None, headers: Mapping[str, str]) -> bool:
        """Return True for a caller with a key, and without any key for programs of this machine."""
        return self.keys.caller(peer, headers) is not None or (not self.keys.keys and peer in LOOPBACK)

    def service(self, bound: socket.socket, *, insecure: bool = False, emit: Emit = emit) -> tuple[Service, Ingest]:
        """Return the HTTP service and the ingest that runs beside it. With `insecure` unsigned webhooks are accepted."""
        from wa_cli.assembly.service import ServiceParts, build_service

        self.databases.guard_against_freezing()
        parts = ServiceParts(
            self.queues.incoming,
            self.database,
            self.spools.webhooks,
            self.submitter,
            self.backlog,
            self.keys,
            app_secret=None if insecure else self.endpoint.app_secret,
            verify_token=self.endpoint.verify_token,
            failing_checks=self._failing_checks,
        )
        return build_service(bound, parts, self.settings, emit)

    def _failing_checks(self) -> list[str]:
        """Return the names of the failing checks of sending."""
        from wa_cli.checks import catalogue
        from wa_cli.checks.finding import Level

        found = catalogue.run_all(catalogue.find(catalogue.SENDING), self.installation(now()))
        return [check.name for check, finding in found if finding.level is Level.FAILED]
