"""The journal on disk: what the API answered, safe before the database knows it.

A folder of files, each owned by one process by a lock that the kernel takes back when the process dies. A line is a
checksum and a JSON record. A verdict is on the disk (fdatasync) before anything else happens with it; when the database
has it, it is forgotten. What a dead process left is adopted by any running worker of the machine.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from wa_cli import private_files
from wa_cli.errors import WaError

SEGMENT_BYTES = 1 << 20
SUFFIX, CORRUPT, UNBORN = ".jsonl", ".corrupt", ".new"

Record = dict[str, Any]


class SpoolUnwritable(WaError):
    """Nothing may be sent that cannot be recorded."""

    exit_code = 4


@dataclass(frozen=True)
class Entry:
    """A kept record, and where it is kept."""

    record: Record
    segment: Path
    number: int


@dataclass
class _Segment:
    """A file of ours. `open_entries` are those the database does not have yet."""

    path: Path
    file: IO[bytes]
    written: int = 0
    count: int = 0
    open_entries: set[int] = field(default_factory=set)


@dataclass
class Orphan:
    """A file that its owner left, locked for us: it goes when the block ends, unless it is to `stay`.

    `broken`: how many of its lines could not be read, and were set aside.
    """

    path: Path
    records: list[Record]
    broken: int = 0
    is_kept: bool = False

    def keep_file(self) -> None:
        self.is_kept = True

    def set_aside(self, records: Sequence[Record]) -> None:
        """Keep what this program cannot use where a person finds it."""
        _set_aside(self.path, b"".join(map(_line, records)), "ab")


@dataclass(frozen=True)
class SpoolState:
    """What lies in the folder: files and records that wait, and files set aside because they cannot be used."""

    files: int
    records: int
    corrupt: tuple[str, ...]
    oldest_seconds: float


class Spool:
    """This process's own part of the folder, and the way to adopt what others left. Threads may share it.

    When its files hold `quota` bytes nothing new may be begun, as `check_room` says; what is begun is always kept.
    """

    def __init__(self, folder: Path, *, quota: int = 1 << 30) -> None:
        self.folder = folder
        self.quota = quota
        self._segments: dict[Path, _Segment] = {}
        self._current: _Segment | None = None
        # One thread keeps while another forgets: a file must not be emptied under a record that is being written.
        self._lock = threading.RLock()

    def check(self) -> None:
        """Raise SpoolUnwritable unless a record could be kept now."""
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
            raise SpoolUnwritable(
                f"The spool folder {self.folder} cannot be written ({error.strerror}): nothing begins until it can.",
                hint="Free the disk, or set WA_SPOOL to another folder.",
            ) from error

    def append(self, records: Sequence[Record]) -> list[Entry]:
        """Have them on the disk: one fdatasync for all. Raises SpoolUnwritable, and then none of them counts as kept."""
        with self._lock:
            try:
                segment = self._writable_segment()
                self._append(segment, b"".join(map(_line, records)))
            except OSError as error:
                self._give_up_current()
                raise SpoolUnwritable(f"The spool in {self.folder} cannot be written ({error.strerror}).") from error
            numbers = range(segment.count, segment.count + len(records))
            segment.count += len(records)
            segment.open_entries.update(numbers)
            return [Entry(record, segment.path, number) for record, number in zip(records, numbers, strict=True)]

    def append_for_others(self, records: Sequence[Record]) -> None:
        """Have them on the disk in a file of nobody's, for whoever adopts it later, this process included."""
        with self._lock:
            try:
                segment = self._open_segment()
                try:
                    self._append(segment, b"".join(map(_line, records)))
                finally:
                    self._segments.pop(segment.path).file.close()
            except OSError as error:
                raise SpoolUnwritable(f"The spool in {self.folder} cannot be written ({error.strerror}).") from error

    def remove(self, entries: Sequence[Entry]) -> None:
        """The database has them. A file goes when its last record is forgotten."""
        with self._lock:
            for entry in entries:
                segment = self._segments.get(entry.segment)
                if segment is not None:
                    segment.open_entries.discard(entry.number)
                    if not segment.open_entries:
                        self._empty(segment)

    def left(self) -> int:
        """How many of this process's own records wait."""
        with self._lock:
            return sum(len(segment.open_entries) for segment in self._segments.values())

    def close(self) -> None:
        """Let go of the files: what is in them belongs to whoever adopts it."""
        with self._lock:
            for segment in self._segments.values():
                if not segment.open_entries:
                    segment.path.unlink(missing_ok=True)
                segment.file.close()
            self._segments.clear()
            self._current = None

    def orphans(self) -> list[Path]:
        """Files that may be without an owner, oldest first."""
        with self._lock:
            return [path for path in self._files() if path not in self._segments]

    @contextmanager
    def adopt(self, path: Path) -> Iterator[Orphan | None]:
        """A file that its owner left; None where the owner lives, or somebody else was faster.

        It goes at the end of the block, and is_kept where the block fails.
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
        held = [path for path in self._files() if _size(path)]
        oldest = min((path.stat().st_mtime for path in held), default=None)
        return SpoolState(
            files=len(held),
            records=sum(path.read_bytes().count(b"\n") for path in held),
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
        """A new file, ours by its lock before anybody can see it under its name."""
        private_files.make_folder(self.folder)
        path = self.folder / f"{time.time_ns():020d}-{os.getpid()}-{uuid4().hex[:8]}{SUFFIX}"
        unborn = path.with_suffix(UNBORN)
        file = private_files.opened(unborn, "ab", buffering=0)
        fcntl.flock(file, fcntl.LOCK_EX)
        segment = self._segments[path] = _Segment(path, file)  # before the name: our own upkeep looks there too
        unborn.rename(path)
        _sync_folder(self.folder)
        return segment

    def check_room(self) -> None:
        """Raise SpoolUnwritable where nothing new may be begun, for lack of disk or of quota."""
        self.check()
        self.check_quota()

    def check_quota(self) -> None:
        """Raise SpoolUnwritable where the files hold as much as they may."""
        held = sum(_size(path) for path in self._files())
        if held >= self.quota:
            raise SpoolUnwritable(
                f"The spool in {self.folder} holds {held:,} bytes, as much as WA_SPOOL_QUOTA allows:"
                " nothing new is taken until there is room.",
                hint="Is the database back? wa spool status, wa spool replay",
            )

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{SUFFIX}")) if self.folder.is_dir() else []

    @staticmethod
    def _append(segment: _Segment, lines: bytes) -> None:
        try:
            _write_all(segment.file, lines)
            os.fdatasync(segment.file.fileno())
            _check_in_place(segment)
        except OSError:
            with suppress(OSError):  # what is half written was never acknowledged
                segment.file.truncate(segment.written)
            raise
        segment.written += len(lines)

    def _give_up_current(self) -> None:
        """The next record tries a new file; what is open in this one is_kept in it."""
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


def _size(path: Path) -> int:
    """In bytes; 0 where it went a moment ago."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _set_aside(path: Path, lines: bytes, mode: str) -> None:
    """Write lines that cannot be used beside their file, for its owner alone to read."""
    with private_files.opened(path.with_suffix(CORRUPT), mode) as file:
        file.write(lines)


def _check_in_place(segment: _Segment) -> None:
    """Raise OSError where the file is no longer under its name: deleted or moved, nobody would find what is in it."""
    mine = os.fstat(segment.file.fileno())
    if not mine.st_nlink or not os.path.samestat(mine, segment.path.stat()):
        raise FileNotFoundError(errno.ENOENT, "its file was deleted")


def _line(record: Record) -> bytes:
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _write_all(file: IO[bytes], data: bytes) -> None:
    """An unbuffered write may be short; a buffered one would try again at the wrong moment."""
    while data:
        data = data[file.write(data) :]


def _opened_if_ownerless(path: Path) -> IO[bytes] | None:
    """The file, locked for us; None where its owner lives or it went between the opening and the lock."""
    try:
        file = path.open("r+b")  # NFS locks only what may be written
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
    """The records of a file, and how many lines were none. What a crash cut short at its end is dropped; anything else
    unreadable is set aside.
    """
    *lines, _cut_short = content.split(b"\n")  # fdatasync had not returned: it was never acknowledged
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
