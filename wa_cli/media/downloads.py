"""Files that came with messages and still lie at Meta: expected with their message, fetched when a worker gets round to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from wa_cli.clock import now
from wa_cli.database.engine import Database, rows, run
from wa_cli.messages.incoming import IncomingMessage

# How long Meta keeps a file that a customer sent (Meta, media: inbound media ids).
KEPT = timedelta(days=7)
PRUNED = 1000


@dataclass(frozen=True)
class Expected:
    """A file to be fetched. `sha256` as Meta writes it, in base64 or in hex; `attempt` counts from 1."""

    message_id: str
    media_id: str
    number: str | None
    mime_type: str | None
    sha256: str | None
    attempt: int
    is_gone: bool


@dataclass(frozen=True)
class Left:
    """How many files are due, wait for another try, and cannot be had any more."""

    due: int
    waiting: int
    lost: int


def expect(connection: sa.Connection, messages: Iterable[IncomingMessage]) -> None:
    """Remember the files of these messages, in the transaction that stores the messages."""
    files = [
        {
            "message_id": message.wamid,
            "media_id": message.media.id,
            "number": message.number or None,
            "mime_type": message.media.mime_type,
            "sha256": message.media.sha256,
            "gone_at": (_handed_out_at(message) + KEPT).isoformat(),
        }
        for message in messages
        if message.media and message.media.id
    ]
    if files:
        run(connection, "media/expect", rows=rows(files))


def _handed_out_at(message: IncomingMessage) -> datetime:
    """When the days of its file began: history brings files of messages that are older."""
    return now() if message.from_history else message.sent_at


class Files:
    """What is to be fetched, for all workers."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def claim(self, limit: int, lease: timedelta) -> list[Expected]:
        """Files that are due, in no other worker's hands for `lease`."""
        with self.database.transaction() as connection:
            return [Expected(*row) for row in run(connection, "media/claim", limit=limit, lease=lease)]

    def saved(self, file: Expected, place: str, size: int, mime_type: str | None) -> None:
        """It lies at `place` now, `size` bytes long: its message says so."""
        with self.database.transaction() as connection:
            run(connection, "media/saved", message_id=file.message_id, place=place, size=size, mime_type=mime_type)

    def later(self, file: Expected, after: timedelta, reason: str, *, counts: bool = True) -> None:
        """It could not be had now; a try that does not count was no fault of the file's."""
        with self.database.transaction() as connection:
            uncounted = 0 if counts else 1
            run(connection, "media/later", message_id=file.message_id, after=after, reason=reason, uncounted=uncounted)

    def lost(self, file: Expected, reason: str) -> None:
        """It cannot be had any more."""
        with self.database.transaction() as connection:
            run(connection, "media/lost", message_id=file.message_id, reason=reason)

    def missed(self) -> int:
        """Make due what Meta may still have and nobody saved, rows from before wa among them; how many."""
        with self.database.transaction() as connection:
            return int(run(connection, "media/missed", kept=KEPT).scalar_one())

    def left(self) -> Left:
        with self.database.reading() as connection:
            return Left(*run(connection, "media/left").one())

    def prune(self, keep: timedelta) -> None:
        """Forget what Meta deleted that long ago."""
        gone = PRUNED
        while gone == PRUNED:
            with self.database.transaction() as connection:
                gone = run(connection, "media/prune", keep=keep, limit=PRUNED).rowcount
