"""The journal on disk: what the API answered, safe before the database knows it.

A folder of files, each owned by one process by a lock that the kernel takes back when the process dies. A line is a
checksum and a JSON record. A verdict is on the disk (fdatasync) before anything else happens with it; when the database
has it, it is forgotten. What a dead process left is adopted by any running worker of the machine.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from wa_cli.errors import WaError

SEGMENT_BYTES = 1 << 20
SUFFIX, CORRUPT = ".jsonl", ".corrupt"

Record = dict[str, Any]


class SpoolUnwritable(WaError):
    """Nothing may be sent that cannot be recorded."""


@dataclass(frozen=True)
class Entry:
    """A kept record, and where it is kept."""

    record: Record
    segment: Path
    number: int


@dataclass
class _Segment:
    path: Path
    file: IO[bytes]
    written: int = 0
    open_entries: set[int] = field(default_factory=set)
    count: int = 0


@dataclass(frozen=True)
class SpoolState:
    """What lies in the folder: files and records that wait, and files set aside because they cannot be read."""

    files: int
    records: int
    corrupt: tuple[str, ...]
    oldest_seconds: float


class Spool:
    """This process's own part of the folder, and the way to adopt what others left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._segments: dict[Path, _Segment] = {}
        self._current: _Segment | None = None

    def check(self) -> None:
        """Raise SpoolUnwritable unless a record could be kept now."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / f".probe-{uuid4().hex}"
            with probe.open("wb") as file:
                file.write(b"x" * 4096)
                file.flush()
                os.fdatasync(file.fileno())
            probe.unlink()
        except OSError as error:
            raise SpoolUnwritable(
                f"The spool folder {self.folder} cannot be written ({error.strerror}): nothing is sent until it can.",
                hint="Free the disk, or set WA_SPOOL to another folder.",
            ) from error

    def keep(self, records: Sequence[Record]) -> list[Entry]:
        """Have them on the disk: one fdatasync for all. Raises SpoolUnwritable, and then none of them counts as kept."""
        try:
            segment = self._writable_segment()
            entries: list[Entry] = []
            lines: list[bytes] = []
            for record in records:
                text = json.dumps(record, separators=(",", ":")).encode()
                lines.append(b"%08x %s\n" % (zlib.crc32(text), text))
                entries.append(Entry(record, segment.path, segment.count + len(entries)))
            segment.file.write(b"".join(lines))
            segment.file.flush()
            os.fdatasync(segment.file.fileno())
        except OSError as error:
            self._current = None
            raise SpoolUnwritable(f"The spool in {self.folder} cannot be written ({error.strerror}).") from error
        segment.written += sum(map(len, lines))
        segment.count += len(entries)
        segment.open_entries.update(entry.number for entry in entries)
        return entries

    def forget(self, entries: Sequence[Entry]) -> None:
        """The database has them. A file goes when its last record is forgotten."""
        for entry in entries:
            segment = self._segments.get(entry.segment)
            if segment is None:
                continue
            segment.open_entries.discard(entry.number)
            if not segment.open_entries:
                self._empty(segment)

    def left(self) -> int:
        """How many of this process's own records wait."""
        return sum(len(segment.open_entries) for segment in self._segments.values())

    def close(self) -> None:
        """Let go of the files: what is in them belongs to whoever adopts it."""
        for segment in list(self._segments.values()):
            if not segment.open_entries:
                segment.path.unlink(missing_ok=True)
            segment.file.close()
        self._segments.clear()
        self._current = None

    @contextmanager
    def adopt(self) -> Iterator[list[Record]]:
        """What dead processes left, oldest first: gone at the end of the block, kept where the block fails."""
        with self._orphans() as orphans:
            records = [record for path, _ in orphans for record in self._read(path)]
            yield records
            for path, _ in orphans:
                path.unlink(missing_ok=True)

    def state(self) -> SpoolState:
        files = sorted(self.folder.glob(f"*{SUFFIX}")) if self.folder.is_dir() else []
        held = [path for path in files if path.exists() and path.stat().st_size]
        oldest = min((path.stat().st_mtime for path in held), default=time.time())
        return SpoolState(
            files=len(held),
            records=sum(path.read_bytes().count(b"\n") for path in held),
            corrupt=tuple(path.name for path in sorted(self.folder.glob(f"*{CORRUPT}"))),
            oldest_seconds=max(0.0, time.time() - oldest),
        )

    def _writable_segment(self) -> _Segment:
        if self._current is None or self._current.written > SEGMENT_BYTES:
            self._current = self._open_segment()
        return self._current

    def _open_segment(self) -> _Segment:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{time.time_ns():020d}-{os.getpid()}-{uuid4().hex[:8]}{SUFFIX}"
        file = path.open("ab")
        fcntl.flock(file, fcntl.LOCK_EX)
        _sync_folder(self.folder)
        segment = self._segments[path] = _Segment(path, file)
        return segment

    def _empty(self, segment: _Segment) -> None:
        if segment is self._current:
            segment.file.truncate(0)
            segment.written = 0
        else:
            segment.path.unlink(missing_ok=True)
            segment.file.close()
            del self._segments[segment.path]

    @contextmanager
    def _orphans(self) -> Iterator[list[tuple[Path, IO[bytes]]]]:
        found: list[tuple[Path, IO[bytes]]] = []
        try:
            for path in sorted(self.folder.glob(f"*{SUFFIX}")) if self.folder.is_dir() else []:
                if path in self._segments:
                    continue
                with suppress(OSError):
                    file: IO[bytes] = path.open("rb")
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except OSError:
                        file.close()  # its owner lives
                    else:
                        found.append((path, file))
            yield found
        finally:
            for _, file in found:
                file.close()

    def _read(self, path: Path) -> Iterator[Record]:
        """The records of a file. What a crash cut short at its end is dropped; anything else unreadable is set aside."""
        lines = path.read_bytes().split(b"\n")
        cut_short, broken = lines.pop(), []
        del cut_short  # never acknowledged: fdatasync had not returned
        for line in lines:
            record = _parse(line)
            if record is None:
                broken.append(line)
            else:
                yield record
        if broken:
            path.with_suffix(CORRUPT).write_bytes(b"\n".join(broken) + b"\n")


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
