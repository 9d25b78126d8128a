"""Files and folders that only their owner can read, since they hold customers' messages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

FILE, FOLDER = 0o600, 0o700


def make_folder(folder: Path) -> None:
    """Create the folder, with its parents. An existing one of this user is closed to other users."""
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER)
    found = folder.stat()
    if found.st_mode & 0o077 and found.st_uid == os.geteuid():
        folder.chmod(FOLDER)


def opened(path: Path, mode: str, **how: Any) -> IO[Any]:
    """Open a file like `open`. An existing one of this user is closed to other users."""
    file = open(path, mode, opener=_opener, **how)  # noqa: SIM115
    found = os.fstat(file.fileno())
    if found.st_mode & 0o077 and found.st_uid == os.geteuid():
        os.fchmod(file.fileno(), FILE)
    return file


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags, FILE)
