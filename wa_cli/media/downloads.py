"""Pending downloads: files of messages that are still at Meta. They are inserted with their message."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from wa_cli.clock import now
from wa_cli.database.engine import Database, rows, run
from wa_cli.messages.incoming import IncomingMessage

# The retention of a customer's file at Meta (Meta, media: inbound media ids).
KEPT = timedelta(days=7)
PRUNED = 1000


@dataclass(frozen=True)
class Expected:
    """A file to download. `sha256` is as Meta writes it, in base64 or in hex. `attempt` counts from 1."""

    message_id: str
    media_id: str
    number: str | None
    mime_type: str | None
    sha256: str | None
    attempt: int
    is_gone: bool


@dataclass(frozen=True)
class Left:
    """Counts of files that are due, that wait for another try, and that are lost."""

    due: int
    waiting: int
    lost: int


def expect(connection: sa.Connection, messages: Iterable[IncomingMessage]) -> None:
    """Insert the files of these messages, in the transaction that stores the messages."""
    files = [
        {
            "message_id": message.wamid,
            "media_id": message.media.id,
            "number": message.phone_number_id or None,
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
    """Return the begin of the days that Meta keeps a file. Imported files belong to older messages."""
    return now() if message.from_history else message.sent_at


class Files:
    """The pending downloads, for all workers."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def claim(self, limit: int, lease: timedelta) -> list[Expected]:
        """Claim due files for `lease`."""
        with self.database.transaction() as connection:
            return [Expected(*row) for row in run(connection, "media/claim", limit=limit, lease=lease)]

    def saved(self, file: Expected, place: str, size: int, mime_type: str | None) -> None:
        """Record that a file is at `place`, `size` bytes long, also in its message."""
        with self.database.transaction() as connection:
            run(connection, "media/saved", message_id=file.message_id, place=place, size=size, mime_type=mime_type)

    def later(self, file: Expected, after: timedelta, reason: str, *, counts: bool = True) -> None:
        """Record a failed try. A try that does not count was not the file's fault."""
        with self.database.transaction() as connection:
            uncounted = 0 if counts else 1
            run(connection, "media/later", message_id=file.message_id, after=after, reason=reason, uncounted=uncounted)

    def lost(self, file: Expected, reason: str) -> None:
        """Record that the file cannot be downloaded any more."""
        with self.database.transaction() as connection:
            run(connection, "media/lost", message_id=file.message_id, reason=reason)

    def missed(self) -> int:
        """Make unsaved files due that Meta may still have, also of older rows. Return their number."""
        with self.database.transaction() as connection:
            return int(run(connection, "media/missed", kept=KEPT).scalar_one())

    def left(self) -> Left:
        with self.database.reading() as connection:
            return Left(*run(connection, "media/left").one())

    def prune(self, keep: timedelta) -> None:
        """Delete files that Meta deleted that long ago."""
        gone = PRUNED
        while gone == PRUNED:
            with self.database.transaction() as connection:
                gone = run(connection, "media/prune", keep=keep, limit=PRUNED).rowcount
