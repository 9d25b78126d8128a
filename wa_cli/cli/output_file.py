"""Files that a command writes: whole, or as they were before."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from wa_cli.errors import BadInput

_SYSTEM_LINK = re.compile(r"/dev/std(out|err)|(/dev|/proc/self)/fd/\d+")


def write(output: Path, pieces: Iterable[str | bytes]) -> None:
    """The pieces, one after the other; text as UTF-8, what has none escaped. Raises BadInput for what the system says to it.

    A file that is there keeps its mode and, where the pieces end early, what it held. A pipe or a device is written into. A
    symbolic link is not followed: whoever may write to the folder could have planted it.
    """
    check(output)
    with _explained(output):
        if _is_stream(output):
            with _opened_stream(output) as file:
                file.writelines(map(_bytes, pieces))
            return
        with _unfinished(output) as file:
            file.writelines(map(_bytes, pieces))


def check(output: Path) -> None:
    """Raises BadInput where there is no such folder, or where a symbolic link stands in place of the file."""
    with _explained(output):
        output.parent.stat()
        if output.is_symlink() and not _is_system_link(output):
            raise BadInput(
                f"Cannot write {output}: it is a symbolic link to {output.readlink()}.",
                hint="Remove the link, or name the file itself with --output.",
            )


def _is_system_link(output: Path) -> bool:
    """Whether it is a link that the system made for a stream of this process."""
    return _SYSTEM_LINK.fullmatch(str(output)) is not None


def _is_stream(output: Path) -> bool:
    return _is_system_link(output) or (output.exists() and not output.is_file())


def _opened_stream(output: Path) -> IO[bytes]:
    """A pipe or a device, opened; a link that has taken its place since is not followed."""
    flags = os.O_WRONLY | (0 if _is_system_link(output) else os.O_NOFOLLOW)
    return os.fdopen(os.open(output, flags), "wb")


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
    with suppress(FileNotFoundError):
        if stat.S_ISREG(found := target.lstat().st_mode):
            return stat.S_IMODE(found)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def _explained(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInput(f"{output} cannot be written: {error.strerror}.") from None
