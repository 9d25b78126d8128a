"""Builds everything from the settings; the only module that knows all the others.

Each part is made when it is first asked for, so that a command loads what it uses and no more.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from wa_cli.clock import check_zone, now
from wa_cli.errors import BadInput, ConfigError, DatabaseUnavailable
from wa_cli.sandbox import NUMBER as SANDBOX_NUMBER
from wa_cli.settings import display, schema, sources
from wa_cli.settings.parsers import EMBEDDED, SANDBOX
from wa_cli.settings.schema import Settings
from wa_cli.settings.sources import Loaded
from wa_cli.telemetry.logs import Emit, emit, one_line

if TYPE_CHECKING:
    import sqlalchemy as sa

    from wa_cli.backlog import Backlog
    from wa_cli.cloud.client import CloudClient
    from wa_cli.database.embedded import EmbeddedServer
    from wa_cli.database.engine import Database
    from wa_cli.media.downloader import Downloader
    from wa_cli.media.downloads import Files
    from wa_cli.media.stores import MediaStore
    from wa_cli.outbox.outbox import Outbox
    from wa_cli.outbox.spool import Spool
    from wa_cli.queues.base import Queue
    from wa_cli.queues.sqs import SqsQueue
    from wa_cli.reports.hours import Hours
    from wa_cli.sandbox.app import Options
    from wa_cli.server.auth import Keys
    from wa_cli.server.dedup_cache import DedupCache
    from wa_cli.server.ingest import Ingest
    from wa_cli.server.listening import Service
    from wa_cli.store.conversations import Conversations
    from wa_cli.submit import Submitter
    from wa_cli.verify.base import Check
    from wa_cli.workers.degraded_mode import DegradedMode
    from wa_cli.workers.maintenance import Maintenance
    from wa_cli.workers.spooled_webhooks import SpooledWebhooks
    from wa_cli.workers.worker import IncomingWorker, OutgoingWorker

T = TypeVar("T")
# A worker that never saw the database takes this part of WA_RATE for its own.
UNKNOWN_WORKERS = 10
SANDBOX_TOKEN = "sandbox"  # noqa: S105 — what the sandbox takes, nobody else


def require_server() -> None:
    """Raise ConfigError where a package of the HTTP service is missing. Loads none: prometheus_client reads the environment."""
    for name in ("fastapi", "uvicorn", "httptools", "prometheus_client"):
        if not _is_installed(name):
            raise ConfigError(f"The service is not installed: {name} is missing.", hint="pip install 'wa-cli[server]'")


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:
        return False


def print_note(line: str) -> None:
    """Talk, which goes to stderr: stdout is for data."""
    print(one_line(line), file=sys.stderr, flush=True)


def or_unavailable(once: Callable[[], T]) -> T | None:
    """None while the database is away: it will be back, and who watches is told."""
    try:
        return once()
    except DatabaseUnavailable as error:
        print_note(f"{now():%H:%M:%S} UTC: {error.message}")
        return None


class AppContext:
    """The program's parts, built from one set of settings. `database_name` and `folder` let a demo live beside the rest."""

    def __init__(self, loaded: Loaded, *, application: str = "wa", database_name: str = "wa", part: str = "") -> None:
        self.loaded = loaded
        self.application = application
        self.database_name = database_name
        self.folder = loaded.settings.home / part if part else loaded.settings.home

    @classmethod
    def of(cls, ctx: typer.Context, **flags: str | None) -> AppContext:
        """Return the context of this command line. `flags` are settings that its options gave."""
        root = ctx.find_root()
        if not isinstance(root.obj, cls):
            given = {name: value for name, value in flags.items() if value is not None}
            loaded = sources.load(profile=root.params.get("profile"), flags=given)
            for name, place in loaded.unknown_origins.items():
                print_note(
                    f"{name} (from {place}) is not a setting. {sources.suggest(name.removeprefix('WA_').lower())}"
                )
            root.obj = cls(loaded)
        return root.obj

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    def beside(self, part: str, **changes: Any) -> AppContext:
        """A house of its own on the same embedded server: another database and data folder, nothing of these settings."""
        settings = Settings(home=self.settings.home, timezone=self.settings.timezone, **changes)
        origins = {name: sources.Origin("default", given=False) for name in self.loaded.origins}
        loaded = Loaded(settings, origins, None)
        return AppContext(loaded, application=self.application, database_name=f"wa_{part}", part=part)

    # The database.

    @cached_property
    def is_embedded(self) -> bool:
        return self.loaded.need("database_url", EMBEDDED) == EMBEDDED

    @cached_property
    def embedded(self) -> EmbeddedServer:
        from wa_cli.database.embedded import EmbeddedServer

        # libpq would take a host, a port and options from there, for connections to this server too.
        for name in [name for name in os.environ if name.startswith("PG")]:
            del os.environ[name]
        return EmbeddedServer(self.settings.home)

    def database_url(self) -> str:
        """The URL in force; the embedded server is started for it."""
        if not self.is_embedded:
            return self.loaded.need("database_url", EMBEDDED)
        if self.embedded.ensure(self.database_name):
            print_note(f"Started the embedded database in {self.embedded.data}; it stays up until: wa db stop")
        return self.embedded.url(self.database_name)

    @cached_property
    def unchecked_database(self) -> Database:
        """The database as it is, whatever its schema."""
        from wa_cli.database.engine import Database, be_interruptible

        be_interruptible()
        name = f"{self.application}/{socket.gethostname()}/{os.getpid()}"
        url = self.database_url()
        with self._naming("database_url"):
            return Database(url, application=name, statement_timeout=self.settings.statement_timeout)

    @cached_property
    def database(self) -> Database:
        """The database with the schema this program needs: migrated when it is our own, else checked by one SELECT."""
        from wa_cli.errors import SchemaTooOld
        from wa_cli.migrations import runner

        database = self.unchecked_database
        if self.is_embedded:
            print_note(f"Using the embedded database in {self.embedded.data}.")
        try:
            runner.check(database)
        except SchemaTooOld:
            if not self.is_embedded:
                raise
            runner.Migrator(database).apply()
        return database

    @cached_property
    def report_database(self) -> Database:
        """Where the reports are asked: a replica, where there is one."""
        from wa_cli.database.engine import Database

        url = self.settings.report_database_url
        if url is None:
            return self.database
        with self._naming("report_database_url"):
            return Database(
                url, application=f"{self.application}/reports", statement_timeout=self.settings.report_timeout
            )

    @contextmanager
    def _naming(self, name: str) -> Iterator[None]:
        """Add the setting, its value and its origin to the error about the value."""
        try:
            yield
        except ConfigError as error:
            value, place = display.shown(self.loaded, name), self.loaded.origins[name].place
            said = f"{error.message} {schema.env_name(name)} (from {place}) is {value!r}."
            raise ConfigError(said, hint=error.hint) from None

    @cached_property
    def conversations(self) -> Conversations:
        from wa_cli.store.conversations import Conversations

        return Conversations(self.report_database, self.settings.report_timeout)

    def zone(self, asked: str | None) -> str:
        """The zone whose days and hours are meant. Raises BadInput for none there is."""
        return check_zone(self.settings.timezone if asked is None else asked)

    @cached_property
    def business_hours(self) -> Hours | None:
        from wa_cli.reports.hours import parse

        hours, holidays = self.settings.business_hours, self.settings.holidays
        if not hours:
            return None
        try:
            return parse(hours, holidays)
        except BadInput as error:
            places = f"WA_BUSINESS_HOURS from {self.loaded.origins['business_hours'].place}"
            places += f", WA_HOLIDAYS from {self.loaded.origins['holidays'].place}" if holidays else ""
            raise BadInput(f"{error.message} ({places})", hint=error.hint) from None

    def check_database(self, *, can_wait: bool) -> None:
        """Raise what is wrong with the database, unless it is only away and there is a way round it."""
        from wa_cli.telemetry import events

        try:
            self.database  # noqa: B018 — asking is connecting
        except DatabaseUnavailable as error:
            if not can_wait:
                raise
            emit(events.Unavailable("The database", error.message))
            self.database = self.unchecked_database

    # Queues and what stands on them.

    @cached_property
    def outgoing_queue(self) -> Queue:
        return self._queue("outgoing")

    @cached_property
    def incoming_queue(self) -> Queue:
        return self._queue("incoming")

    def _queue(self, name: str) -> Queue:
        if self.settings.queue == schema.SQS:
            return self.sqs(name)
        from wa_cli.queues.postgres import PostgresQueue

        return PostgresQueue(name, self.database.transaction)

    @cached_property
    def outbox(self) -> Outbox:
        from wa_cli.outbox.outbox import Outbox

        return Outbox(
            self.database,
            self.known_number or "",
            business_phone=self.settings.business_phone,
            on_uncertain=self.settings.on_uncertain,
        )

    @cached_property
    def spool(self) -> Spool:
        from wa_cli.outbox.spool import Spool

        # A folder for each database: verdicts of one mean nothing to another.
        url = self._known_database_url()
        mark = hashlib.sha256(f"{url.host or url.query.get('host')}:{url.port}/{url.database}".encode()).hexdigest()[:8]
        return Spool(self.spool_home / f"{url.database}-{mark}", quota=self.settings.spool_quota)

    @property
    def spool_home(self) -> Path:
        """The folder in which every spool of this installation has its own."""
        return self.settings.spool or self.folder / "spool"

    def _known_database_url(self) -> sa.URL:
        """As the settings have it: nothing is started for it."""
        import sqlalchemy as sa

        from wa_cli.database.engine import normalise

        if self.is_embedded:
            return sa.make_url(self.embedded.url(self.database_name))
        return sa.make_url(normalise(self.loaded.need("database_url", EMBEDDED)))

    @cached_property
    def webhook_spool(self) -> Spool:
        """Webhooks that wait for their queue: a folder for each queue."""
        from wa_cli.outbox.spool import Spool

        if self.settings.queue == schema.SQS:
            url = self.loaded.need("incoming_queue_url", "")
            name = f"webhooks-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
        else:
            name = f"webhooks-{self.spool.folder.name}"
        return Spool(self.spool.folder.parent / name, quota=self.settings.spool_quota)

    def spooled_webhooks(self, emit: Emit) -> SpooledWebhooks:
        from wa_cli.workers.spooled_webhooks import SpooledWebhooks

        return SpooledWebhooks(self.incoming_queue, self.webhook_spool, emit)

    @cached_property
    def backlog(self) -> Backlog:
        from wa_cli.backlog import Backlog

        return Backlog(self.outgoing_queue, self.incoming_queue, self.outbox)

    @cached_property
    def submitter(self) -> Submitter:
        from wa_cli.submit import Submitter

        return Submitter(
            self.outgoing_queue,
            number=self.known_number,
            rate=self.settings.rate,
            waiting=lambda: self.outgoing_queue.depth().waiting,
            is_taken=lambda message: self.outbox.is_taken(message),
        )

    # The Cloud API, or the sandbox in its place.

    @cached_property
    def uses_sandbox(self) -> bool:
        return self.loaded.need("cloud_api_url", SANDBOX) == SANDBOX

    @cached_property
    def number(self) -> str:
        return SANDBOX_NUMBER if self.uses_sandbox else self._needed("phone_number_id")

    @property
    def known_number(self) -> str | None:
        """The number that messages from here are for, where the settings say it: not everyone who queues can send."""
        return SANDBOX_NUMBER if self.is_in_sandbox else self.settings.phone_number_id

    @property
    def is_in_sandbox(self) -> bool:
        """Whether the settings say so, or say nothing of production; where they say too little, this asks for no more."""
        return self.settings.cloud_api_url == SANDBOX or not self.loaded.production

    @property
    def sandbox_folder(self) -> Path:
        return self.folder / "sandbox"

    @cached_property
    def app_secret(self) -> str:
        """The key of the webhooks' signatures; the sandbox signs with it too, and has one of its own where none is given."""
        if self.settings.app_secret or not self.uses_sandbox:
            return self._needed("app_secret")
        from wa_cli.sandbox.host import app_secret

        return app_secret(self.sandbox_folder)

    def _needed(self, name: str) -> str:
        value = getattr(self.settings, name)
        if value is None:
            raise ConfigError(f"{schema.env_name(name)} is missing.", hint="wa config show prints what is in force.")
        return str(value)

    def _access_token_now(self) -> str | None:
        """The token as the settings' sources have it now, for one that was replaced while the process runs."""
        return sources.load(profile=self.loaded.profile).settings.access_token

    @asynccontextmanager
    async def cloud(self, options: Options | None = None) -> AsyncIterator[CloudClient]:
        """The client, and where it speaks to the sandbox, the sandbox up behind it."""
        from wa_cli.cloud.client import CloudClient

        settings = self.settings
        token = SANDBOX_TOKEN if self.uses_sandbox else self._needed("access_token")
        client = CloudClient(
            "" if self.uses_sandbox else self.loaded.need("cloud_api_url", SANDBOX),
            version=settings.graph_version,
            number=self.number,
            token=token,
            reread_token=None if self.uses_sandbox else self._access_token_now,
            concurrency=settings.concurrency,
            timeout=settings.send_timeout.total_seconds(),
        )
        try:
            if self.uses_sandbox:
                async with self.sandbox(on_move=client.move_to, options=options):
                    yield client
            else:
                yield client
        finally:
            await client.close()

    @asynccontextmanager
    async def sandbox(
        self, on_move: Callable[[str], None] = lambda _: None, options: Options | None = None
    ) -> AsyncIterator[str]:
        """The sandbox's URL, with one up behind it for as long as the block lasts."""
        try:
            from wa_cli.sandbox.host import SandboxHost
        except ImportError:
            raise ConfigError("The sandbox is not installed.", hint="pip install 'wa-cli[local]'") from None

        async with SandboxHost(
            self.sandbox_folder,
            secret=self.app_secret,
            webhook_url=self.webhook_url,
            port=self.settings.sandbox_port,
            options=options,
            on_move=on_move,
        ) as host:
            begun = "Started the sandbox" if host.is_ours else "Using the sandbox"
            print_note(f"{begun} at {host.url}: it stands in for WhatsApp, nothing leaves this machine.")
            yield host.url

    # What runs all day.

    def _guard_against_freezing(self) -> None:
        from wa_cli.database.engine import guard_against_freezing

        guard_against_freezing(self.settings.statement_timeout + self.settings.statement_timeout / 3)

    def outgoing_worker(
        self, client: CloudClient, *, drain: bool = False, require_storage: bool = False, emit: Emit = emit
    ) -> OutgoingWorker:
        from wa_cli.runtime.watchdog import Progress
        from wa_cli.workers import persist
        from wa_cli.workers.intake import Intake
        from wa_cli.workers.maintenance import Maintenance, UncertaintyLimits
        from wa_cli.workers.sender import Sender, through
        from wa_cli.workers.worker import OutgoingWorker

        settings = self.settings
        self._guard_against_freezing()
        patience = UncertaintyLimits(
            wait=settings.uncertain_wait,
            silence=settings.silence_limit,
            evidence_limit=settings.evidence_limit,
            keep_final=settings.keep_final,
        )
        progress = Progress()
        maintenance = Maintenance(self.outbox, self.spool, patience, settings.outgoing_lease, emit, progress=progress)
        can_degrade = not (require_storage or self.outgoing_queue.in_database)
        degraded_mode = self._degraded_mode(client, maintenance, emit) if can_degrade else None

        def on_return() -> None:
            if degraded_mode:
                degraded_mode.end()
            maintenance.adopt()

        sender = Sender(
            self.outbox,
            self.spool,
            through(client),
            concurrency=settings.concurrency,
            lease=settings.outgoing_lease,
            send_timeout=settings.send_timeout,
            rate=settings.rate,
            emit=emit,
            on_return=on_return,
            progress=progress,
        )
        intake = Intake(
            self.outgoing_queue,
            self.database,
            persist.outgoing(self.outbox, settings.template_language),
            lease=settings.incoming_lease,
            emit=emit,
            probe=maintenance.live,
            on_return=on_return,
            degraded_mode=degraded_mode,
            degraded_after=settings.degraded_after,
            progress=progress,
        )
        return OutgoingWorker(intake, sender, maintenance, stop_timeout=settings.stop_timeout, drain=drain)

    def _degraded_mode(self, client: CloudClient, maintenance: Maintenance, emit: Emit) -> DegradedMode:
        from wa_cli.outbox.spool import Spool
        from wa_cli.workers.degraded_mode import DegradedMode
        from wa_cli.workers.sender import through

        settings = self.settings
        return DegradedMode(
            self.outgoing_queue,
            Spool(self.spool.folder, quota=settings.spool_quota),
            through(client),
            number=self.number,
            language=settings.template_language,
            concurrency=settings.concurrency,
            lease=settings.outgoing_lease,
            send_timeout=settings.send_timeout,
            share=lambda: settings.rate / UNKNOWN_WORKERS if maintenance.share is None else maintenance.share,
            patience=settings.stop_timeout,
            emit=emit,
        )

    def incoming_worker(
        self, *, downloader: Downloader | None = None, drain: bool = False, emit: Emit = emit
    ) -> IncomingWorker:
        from wa_cli.runtime.watchdog import Progress
        from wa_cli.workers import persist
        from wa_cli.workers.incoming_maintenance import IncomingMaintenance
        from wa_cli.workers.intake import Intake
        from wa_cli.workers.worker import IncomingWorker

        self._guard_against_freezing()
        recorder, progress = persist.Incoming(self.outbox, self.spool), Progress()
        intake = Intake(
            self.incoming_queue,
            self.database,
            recorder.record,
            lease=self.settings.incoming_lease,
            emit=emit,
            salvage=recorder.salvage,
            progress=progress,
        )
        maintenance = IncomingMaintenance(
            self.outbox,
            self.files,
            self.spooled_webhooks(emit),
            keep=self.settings.keep_final,
            emit=emit,
            progress=progress,
        )
        return IncomingWorker(intake, maintenance, downloader=downloader, drain=drain)

    @cached_property
    def files(self) -> Files:
        from wa_cli.media.downloads import Files

        return Files(self.database)

    @asynccontextmanager
    async def downloader(self, emit: Emit = emit) -> AsyncIterator[Downloader | None]:
        """What saves files, where the settings say where to; with the API behind it."""
        store = self.store()
        if store is None:
            yield None
            return
        from wa_cli.media.downloader import Downloader

        async with self.cloud() as client:
            yield Downloader(self.files, client.media, store, emit)

    def service(self, bound: socket.socket, *, insecure: bool = False, emit: Emit = emit) -> tuple[Service, Ingest]:
        """The HTTP service on the socket, and the door that is to run beside it; `insecure` takes unsigned webhooks."""
        require_server()
        from wa_cli.server import app, health, ingest, messaging, webhook
        from wa_cli.server.listening import Service
        from wa_cli.telemetry.metrics import Metrics

        self._guard_against_freezing()
        secret = None if insecure else self.app_secret
        metrics = Metrics(emit, self.backlog.status, lambda: self.webhook_spool.state().records)
        entrance = ingest.Ingest(
            self.incoming_queue, self.spooled_webhooks(metrics.emit), emit=metrics.emit, marks=self._marks(metrics.emit)
        )
        application = app.create(
            webhook.routes(entrance, app_secret=secret, verify_token=self.verify_token, emit=metrics.emit),
            messaging.routes(self.submitter, self.backlog, self.keys, language=self.settings.template_language),
            health.routes(self.database, metrics, self.keys, self.failing_checks),
            emit=metrics.emit,
        )
        return Service(application, bound, metrics.emit), entrance

    def _marks(self, emit: Emit) -> DedupCache | None:
        if self.settings.dedup_table is None:
            return None
        from wa_cli.server import dedup_cache

        return dedup_cache.DedupCache(
            self.settings.dedup_table, dedup_cache.connect(), emit, scope=f"{self.webhook_spool.folder.name}/"
        )

    @property
    def webhook_url(self) -> str:
        """Where webhooks are posted by what is on this machine."""
        return self.settings.webhook_url or f"http://127.0.0.1:{self.settings.port}/webhook"

    @cached_property
    def verify_token(self) -> str | None:
        """What Meta repeats in the handshake; the sandbox's is its secret."""
        return self.settings.verify_token or (self.app_secret if self.uses_sandbox else None)

    def backlog_check(self) -> Check:
        from wa_cli.verify.checks import backlog

        return backlog.check(lambda: self.backlog.status(), {"verdicts": self.spool, "webhooks": self.webhook_spool})

    def sending_checks(self) -> list[Check]:
        from wa_cli.verify.checks import sending

        return sending.checks(self.observed_database, lambda: self.backlog.status(), self.settings.queue_age_limit)

    def failing_checks(self) -> list[str]:
        """The names of the checks of sending that fail now."""
        from wa_cli import verify
        from wa_cli.verify.base import Level

        found = verify.look(self.sending_checks())
        return [check.name for check, finding in found if finding.level is Level.FAILED]

    def webhook_check(self) -> Check:
        from wa_cli.verify.checks import webhook

        if self.is_in_sandbox:
            return webhook.check(self.webhook_url, self.app_secret, self.verify_token)
        return webhook.check(self.webhook_url, self.settings.app_secret, self.settings.verify_token)

    @cached_property
    def observed_database(self) -> Database:
        """The database to be looked at: our own migrated, another as it is, since what it lacks is what is looked for."""
        return self.database if self.is_embedded else self.unchecked_database

    def sqs(self, name: str) -> SqsQueue:
        from wa_cli.queues import sqs

        url = self.loaded.need(f"{name}_queue_url", "")
        # The dead letters alone need the database, and that when they are asked for.
        return sqs.SqsQueue(name, url, sqs.connect(url), lambda: self.database.transaction())

    def store(self) -> MediaStore | None:
        from wa_cli.media.stores import open_store

        return open_store(self.settings.media) if self.settings.media else None

    @cached_property
    def keys(self) -> Keys:
        from wa_cli.server.auth import Keys, parse_keys

        return Keys(parse_keys(self.settings.api_keys), open_to_this_machine=not self.loaded.production)
