"""The path of `sql/`, in a checkout and in an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


@cache
def root() -> Path:
    """Return the folder with our SQL: inside the package in a wheel, beside it in a checkout."""
    packed = _PACKAGE / "sql"
    return packed if packed.is_dir() else _PACKAGE.parent / "sql"


@cache
def read(name: str) -> str:
    """Return the statement in `sql/<name>.sql`, such as `read("outbox/claim")`."""
    return (root() / f"{name}.sql").read_text(encoding="utf-8")
