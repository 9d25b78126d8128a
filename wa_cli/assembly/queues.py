"""The two queues, and the spools of this machine."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wa_cli.assembly.databases import Databases
from wa_cli.settings import schema

if TYPE_CHECKING:
    from wa_cli.outbox.spool import Spool
    from wa_cli.queues.base import Queue
    from wa_cli.queues.sqs import SqsQueue


class Queues:
    def __init__(self, databases: Databases) -> None:
        self.databases = databases
        self.loaded = databases.loaded

    @cached_property
    def outgoing(self) -> Queue:
        return self._queue("outgoing")

    @cached_property
    def incoming(self) -> Queue:
        return self._queue("incoming")

    @property
    def are_sqs(self) -> bool:
        return self.loaded.settings.queue == schema.SQS

    def sqs(self, name: str) -> SqsQueue:
        from wa_cli.queues import sqs

        url = self.loaded.need(f"{name}_queue_url", "")
        # Only the dead letters need the database, and only when they are asked for.
        return sqs.SqsQueue(name, url, sqs.connect(url), lambda: self.databases.main.transaction())

    def _queue(self, name: str) -> Queue:
        if self.are_sqs:
            return self.sqs(name)
        from wa_cli.queues.postgres import PostgresQueue

        return PostgresQueue(name, self.databases.main.transaction)


class Spools:
    """`folder` is the data folder of the installation."""

    def __init__(self, databases: Databases, folder: Path) -> None:
        self.databases = databases
        self.settings = databases.loaded.settings
        self.home = self.settings.spool or folder / "spool"

    @cached_property
    def outcomes(self) -> Spool:
        """The spool of outcomes. Each database has its own folder, since outcomes of one mean nothing to another."""
        url = self.databases.configured_url
        place = f"{url.host or url.query.get('host')}:{url.port}/{url.database}"
        return self._spool(f"{url.database}-{_digest(place)}")

    @cached_property
    def webhooks(self) -> Spool:
        """The spool of webhooks that wait for their queue. Each queue has its own folder."""
        if self.settings.queue == schema.SQS:
            return self._spool(f"webhooks-{_digest(self.databases.loaded.need('incoming_queue_url', ''))}")
        return self._spool(f"webhooks-{self.outcomes.folder.name}")

    def another(self, spool: Spool) -> Spool:
        """Return a second spool on the folder of the first one, for another part of the same process."""
        from wa_cli.outbox.spool import Spool

        return Spool(spool.folder, quota=self.settings.spool_quota)

    def _spool(self, name: str) -> Spool:
        from wa_cli.outbox.spool import Spool

        return Spool(self.home / name, quota=self.settings.spool_quota)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
