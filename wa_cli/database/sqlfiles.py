"""Knows where `sql/` is, in a checkout and in an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


@cache
def root() -> Path:
    """The folder with our SQL: inside the package in a wheel, beside it in a checkout."""
    packed = _PACKAGE / "sql"
    return packed if packed.is_dir() else _PACKAGE.parent / "sql"


@cache
def read(name: str) -> str:
    """The statement in `sql/<name>.sql`, asked for by name: `read("outbox/claim")`."""
    return (root() / f"{name}.sql").read_text(encoding="utf-8")
