"""The reports: SQL files with a header (`header.py`).

The statement may use :since, :until and :now (UTC, as the TIMESTAMP columns hold them), :tz, :limit, :by, :customer (a
person's key), :employee (a UUID) and :open (business hours, as JSON).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wa_cli.database import sqlfiles
from wa_cli.errors import ConfigError
from wa_cli.reports import header
from wa_cli.reports.header import Header, ReportColumn, Threshold

# Subcommands of `wa report` that are not reports.
RESERVED = ("list", "all", "sql", "html")


@dataclass(frozen=True)
class Report:
    """A report. `counted_by` is, for details, the report whose figures they explain."""

    path: Path
    counted_by: Report | None = None

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"Cannot read the report {self.path}: {error}.") from None

    @cached_property
    def header(self) -> Header:
        return header.parse(self.text, self.path)

    @property
    def title(self) -> str:
        return self.header.title or self.name

    @property
    def columns(self) -> Sequence[ReportColumn]:
        """The columns of the header, or none for a report that leaves them to its SELECT."""
        return self.header.columns

    @property
    def threshold(self) -> Threshold | None:
        return self.header.threshold

    @property
    def shape(self) -> Sequence[str]:
        """Empty for a table, or `heatmap` and the keys of its two sides."""
        return self.header.shape

    @property
    def by(self) -> Sequence[str]:
        return self.header.by

    @property
    def parameters(self) -> Mapping[str, str]:
        """Its own defaults, as text."""
        return self.header.parameters

    @property
    def since(self) -> str:
        """The default range. Details have that of the report whose figures they explain."""
        return self.counted_by.since if self.counted_by else self.parameters.get("since", "30d")

    @property
    def alarm(self) -> Report | None:
        """The turns that --fail-above judges besides the rows: a file of sql/lookups whose rows have `since`."""
        name = self.header.alarm
        return Report(sqlfiles.root() / "lookups" / f"{name}.sql") if name else None

    @property
    def is_judged(self) -> bool:
        """True if --fail-above can judge it."""
        return self.threshold is not None or self.header.alarm is not None

    @property
    def judges_below(self) -> bool:
        """True if --fail-below judges it: a value that must not become too small, such as a stored share."""
        return self.threshold is not None and self.threshold.way == "below"

    @property
    def judges_shares(self) -> bool:
        """True if the judged column is a percentage."""
        judged = self.threshold.column if self.threshold else None
        return any(column.key == judged and column.kind == "percent" for column in self.columns)

    @cached_property
    def details(self) -> Report | None:
        """The counted rows."""
        name = self.header.details
        return Report(sqlfiles.root() / "reports" / "details" / f"{name}.sql", counted_by=self) if name else None

    def check(self) -> None:
        """Raise ConfigError if the header contradicts itself, before anything is queried."""
        declared = self.header
        keys = {column.key for column in declared.columns}
        named = [declared.bars, declared.meaning, *declared.shape[1:], *declared.quiet, *declared.wide]
        named += [key for condition in declared.conditions for key in condition.keys]
        if declared.threshold:
            named += [declared.threshold.column, declared.threshold.among, declared.threshold.working]
        if unknown := [key for key in named if key and key not in keys]:
            raise ConfigError(f"{self.path} names the column {unknown[0]!r}, which its header does not declare.")
        if declared.shape and len(declared.shape) != len(("heatmap", "down", "across")):
            raise ConfigError(
                f"{self.path}: the shape {' '.join(declared.shape)!r} is not heatmap with two column keys."
            )
        if not declared.parameters.get("limit", "1").isdigit():
            raise ConfigError(f"{self.path}: the limit {declared.parameters['limit']!r} is not a number.")

    @cached_property
    def sql(self) -> str:
        """The whole statement, with the included parts in front."""
        parts = [self._part(name) for name in self.header.includes]
        body = header.without_header(self.text)
        return f"WITH {', '.join(part.strip() for part in parts)}\n{body}" if parts else body

    def _part(self, name: str) -> str:
        try:
            return sqlfiles.read(f"reports/parts/{name}")
        except OSError:
            known = ", ".join(path.stem for path in sorted((sqlfiles.root() / "reports" / "parts").glob("*.sql")))
            raise ConfigError(
                f"{self.path} includes {name!r}, which does not exist.", hint=f"Use one of {known}."
            ) from None

    @property
    def uses_turns(self) -> bool:
        return "turns" in self.header.includes

    def most(self, limit: int | None) -> int | None:
        """Return the maximum number of rows for this limit, or None for a report with a fixed number of rows."""
        return (limit or int(self.parameters.get("limit", 1000))) if self.uses("limit") else None

    def uses(self, parameter: str) -> bool:
        return re.search(rf"(?<!:):{parameter}\b", self.sql) is not None


def reports(folder: Path | None = None) -> list[Report]:
    """Return the reports of wa in their order, then those of `folder`. Raises ConfigError if two have one name."""
    if folder and not folder.is_dir():
        raise ConfigError(f"The folder of reports {folder} does not exist.", hint="Set WA_REPORTS to another folder.")
    ours = [Report(path) for path in sorted((sqlfiles.root() / "reports").glob("*.sql"))]
    ours.sort(key=lambda report: report.header.place)
    own = [Report(path) for path in sorted(folder.glob("*.sql"))] if folder else []
    taken = {*RESERVED, *(report.name for report in ours)}
    if doubled := [report for report in own if report.name in taken]:
        raise ConfigError(f"{doubled[0].path} has the name of a command of wa.", hint="Rename the file.")
    return [*ours, *own]
