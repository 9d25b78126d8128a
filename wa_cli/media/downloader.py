"""Downloads customers' files before Meta deletes them, without delaying messages."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO

from wa_cli.cloud.media import Located, MediaClient, same_hash
from wa_cli.errors import CloudError, DatabaseUnavailable, NotFound, RowRefused, Unauthorized
from wa_cli.media.downloads import Expected, Files
from wa_cli.media.stores import MediaStore, MediaStoreUnavailable
from wa_cli.runtime.backoff import full_jitter
from wa_cli.runtime.stop import Stop
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Emit

AT_ONCE = 4
# Longer than the URL of a file lives, so that its worker has died.
LEASE = timedelta(minutes=10)
LOOK_EVERY = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0
# A refused token does not count as a try of the file.
TOKEN_PAUSE = timedelta(minutes=1)
PATIENCE = 10.0
# Meta must report a file as missing this often.
BELIEVED_AFTER = 5


class Downloader:
    def __init__(self, files: Files, client: MediaClient, store: MediaStore, emit: Emit) -> None:
        self.files = files
        self.client = client
        self.store = store
        self.emit = emit
        self._fetching: set[asyncio.Task[None]] = set()
        self._rests_until = float("-inf")

    async def run(self, stop: Stop) -> None:
        """Run until `stop`. Running downloads then get a moment, and unfinished ones are repeated later."""
        self.store.tidy()
        while not stop:
            begun = 0
            with suppress(DatabaseUnavailable):  # the intake logs the outage
                begun = await self._begin()
            if not begun:
                await stop.wait(LOOK_EVERY)
        if self._fetching:
            await asyncio.wait(self._fetching, timeout=PATIENCE)
        for task in self._fetching:
            task.cancel()

    async def fetch_due(self) -> int:
        """Download every due file. Return the number of tries."""
        self.store.tidy()
        tried = 0
        while begun := await self._begin():
            tried += begun
            await asyncio.wait(self._fetching, return_when=asyncio.FIRST_COMPLETED)
        if self._fetching:
            await asyncio.wait(self._fetching)
        return tried

    def is_idle(self) -> bool:
        return not self._fetching and not self.files.left().due

    async def _begin(self) -> int:
        if time.monotonic() < self._rests_until:
            return 0
        free = AT_ONCE - len(self._fetching)
        if not free:
            await asyncio.wait(self._fetching, timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
            return 1
        claimed = await asyncio.to_thread(self.files.claim, free, LEASE)
        for file in claimed:
            task = asyncio.create_task(self._fetch(file))
            self._fetching.add(task)
            task.add_done_callback(self._fetching.discard)
        return len(claimed)

    async def _fetch(self, file: Expected) -> None:
        """Download one file, once, and record the result. If it cannot be recorded, its lease brings it back."""
        with suppress(DatabaseUnavailable):
            try:
                place, size, mime_type = await self._save(file)
                await asyncio.to_thread(self.files.saved, file, place, size, mime_type)
                self.emit(events.FileSaved(file.message_id, place, size))
            except NotFound as error:
                await self._not_there(file, error)
            except Unauthorized as error:
                self._rests_until = time.monotonic() + TOKEN_PAUSE.total_seconds()
                await self._later(file, TOKEN_PAUSE, error, counts=False)
            except (CloudError, MediaStoreUnavailable, RowRefused, OSError) as error:
                await self._later(file, _pause(file), error)

    async def _not_there(self, file: Expected, error: NotFound) -> None:
        """Retry a missing file some times, since Meta reports files as missing for a moment too."""
        if not file.is_gone and file.attempt < BELIEVED_AFTER:
            await self._later(file, _pause(file), error)
            return
        await asyncio.to_thread(self.files.lost, file, error.message)
        self.emit(events.FileLost(file.message_id, error.message))

    async def _later(self, file: Expected, pause: timedelta, error: Exception, *, counts: bool = True) -> None:
        await asyncio.to_thread(self.files.later, file, pause, str(error), counts=counts)
        self.emit(events.FilesDelayed(str(error)))

    async def _save(self, file: Expected) -> tuple[str, int, str | None]:
        """Return place, size and type of the saved file."""
        if file.is_gone:
            raise NotFound("Meta deletes files after seven days.")
        located = await self.client.locate(file.media_id, file.number)
        with _coming(self.store.scratch) as coming:
            size, digest = await self.client.download(located.url, coming)
            coming.flush()
            _check_hash(file, located, digest)
            mime_type = located.mime_type or file.mime_type
            path = Path(coming.name)
            return await asyncio.to_thread(self.store.save, path, file.message_id, mime_type), size, mime_type


@contextmanager
def _coming(folder: Path | None) -> Iterator[IO[bytes]]:
    """Yield a file to write to. It is deleted at the end unless it was moved to its place."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        try:
            yield file
        finally:
            Path(file.name).unlink(missing_ok=True)


def _pause(file: Expected) -> timedelta:
    return timedelta(seconds=full_jitter(file.attempt, base=FIRST_PAUSE, cap=LONGEST_PAUSE))


def _check_hash(file: Expected, located: Located, digest: bytes) -> None:
    claimed = located.sha256 or file.sha256
    if claimed and not same_hash(claimed, digest):
        raise CloudError(f"The file {file.media_id} does not match the hash that Meta announced.")
