from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from uuid import uuid4

from wa_cli.verify.base import Check, Finding, Level

SCANT = 2.0
# Where these are mounted, what is written dies with the container or the machine's next start.
PASSING = ("overlay", "tmpfs", "ramfs", "aufs")
SLOW_SYNC = 0.05
SYNCS = 5


def check(folder: Path, quota: int) -> Check:
    """The disk under the spool: room, how long a sync takes, and whether it outlives what runs here."""

    def look() -> Finding:
        folder.mkdir(parents=True, exist_ok=True)
        free, kind, sync = shutil.disk_usage(folder).free, _filesystem(folder), _sync_seconds(folder)
        facts = {"folder": str(folder), "free": free, "filesystem": kind, "sync_ms": round(1000 * sync, 2)}
        said = f"{folder}: {free / (1 << 30):,.1f} GB free, a sync takes {1000 * sync:.1f} ms"
        if free < SCANT * quota:
            return Finding(Level.WARNING, f"{said}: less than twice WA_SPOOL_QUOTA", "df -h", facts)
        if kind in PASSING:
            why = f"{said}; on {kind}: the spool survives a crash there, not a new container"
            return Finding(Level.WARNING, why, "WA_SPOOL: a folder on a volume", facts)
        if sync > SLOW_SYNC:
            return Finding(Level.WARNING, f"{said}: each batch of answers waits for one", facts=facts)
        return Finding(Level.OK, said, facts=facts)

    return Check("disk", "Disk", look)


def _filesystem(folder: Path) -> str | None:
    """The kind of the mount that the folder is on, where the system tells."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return None
    over = [(point, kind) for point, kind in mounts if folder.resolve().is_relative_to(point.replace("\\040", " "))]
    return max(over, key=lambda mount: len(mount[0]))[1] if over else None


def _sync_seconds(folder: Path) -> float:
    probe = folder / f".probe-{uuid4().hex}"
    try:
        with probe.open("wb", buffering=0) as file:
            began = time.perf_counter()
            for _ in range(SYNCS):
                file.write(b"x" * 4096)
                os.fdatasync(file.fileno())
            return (time.perf_counter() - began) / SYNCS
    finally:
        probe.unlink(missing_ok=True)
