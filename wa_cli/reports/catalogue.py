"""The reports there are: the files of `sql/reports/`, each with a header that is its title, its flags and its columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wa_cli import sqlfiles

_HEADER = re.compile(r"^--\s*(title|about|define|include|param|column|shape):\s*(.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class ReportColumn:
    key: str
    kind: str
    label: str


@dataclass(frozen=True)
class Report:
    """A report: `parameters` are its own defaults, as text."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def title(self) -> str:
        return self._all("title")[0]

    @property
    def about(self) -> str:
        return " ".join(self._all("about"))

    @property
    def definitions(self) -> list[str]:
        return self._all("define")

    @property
    def shape(self) -> list[str]:
        """Empty for a table; `heatmap` and the two keys of its sides for one."""
        return self._all("shape")[0].split() if self._all("shape") else []

    @cached_property
    def columns(self) -> list[ReportColumn]:
        return [ReportColumn(*line.split(None, 2)) for line in self._all("column")]

    @cached_property
    def parameters(self) -> dict[str, str]:
        return dict(map(_pair, self._all("param")))

    @cached_property
    def sql(self) -> str:
        """The whole statement: what the report includes is written once and stands before it."""
        parts = [sqlfiles.read(f"reports/parts/{name}") for name in self._all("include")]
        body = _HEADER.sub("", self.text).strip()
        return f"WITH {', '.join(part.strip() for part in parts)}\n{body}" if parts else body

    def _all(self, key: str) -> list[str]:
        return [value for found, value in _HEADER.findall(self.text) if found == key]


def _pair(line: str) -> tuple[str, str]:
    key, default = line.split(None, 1)
    return key, default


def reports() -> list[Report]:
    return [Report(path) for path in sorted((sqlfiles.root() / "reports").glob("*.sql"))]
