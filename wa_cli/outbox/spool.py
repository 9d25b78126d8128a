"""The spool: the durable journal on local disk, for a crash or an outage.

It is a folder of files. Each file belongs to one process by a lock that the kernel releases when the process dies. A
line is a checksum and a JSON record. A record is on disk (fdatasync) before anything else is done with it, and is
removed when the database has it. Any running worker of the machine adopts the files of a dead process.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from wa_cli import private_files
from wa_cli.errors import WaError, system_reason

SEGMENT_BYTES = 1 << 20
SUFFIX, CORRUPT, UNBORN = ".jsonl", ".corrupt", ".new"
# Time in nanoseconds, process id and a random part. Other files of the folder are not touched.
_SEGMENT_NAME = re.compile(r"\d{20}-\d+-[0-9a-f]{8}" + re.escape(SUFFIX))

Record = dict[str, Any]


class SpoolUnwritable(WaError):
    """The spool cannot take a record, so nothing may be sent."""

    exit_code = 4


@dataclass(frozen=True)
class Entry:
    """A record in the spool, and its place."""

    record: Record
    segment: Path
    number: int


@dataclass
class _Segment:
    """A file of this process. `open_entries` are those that the database does not have yet."""

    path: Path
    file: IO[bytes]
    written: int = 0
    count: int = 0
    open_entries: set[int] = field(default_factory=set)


@dataclass
class Orphan:
    """A file without an owner, locked by this process. It is deleted at the end of the block, unless `keep_file` is
    called.

    `broken` is the number of unreadable lines, which were set aside.
    """

    path: Path
    records: list[Record]
    broken: int = 0
    is_kept: bool = False

    def keep_file(self) -> None:
        self.is_kept = True

    def set_aside(self, records: Sequence[Record]) -> None:
        """Write records that this program cannot use to a file beside this one."""
        _set_aside(self.path, b"".join(map(_line, records)), "ab")


@dataclass(frozen=True)
class SpoolState:
    """Counts of waiting files and records, and the names of files that were set aside."""

    files: int
    records: int
    corrupt: tuple[str, ...]
    oldest_seconds: float


class Spool:
    """This process's part of the folder, and the adoption of other files. Threads may share it.

    When its files hold `quota` bytes, `check_room` refuses new work. Records of work in flight are always taken.
    `find_siblings` returns other folders whose files are adopted too.
    """

    def __init__(
        self, folder: Path, *, quota: int = 1 << 30, find_siblings: Callable[[], Sequence[Path]] = tuple
    ) -> None:
        self.folder = folder
        self.quota = quota
        self.find_siblings = find_siblings
        self._segments: dict[Path, _Segment] = {}
        self._current: _Segment | None = None
        # One thread appends while another removes: a file must not be emptied under a record that is being written.
        self._lock = threading.RLock()

    def check(self) -> None:
        """Raise SpoolUnwritable unless a record can be written now."""
        probe = self.folder / f".probe-{uuid4().hex}"
        try:
            private_files.make_folder(self.folder)
            try:
                with private_files.opened(probe, "wb", buffering=0) as file:
                    _write_all(file, b"x" * 4096)
                    os.fdatasync(file.fileno())
            finally:
                probe.unlink(missing_ok=True)
        except OSError as error:
            first = "Free some space" if error.errno == errno.ENOSPC else "Make the folder writable"
            raise SpoolUnwritable(
                f"The spool folder {self.folder} cannot be written ({system_reason(error)}), so nothing can be sent.",
                hint=f"{first}, or set WA_SPOOL to another folder.",
            ) from error

    def append(self, records: Sequence[Record]) -> list[Entry]:
        """Write records to disk, with one fdatasync for all. Raises SpoolUnwritable, and then none of them counts as
        written.
        """
        with self._lock:
            try:
                segment = self._writable_segment()
                self._append(segment, b"".join(map(_line, records)))
            except OSError as error:
                self._give_up_current()
                raise SpoolUnwritable(
                    f"The spool in {self.folder} cannot be written ({system_reason(error)})."
                ) from error
            numbers = range(segment.count, segment.count + len(records))
            segment.count += len(records)
            segment.open_entries.update(numbers)
            return [Entry(record, segment.path, number) for record, number in zip(records, numbers, strict=True)]

    def append_for_others(self, records: Sequence[Record]) -> None:
        """Write records to a file without an owner. Any process may adopt it later, this one included."""
        with self._lock:
            try:
                segment = self._open_segment()
                try:
                    self._append(segment, b"".join(map(_line, records)))
                finally:
                    self._segments.pop(segment.path).file.close()
            except OSError as error:
                raise SpoolUnwritable(
                    f"The spool in {self.folder} cannot be written ({system_reason(error)})."
                ) from error

    def remove(self, entries: Sequence[Entry]) -> None:
        """Remove records that the database has. A file is deleted with its last record."""
        with self._lock:
            for entry in entries:
                segment = self._segments.get(entry.segment)
                if segment is not None:
                    segment.open_entries.discard(entry.number)
                    if not segment.open_entries:
                        self._empty(segment)

    def left(self) -> int:
        """Return the number of this process's own waiting records."""
        with self._lock:
            return sum(len(segment.open_entries) for segment in self._segments.values())

    def close(self) -> None:
        """Give up the files. Any process may adopt them."""
        with self._lock:
            for segment in self._segments.values():
                if not segment.open_entries:
                    segment.path.unlink(missing_ok=True)
                segment.file.close()
            self._segments.clear()
            self._current = None

    def orphans(self) -> list[Path]:
        """Return the files of this folder and its siblings that may be without an owner, oldest first.

        Raises DatabaseUnavailable if the siblings depend on the database.
        """
        folders = [self.folder, *self.find_siblings()]
        with self._lock:
            files = [path for folder in folders for path in _files(folder) if path not in self._segments]
        return sorted(files, key=lambda path: path.name)

    def first(self) -> Record | None:
        """Return the first readable record of the folder, or None."""
        for path in _files(self.folder):
            with suppress(FileNotFoundError):
                records = (_parse(line) for line in path.read_bytes().split(b"\n")[:-1])
                if found := next((record for record in records if record is not None), None):
                    return found
        return None

    def has_owner(self) -> bool:
        """Return True if a live process writes to a file of this folder."""
        for path in _files(self.folder):
            file = _opened_if_ownerless(path)
            if file is not None:
                file.close()
            elif path.exists():
                return True
        return False

    @contextmanager
    def adopt(self, path: Path) -> Iterator[Orphan | None]:
        """Yield a file without an owner, or None if its owner lives or another process was faster.

        The file is deleted at the end of the block, and kept if the block fails.
        """
        file = _opened_if_ownerless(path)
        if file is None:
            yield None
            return
        with file:
            orphan = Orphan(path, *_read(file.read(), path))
            yield orphan
            if not orphan.is_kept:
                path.unlink(missing_ok=True)

    def state(self) -> SpoolState:
        """Return the counts of the folder. Files that are deleted meanwhile are left out."""
        held = []
        for path in _files(self.folder):
            with suppress(FileNotFoundError):
                if content := path.read_bytes():
                    held.append((path.stat().st_mtime, content.count(b"\n")))
        oldest = min((changed for changed, _ in held), default=None)
        return SpoolState(
            files=len(held),
            records=sum(records for _, records in held),
            corrupt=tuple(path.name for path in sorted(self.folder.glob(f"*{CORRUPT}"))),
            oldest_seconds=max(0.0, time.time() - oldest) if oldest else 0.0,
        )

    def _writable_segment(self) -> _Segment:
        if self._current is None or self._current.written > SEGMENT_BYTES:
            full, self._current = self._current, self._open_segment()
            if full is not None and not full.open_entries:
                self._empty(full)
        return self._current

    def _open_segment(self) -> _Segment:
        """Open a new file, locked before it is visible under its name."""
        private_files.make_folder(self.folder)
        path = self.folder / f"{time.time_ns():020d}-{os.getpid()}-{uuid4().hex[:8]}{SUFFIX}"
        unborn = path.with_suffix(UNBORN)
        file = private_files.opened(unborn, "ab", buffering=0)
        fcntl.flock(file, fcntl.LOCK_EX)
        segment = self._segments[path] = _Segment(
            path, file
        )  # before it has its name, since our own maintenance looks for names
        unborn.rename(path)
        _sync_folder(self.folder)
        return segment

    def check_room(self) -> None:
        """Raise SpoolUnwritable if disk space or quota do not allow new work."""
        self.check()
        self.check_quota()

    def check_quota(self) -> None:
        """Raise SpoolUnwritable if the files hold the quota."""
        held = sum(_size(path) for path in _files(self.folder))
        if held >= self.quota:
            raise SpoolUnwritable(
                f"The spool in {self.folder} holds {held:,} bytes, the limit of WA_SPOOL_QUOTA."
                " Nothing new is accepted.",
                hint="Check the database, then run wa spool replay.",
            )

    @staticmethod
    def _append(segment: _Segment, lines: bytes) -> None:
        try:
            _write_all(segment.file, lines)
            os.fdatasync(segment.file.fileno())
            _check_in_place(segment)
        except OSError:
            with suppress(OSError):  # a half-written record was never acknowledged
                segment.file.truncate(segment.written)
            raise
        segment.written += len(lines)

    def _give_up_current(self) -> None:
        """Let the next record open a new file. Open records of this one stay in it."""
        segment, self._current = self._current, None
        if segment is not None and not segment.open_entries:
            with suppress(OSError):
                self._empty(segment)

    def _empty(self, segment: _Segment) -> None:
        if segment is self._current:
            segment.file.truncate(0)
            segment.written = 0
        else:
            segment.path.unlink(missing_ok=True)
            segment.file.close()
            self._segments.pop(segment.path, None)


def _files(folder: Path) -> list[Path]:
    found = folder.glob(f"*{SUFFIX}") if folder.is_dir() else ()
    return sorted(path for path in found if _SEGMENT_NAME.fullmatch(path.name))


def _size(path: Path) -> int:
    """Return the size in bytes, or 0 if the file was deleted a moment ago."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _set_aside(path: Path, lines: bytes, mode: str) -> None:
    """Write unusable lines beside their file, readable by the owner only."""
    with private_files.opened(path.with_suffix(CORRUPT), mode) as file:
        file.write(lines)


def _check_in_place(segment: _Segment) -> None:
    """Raise OSError if the file was deleted or moved: records in it would not be found."""
    mine = os.fstat(segment.file.fileno())
    if not mine.st_nlink or not os.path.samestat(mine, segment.path.stat()):
        raise FileNotFoundError(errno.ENOENT, "its file was deleted")


def _line(record: Record) -> bytes:
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _write_all(file: IO[bytes], data: bytes) -> None:
    """Write all bytes. An unbuffered write may be short, and a buffered one would retry at the wrong moment."""
    while data:
        data = data[file.write(data) :]


def _opened_if_ownerless(path: Path) -> IO[bytes] | None:
    """Return the locked file, or None if its owner lives or it was deleted before it could be locked."""
    try:
        file = path.open("r+b")  # NFS locks only files that are open for writing
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    if not os.fstat(file.fileno()).st_nlink:
        file.close()
        return None
    return file


def _read(content: bytes, path: Path) -> tuple[list[Record], int]:
    """Return the records of a file and the number of unreadable lines. A line cut short by a crash is dropped, other
    unreadable lines are set aside.
    """
    *lines, _cut_short = content.split(b"\n")  # fdatasync had not returned, so it was never acknowledged
    parsed = [_parse(line) for line in lines]
    broken = [line for line, record in zip(lines, parsed, strict=True) if record is None]
    if broken:
        _set_aside(path, b"\n".join(broken) + b"\n", "wb")
    return [record for record in parsed if record is not None], len(broken)


def _parse(line: bytes) -> Record | None:
    checksum, _, text = line.partition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(text):
            return None
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
