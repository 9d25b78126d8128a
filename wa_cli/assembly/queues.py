"""The two queues, and the spools of this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wa_cli.assembly.databases import Databases
from wa_cli.errors import DatabaseUnavailable, RowRefused
from wa_cli.outbox import spool_folders
from wa_cli.settings import schema

if TYPE_CHECKING:
    from wa_cli.outbox.spool import Spool
    from wa_cli.queues.base import Queue
    from wa_cli.queues.sqs import SqsQueue


@dataclass(frozen=True)
class _OtherSpool:
    """A spool that this installation does not write to. It `is_ours` if it belongs to the same database."""

    holds: str
    spool: Spool
    is_ours: bool


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

        return PostgresQueue(name, self.databases.main)


class Spools:
    """The spools of this machine. `folder` is the data folder of the installation."""

    def __init__(self, databases: Databases, folder: Path) -> None:
        self.databases = databases
        self.settings = databases.loaded.settings
        self.home = self.settings.spool or folder / "spool"

    @cached_property
    def outcomes(self) -> Spool:
        """The spool of outcomes. Each database has its own folder, since outcomes of one mean nothing to another."""
        if self.databases.is_embedded:
            self.databases.url()  # an embedded server has an address only while it runs
        url = self.databases.configured_url
        place = f"{url.host or url.query.get('host')}:{url.port}/{url.database}"
        return self._spool(f"{url.database}-{_digest(place)}", spool_folders.OUTCOMES)

    @cached_property
    def webhooks(self) -> Spool:
        """The spool of webhooks that wait for their queue. Each queue has its own folder."""
        if self.settings.queue == schema.SQS:
            return self._spool(
                f"{spool_folders.WEBHOOK_PREFIX}{_digest(self.databases.loaded.need('incoming_queue_url', ''))}"
            )
        return self._spool(f"{spool_folders.WEBHOOK_PREFIX}{self.outcomes.folder.name}", spool_folders.WEBHOOKS)

    def another(self, spool: Spool) -> Spool:
        """Return a second spool on the folder of the first one, for another part of the same process."""
        from wa_cli.outbox.spool import Spool

        return Spool(spool.folder, quota=self.settings.spool_quota)

    def ours(self) -> dict[str, list[Spool]]:
        """Return the spools that belong to this installation, by kind of records."""
        others = [one for one in self._others() if one.is_ours]
        return {
            kind: [spool, *(one.spool for one in others if one.holds == kind)] for kind, spool in self._own().items()
        }

    def stranded(self) -> list[tuple[str, Spool]]:
        """Return the spools of another database or queue that no live process writes to, with their kind of records."""
        return [(one.holds, one.spool) for one in self._others() if not (one.is_ours or one.spool.has_owner())]

    def named(self, folder: Path) -> tuple[str, Spool]:
        """Return the kind of records and the spool of any folder."""
        from wa_cli.outbox.spool import Spool

        spool = Spool(folder.resolve())
        return spool_folders.kind_of(spool.folder, spool.first()), spool

    def is_marked_as_ours(self, spool: Spool) -> bool:
        """Return True if the folder has the mark of this database."""
        mark = spool_folders.read_mark(spool.folder)
        return mark is not None and mark == self._mark(mark.holds)

    def _own(self) -> dict[str, Spool]:
        """Return the two spools that this installation writes to, by kind of records."""
        return {spool_folders.OUTCOMES: self.outcomes, spool_folders.WEBHOOKS: self.webhooks}

    def _others(self) -> list[_OtherSpool]:
        """Return the spools beside the two of this installation that hold records or files that were set aside."""
        from wa_cli.outbox.spool import Spool

        own = [spool.folder for spool in self._own().values()]
        siblings = [path for kind in self._own() for path in self._siblings(kind)]
        spools = [Spool(path) for path in spool_folders.spool_folders(self.home) if path not in own]
        return [
            _OtherSpool(spool_folders.kind_of(spool.folder, spool.first()), spool, is_ours=spool.folder in siblings)
            for spool in spools
            if (state := spool.state()).records or state.corrupt
        ]

    def _siblings(self, holds: str) -> Sequence[Path]:
        """Return the other folders of the same database, or none while it is unavailable."""
        if holds == spool_folders.WEBHOOKS and self.settings.queue == schema.SQS:
            return ()
        try:
            return self._marked(self._own()[holds].folder, holds)
        except DatabaseUnavailable:
            return ()

    def _marked(self, folder: Path, holds: str) -> Sequence[Path]:
        """Return the other folders of the same database. Raises DatabaseUnavailable."""
        mark = self._mark(holds)
        found = spool_folders.folders_with_mark(self.home, mark) if mark else ()
        return [path for path in found if path != folder]

    def _mark(self, holds: str) -> spool_folders.Mark | None:
        """Return the mark of this database, or None if it has no id: the check of permissions or migrations reports it."""
        with suppress(RowRefused):
            return spool_folders.Mark(holds, self.databases.id, str(self.databases.configured_url.database))
        return None

    def _spool(self, name: str, holds: str | None = None) -> Spool:
        """Return the spool of that name. With `holds` it adopts the files of the same database at another address too."""
        from wa_cli.outbox.spool import Spool

        folder, quota = self.home / name, self.settings.spool_quota
        if holds is None:
            return Spool(folder, quota=quota)

        def find_siblings() -> Sequence[Path]:
            if mark := self._mark(holds):
                with suppress(OSError):  # a full disk must not keep the records of this folder from being settled
                    spool_folders.write_mark(folder, mark)
            return self._marked(folder, holds)

        return Spool(folder, quota=quota, find_siblings=find_siblings)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
