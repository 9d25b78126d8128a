from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from uuid import uuid4

from wa_cli.checks.finding import Finding, Level
from wa_cli.checks.installation import Installation

NAME, TITLE = "disk", "Disk"

SCANT = 2.0
# On these file systems a file is lost with the container or at the next boot.
VOLATILE = ("overlay", "tmpfs", "ramfs", "aufs")
SLOW_SYNC = 0.05
SYNCS = 5


def run(installation: Installation) -> Finding | None:
    """Check the disk of the spool: free space, the time of an fdatasync, and whether files survive a new container."""
    folder = installation.spool_home
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    free, kind, sync = shutil.disk_usage(folder).free, _filesystem(folder), _sync_seconds(folder)
    facts = {"folder": str(folder), "free": free, "filesystem": kind, "sync_ms": round(1000 * sync, 2)}
    message = f"{folder}: {free / (1 << 30):,.1f} GB free, an fdatasync takes {1000 * sync:.1f} ms"
    if free < SCANT * installation.spool_quota:
        return Finding(Level.WARNING, f"{message}; free space is less than twice WA_SPOOL_QUOTA", "df -h", facts)
    if kind in VOLATILE:
        message = f"{message}; on {kind} the spool survives a crash, but not a new container"
        return Finding(Level.WARNING, message, facts=facts, hint="Set WA_SPOOL to a folder on a volume.")
    if sync > SLOW_SYNC:
        return Finding(Level.WARNING, f"{message}; this is slow, and every batch of outcomes waits for it", facts=facts)
    return Finding(Level.OK, message, facts=facts)


def _filesystem(folder: Path) -> str | None:
    """Return the type of the file system of the folder, or None if the system does not tell."""
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
