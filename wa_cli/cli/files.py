"""Files that a command writes: whole, or as they were before."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wa_cli.errors import BadInput


def write(output: Path, pieces: Iterable[str | bytes]) -> None:
    """The pieces, one after the other; text as UTF-8, what has none escaped. Raises BadInput for what the system says to it.

    A file that is there keeps its mode and, where the pieces end early, what it held. A link is followed; a pipe or a device is
    written into.
    """
    with _told(output):
        target = output.resolve()
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                file.writelines(map(_bytes, pieces))
            return
        with _unfinished(target) as file:
            file.writelines(map(_bytes, pieces))


def check(output: Path) -> None:
    """Raises BadInput where there is no such folder: better before the work than after it."""
    with _told(output):
        output.parent.stat()


def _bytes(piece: str | bytes) -> bytes:
    return piece if isinstance(piece, bytes) else piece.encode("utf-8", "backslashreplace")


@contextmanager
def _unfinished(target: Path) -> Iterator[tempfile._TemporaryFileWrapper[bytes]]:
    """A file beside the target, that takes its place at the end."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        try:
            yield file
            file.close()
            Path(file.name).chmod(_mode(target))
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _mode(target: Path) -> int:
    """That of the file which is replaced, or what the system gives a new one."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def _told(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInput(f"{output} cannot be written: {error.strerror}.") from None
