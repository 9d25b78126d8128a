"""Files and folders that their owner alone can read: what customers wrote is in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

FILE, FOLDER = 0o600, 0o700


def make_folder(folder: Path) -> None:
    """Have the folder, with its parents. One that is there already is closed to other users, if it is ours."""
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER)
    found = folder.stat()
    if found.st_mode & 0o077 and found.st_uid == os.geteuid():
        folder.chmod(FOLDER)


def opened(path: Path, mode: str, **how: Any) -> IO[Any]:
    """As `open`. A file that is there already is closed to other users, if it is ours."""
    file = open(path, mode, opener=_opener, **how)  # noqa: SIM115
    found = os.fstat(file.fileno())
    if found.st_mode & 0o077 and found.st_uid == os.geteuid():
        os.fchmod(file.fileno(), FILE)
    return file


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags, FILE)
