"""The spool folders of a machine, and the databases that their records belong to.

A folder is named after the address of a database. The address may change, after a failover for example, and the records
still belong to the same database. Each folder therefore has a mark: the id of its database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from wa_cli import private_files

OUTCOMES, WEBHOOKS = "outcomes", "webhooks"
WEBHOOK_PREFIX = "webhooks-"

_MARK = "database.json"


@dataclass(frozen=True)
class Mark:
    """The kind of records in a folder, `outcomes` or `webhooks`, and the id and the name of their database.

    A copy of a database has its id too, and usually another name.
    """

    holds: str
    database: str
    name: str


def write_mark(folder: Path, mark: Mark) -> None:
    """Mark the folder, unless it has this mark."""
    if read_mark(folder) == mark:
        return
    private_files.make_folder(folder)
    unborn = folder / f".{_MARK}-{uuid4().hex}"
    with private_files.opened(unborn, "w") as file:
        json.dump(asdict(mark), file)
    unborn.replace(folder / _MARK)


def read_mark(folder: Path) -> Mark | None:
    """Return the mark of the folder, or None if it has no readable one."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        read = json.loads((folder / _MARK).read_text())
        return Mark(str(read["holds"]), str(read["database"]), str(read["name"]))
    return None


def folders_with_mark(home: Path, mark: Mark) -> list[Path]:
    return [folder for folder in spool_folders(home) if read_mark(folder) == mark]


def spool_folders(home: Path) -> Iterator[Path]:
    """Yield the spool folders below `home`, by name."""
    with suppress(FileNotFoundError):
        yield from sorted(path for path in home.iterdir() if path.is_dir())


def kind_of(folder: Path, first: Mapping[str, object] | None) -> str:
    """Return the kind of records in the folder, by the first one, else by its mark or its name."""
    if first is not None:
        return WEBHOOKS if "webhook" in first else OUTCOMES
    mark = read_mark(folder)
    if mark is not None:
        return mark.holds
    return WEBHOOKS if folder.name.startswith(WEBHOOK_PREFIX) else OUTCOMES
