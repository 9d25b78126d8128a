"""The reports: SQL files whose header declares title, options and columns.

    -- title:      the heading                       -- include:   a part of sql/reports/parts that it begins with
    -- about:      one line, for the list            -- filter:    customer, employee: its filters
    -- define:     a definition, for --explain       -- by:        its breakdowns, the default first
    -- note:       a note below it, each time
    -- param:      since or limit, and its default   -- column:    key, kind and label, in the order of the SELECT
    -- shape:      heatmap and its two sides         -- bars:      the column that is drawn as bars
    -- details:    the file of sql/reports/details   -- threshold: the column of --fail-above, above, below or by age,
                   with the counted rows                            and the column with yes in the judged rows
    -- meaning:    the column with Meta's codes
    -- place:      its place among the reports       -- page:      its breakdown on the page of all reports
    -- beside:     spool: its note tells the spooled records
    -- of:         now: it shows this moment, and has no range
    -- quiet:      columns that a terminal omits if their values are equal
    -- alarm:      open_turns: --fail-above judges every open turn, of any age

The statement may use :since, :until and :now (UTC, as the TIMESTAMP columns hold them), :tz, :limit, :by, :customer (a
person's key), :employee (a UUID) and :open (business hours, as JSON).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wa_cli.database import sqlfiles
from wa_cli.errors import ConfigError

_KEYS = (
    "title|about|define|note|include|param|column|shape|filter|by|bars|quiet|list|threshold|alarm|meaning|place|page"
    "|beside|of"
)
_HEADER = re.compile(rf"^--\s*({_KEYS}):\s*(.*?)\s*$", re.MULTILINE)
RESERVED = ("list", "all", "sql", "html")  # what `wa report` calls otherwise
KINDS = ("text", "words", "phone", "code", "integer", "number", "percent", "span", "instant", "date", "period")
WAYS = ("above", "below", "age")


@dataclass(frozen=True)
class ReportColumn:
    key: str
    kind: str
    label: str


@dataclass(frozen=True)
class Threshold:
    """A column and its judgement: `above` or `below` the given duration, or by its `age`. `among` is a column that says
    yes in the judged rows.
    """

    column: str
    way: str
    among: str | None = None


@dataclass(frozen=True)
class Report:
    """A report. `parameters` are its own defaults, as text. `counted_by` is, for details, the report whose figures they
    explain.
    """

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
            raise ConfigError(f"The report {self.path} cannot be read: {error}.") from None

    @property
    def title(self) -> str:
        return self._first("title") or self.name

    @property
    def about(self) -> str:
        return " ".join(self._all("about"))

    @property
    def definitions(self) -> list[str]:
        return self._all("define")

    @property
    def note(self) -> str:
        """What its rows do not show and everybody should know, said under it each time."""
        return " ".join(self._all("note"))

    @property
    def shape(self) -> list[str]:
        """Empty for a table; `heatmap` and the two keys of its sides for one."""
        return (self._first("shape") or "").split()

    @property
    def filters(self) -> list[str]:
        return (self._first("filter") or "").split()

    @property
    def by(self) -> list[str]:
        """What it can be broken down by; the first is meant where nobody says."""
        return (self._first("by") or "").split()

    @property
    def beside(self) -> str | None:
        return self._first("beside")

    @property
    def since(self) -> str:
        """How far back it looks where nobody says; a list as far as what it was counted by."""
        return self.counted_by.since if self.counted_by else self.parameters.get("since", "30d")

    @property
    def is_of_now(self) -> bool:
        return self._first("of") == "now"

    @property
    def page(self) -> str | None:
        """What it is broken down by where all reports stand on one page."""
        return self._first("page")

    @property
    def place(self) -> int:
        """Where it stands among the others: what a team lead looks at first comes first."""
        return int(self._first("place") or 99)

    @property
    def bars(self) -> str | None:
        return self._first("bars")

    @property
    def quiet(self) -> list[str]:
        return (self._first("quiet") or "").split()

    @property
    def meaning(self) -> str | None:
        return self._first("meaning")

    @property
    def threshold(self) -> Threshold | None:
        words = (self._first("threshold") or "").split()
        return Threshold(*words) if len(words) in (2, 3) else None

    @property
    def alarm(self) -> Report | None:
        """What `--fail-over` judges besides the rows: a file of sql/reporting whose rows say `since` when somebody waits."""
        name = self._first("alarm")
        return Report(sqlfiles.root() / "reporting" / f"{name}.sql") if name else None

    @property
    def is_judged(self) -> bool:
        """Whether it has something that `--fail-over` judges."""
        return self.threshold is not None or self.alarm is not None

    @cached_property
    def details(self) -> Report | None:
        """What was counted, row by row."""
        name = self._first("list")
        return Report(sqlfiles.root() / "reports" / "lists" / f"{name}.sql", counted_by=self) if name else None

    @cached_property
    def columns(self) -> list[ReportColumn]:
        """As its header has them; empty where a person's own report leaves them to its SELECT."""
        found = [ReportColumn(*line.split(None, 2)) for line in self._all("column") if len(line.split(None, 2)) == 3]
        strange = [column.kind for column in found if column.kind not in KINDS]
        if strange or len(found) < len(self._all("column")):
            raise ConfigError(
                f"The columns of the report {self.path} cannot be read.",
                hint=f"-- column: key kind Label, where the kind is one of {', '.join(KINDS)}",
            )
        return found

    @cached_property
    def parameters(self) -> dict[str, str]:
        pairs = [line.split(None, 1) for line in self._all("param")]
        return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}

    def check(self) -> None:
        """Raises ConfigError where its header contradicts itself: before anything is asked."""
        keys = {column.key for column in self.columns}
        named = [self.bars, self.meaning, *self.shape[1:], *self.quiet]
        if self._first("threshold"):
            if self.threshold is None or self.threshold.way not in WAYS:
                raise ConfigError(f"{self.path}: a threshold is a column, and one of {', '.join(WAYS)}.")
            named += [self.threshold.column, self.threshold.among]
        if strange := [key for key in named if key and key not in keys]:
            raise ConfigError(f"{self.path} speaks of a column {strange[0]!r} that its header has not.")
        if self.shape and len(self.shape) != len(("heatmap", "down", "across")):
            raise ConfigError(f"{self.path}: a shape is heatmap, and the keys of its two sides.")
        if not self.parameters.get("limit", "1").isdigit():
            raise ConfigError(f"{self.path}: the limit {self.parameters['limit']!r} is no number.")

    @cached_property
    def sql(self) -> str:
        """The whole statement: what the report includes is written once and stands before it."""
        parts = [self._part(name) for name in self._all("include")]
        body = _HEADER.sub("", self.text).strip()
        return f"WITH {', '.join(part.strip() for part in parts)}\n{body}" if parts else body

    def _part(self, name: str) -> str:
        try:
            return sqlfiles.read(f"reports/parts/{name}")
        except OSError:
            known = ", ".join(path.stem for path in sorted((sqlfiles.root() / "reports" / "parts").glob("*.sql")))
            raise ConfigError(f"{self.path} includes {name!r}, which there is not.", hint=f"One of {known}.") from None

    @property
    def uses_turns(self) -> bool:
        return "turns" in self._all("include")

    def most(self, limit: int | None) -> int | None:
        """How many rows it gives at most, where so many are asked for; None for one of a fixed number."""
        return (limit or int(self.parameters.get("limit", 1000))) if self.uses("limit") else None

    def uses(self, parameter: str) -> bool:
        return re.search(rf"(?<!:):{parameter}\b", self.sql) is not None

    def _first(self, key: str) -> str | None:
        return next(iter(self._all(key)), None)

    def _all(self, key: str) -> list[str]:
        return [value for found, value in _HEADER.findall(self.text) if found == key]


def reports(folder: Path | None = None) -> list[Report]:
    """Ours in their order, then a person's own from `folder`. Raises ConfigError where two have one name."""
    if folder and not folder.is_dir():
        raise ConfigError(f"The folder of your own reports, {folder}, is not there.", hint="Set WA_REPORTS to another.")
    ours = [Report(path) for path in sorted((sqlfiles.root() / "reports").glob("*.sql"))]
    ours.sort(key=lambda report: report.place)
    own = [Report(path) for path in sorted(folder.glob("*.sql"))] if folder else []
    taken = {*RESERVED, *(report.name for report in ours)}
    if doubled := [report for report in own if report.name in taken]:
        raise ConfigError(f"{doubled[0].path} has the name of a command of wa's own.", hint="Give it another name.")
    return [*ours, *own]
