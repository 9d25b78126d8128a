"""The parts of an installation that checks examine. Each part is opened by the first check that needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from wa_cli.checks.account_answers import Answers
from wa_cli.checks.dedup_shape import TableShape
from wa_cli.clock import naive_utc
from wa_cli.database.engine import Database, run
from wa_cli.media.stores import MediaStore
from wa_cli.outbox.spool import Spool
from wa_cli.queues.sqs import Arrangement

READING_LIMIT = timedelta(minutes=2)

Counts = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class GivenSettings:
    """Names of settings: production settings that are given, those that are missing, and advisable ones without a value."""

    given: Sequence[str] = ()
    missing: Sequence[str] = ()
    advisable: Sequence[str] = ()


@dataclass(frozen=True)
class WebhookTarget:
    """The URL that webhooks are posted to, and the secrets to try it with."""

    url: str
    secret: str | None
    verify_token: str | None


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The parts of an installation.

    `since` is the begin of the examined time. `business_phone` is the value of `from_phone` in outgoing rows.
    `verify_token` is the token that Meta's callback must know. `find_stranded_spools` returns spools of another database or
    queue that no live process writes to.
    """

    open_database: Callable[[], Database]
    since: datetime
    business_phone: str = "business"
    rate: float = 80.0
    settings: GivenSettings = GivenSettings()
    backlog: Callable[[], Counts] = dict
    open_spools: Callable[[], Mapping[str, Sequence[Spool]]] = dict
    find_stranded_spools: Callable[[], Sequence[Spool]] = list
    queue_age_limit: timedelta = timedelta(minutes=15)
    uncertain_wait: timedelta = timedelta(seconds=120)
    queue_lease: timedelta = timedelta(seconds=60)
    send_timeout: timedelta = timedelta(seconds=30)
    get_webhook: Callable[[], WebhookTarget] | None = None
    verify_token: str | None = None
    sqs_queue: Callable[[str], Arrangement] | None = None
    dedup_table: Callable[[], TableShape] | None = None
    media_place: str | None = None
    media_store: Callable[[], MediaStore | None] = lambda: None
    spool_home: Path | None = None
    spool_quota: int = 1 << 30
    fetch_account: Callable[[], Answers] | None = None

    @cached_property
    def database(self) -> Database:
        return self.open_database()

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """Return a read-only transaction with time for a large table."""
        return self.database.reading(READING_LIMIT)

    @property
    def since_utc(self) -> datetime:
        """The begin of the examined time, as TIMESTAMP columns hold it."""
        return naive_utc(self.since)

    @cached_property
    def queue_counts(self) -> Counts:
        """Counts of the messages of each direction by state."""
        return self.backlog()

    @cached_property
    def numbers(self) -> Sequence[Mapping[str, Any]]:
        """The business numbers with their state and their unfinished messages."""
        return self._rows("verify/numbers")

    @cached_property
    def workers(self) -> Mapping[str, Mapping[str, Any]]:
        """The workers with a fresh heartbeat, by kind."""
        return {row["kind"]: row for row in self._rows("verify/workers")}

    @cached_property
    def account(self) -> Answers:
        """Meta's answers about token, number and subscription."""
        assert self.fetch_account
        return self.fetch_account()

    def _rows(self, query: str) -> Sequence[Mapping[str, Any]]:
        with self.database.reading() as connection:
            return [dict(row) for row in run(connection, query).mappings()]
