"""Output files: complete, or unchanged."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from wa_cli.errors import BadInput, system_reason

_SYSTEM_LINK = re.compile(r"/dev/std(out|err)|(/dev|/proc/self)/fd/\d+")


def write(output: Path, pieces: Iterable[str | bytes]) -> None:
    """Write the pieces one after the other, text as UTF-8. Raises BadInput with the system's error.

    An existing file keeps its mode, and its content if the pieces end early. A pipe or a device is written into. A
    symbolic link is not followed, since any user who may write to the folder could have planted it.
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
    """Raise BadInput if the folder is missing, or if a symbolic link stands in place of the file."""
    with _explained(output):
        output.parent.stat()
        if output.is_symlink() and not _is_system_link(output):
            raise BadInput(
                f"Cannot write {output}: it is a symbolic link to {output.readlink()}.",
                hint="Remove the link, or choose another path with --output.",
            )


def _is_system_link(output: Path) -> bool:
    """Return True for a link that the system made for a stream of this process."""
    return _SYSTEM_LINK.fullmatch(str(output)) is not None


def _is_stream(output: Path) -> bool:
    return _is_system_link(output) or (output.exists() and not output.is_file())


def _opened_stream(output: Path) -> IO[bytes]:
    """Return a pipe or a device, opened. A link that has taken its place since is not followed."""
    flags = os.O_WRONLY | (0 if _is_system_link(output) else os.O_NOFOLLOW)
    return os.fdopen(os.open(output, flags), "wb")


def _bytes(piece: str | bytes) -> bytes:
    return piece if isinstance(piece, bytes) else piece.encode("utf-8", "backslashreplace")


@contextmanager
def _unfinished(target: Path) -> Iterator[tempfile._TemporaryFileWrapper[bytes]]:
    """Yield a file beside the target, which replaces it at the end."""
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
    """Return the mode of the replaced file, or the system's for a new one."""
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
        raise BadInput(
            f"Cannot write {output}: {system_reason(error)}.", hint="Choose another path with --output."
        ) from None
