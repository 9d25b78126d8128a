"""The header of a report: comments in front of its SQL that declare title, options and columns.

-- title:      the heading                       -- include:   a part of sql/reports/parts that it begins with
-- about:      one line, for the list            -- filter:    customer, employee: its filters
-- define:     a definition, for --explain       -- by:        its breakdowns, the default first
-- note:       a note below it, each time
-- param:      since or limit, and its default   -- column:    key, kind and label, in the order of the SELECT
-- shown:      columns and their condition: by BREAKDOWN…, with business-hours, without employee
-- phones:     a column of phone numbers: KEY by BREAKDOWN
-- shape:      heatmap and its two sides         -- bars:      the column that is drawn as bars
-- details:    the file of sql/reports/details   -- threshold: the column of --fail-above, above, below or by age,
               with the counted rows                            and the column with yes in the judged rows
-- working:    the judged column with business hours
-- meaning:    the column with Meta's codes
-- place:      its place among the reports       -- page:      its breakdown on the page of all reports
-- beside:     its note tells spooled records (spool), or open turns from before its range (older_turns)
-- of:         now: it shows this moment, and has no range
-- quiet:      columns that a terminal omits if their values are equal
-- wide:       columns that a narrow terminal omits, the last one first
-- alarm:      open_turns: --fail-above judges every open turn, of any age
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from wa_cli.errors import ConfigError

_KEYS = (
    "title|about|define|note|include|param|column|shown|phones|shape|filter|by|bars|quiet|wide|details|threshold|working|alarm"
    "|meaning|place|page|beside|of"
)
_LINE = re.compile(rf"^--\s*({_KEYS}):\s*(.*?)\s*$", re.MULTILINE)
_ANY_LINE = re.compile(r"--\s*([a-z_-]+):")
KINDS = ("text", "words", "phone", "code", "integer", "number", "percent", "span", "instant", "date", "period")
WAYS = ("above", "below", "age")
CONDITIONS = ("by", "with", "without")


@dataclass(frozen=True)
class ReportColumn:
    key: str
    kind: str
    label: str


@dataclass(frozen=True)
class Condition:
    """Some columns, and when they are shown: `by` breakdowns, `with` business hours, or `without` a filter."""

    keys: tuple[str, ...]
    word: str
    values: tuple[str, ...]

    def holds(self, *, by: str | None, given: Mapping[str, bool]) -> bool:
        """Return True if the columns are shown. `given` tells if business hours and filters are given."""
        if self.word == "by":
            return by in self.values
        return given.get(self.values[0], False) is (self.word == "with")


@dataclass(frozen=True)
class Threshold:
    """A column and its judgement: `above` or `below` the given duration, or by its `age`.

    `among` is a column that says yes in the judged rows. `working` is the judged column with business hours.
    """

    column: str
    way: str
    among: str | None = None
    working: str | None = None


@dataclass(frozen=True)
class Header:
    """The declarations of a report, parsed. `details` and `alarm` are names of files."""

    title: str | None
    about: str
    definitions: tuple[str, ...]
    note: str
    includes: tuple[str, ...]
    filters: tuple[str, ...]
    by: tuple[str, ...]
    parameters: Mapping[str, str]
    columns: tuple[ReportColumn, ...]
    conditions: tuple[Condition, ...]
    phones: Condition | None
    shape: tuple[str, ...]
    bars: str | None
    quiet: tuple[str, ...]
    wide: tuple[str, ...]
    details: str | None
    threshold: Threshold | None
    alarm: str | None
    meaning: str | None
    place: int
    page: str | None
    beside: str | None
    is_of_now: bool

    def hidden(self, *, by: str | None, given: Mapping[str, bool]) -> set[str]:
        """Return the keys of columns that are not shown for this breakdown and these filters."""
        return {key for one in self.conditions if not one.holds(by=by, given=given) for key in one.keys}


def without_header(text: str) -> str:
    """Return the SQL of a report without its header."""
    return _LINE.sub("", text).strip()


def parse(text: str, path: Path) -> Header:
    """Return the header of a report's text. Raises ConfigError with the path if a declaration is invalid."""
    return _Lines(text, path).header()


class _Lines:
    def __init__(self, text: str, path: Path) -> None:
        self.path = path
        self._found = _LINE.findall(text)
        self._refuse_unknown(text)

    def header(self) -> Header:
        return Header(
            title=self._first("title"),
            about=" ".join(self._all("about")),
            definitions=tuple(self._all("define")),
            note=" ".join(self._all("note")),
            includes=tuple(self._all("include")),
            filters=self._words("filter"),
            by=self._words("by"),
            parameters=self._parameters(),
            columns=self._columns(),
            conditions=tuple(map(self._condition, self._all("shown"))),
            phones=self._condition(line) if (line := self._first("phones")) else None,
            shape=self._words("shape"),
            bars=self._first("bars"),
            quiet=self._words("quiet"),
            wide=self._words("wide"),
            details=self._first("details"),
            threshold=self._threshold(),
            alarm=self._first("alarm"),
            meaning=self._first("meaning"),
            place=self._place(),
            page=self._first("page"),
            beside=self._first("beside"),
            is_of_now=self._first("of") == "now",
        )

    def _refuse_unknown(self, text: str) -> None:
        """Raise ConfigError for an unknown key in the comments before the SQL."""
        known = _KEYS.split("|")
        for line in takewhile(lambda line: line.startswith("--") or not line.strip(), text.splitlines()):
            declared = _ANY_LINE.match(line)
            if declared and declared[1] not in known:
                raise ConfigError(
                    f"{self.path}: {declared[1]!r} is not a declaration of a report.",
                    hint=f"Use one of {', '.join(known)}, or write the comment without a colon after its first word.",
                )

    def _place(self) -> int:
        place = self._first("place") or "99"
        if not place.isdecimal():
            raise ConfigError(f"{self.path}: the place {place!r} is not a number.", hint="Write it like -- place: 3.")
        return int(place)

    def _all(self, key: str) -> list[str]:
        return [value for found, value in self._found if found == key]

    def _first(self, key: str) -> str | None:
        return next(iter(self._all(key)), None)

    def _words(self, key: str) -> tuple[str, ...]:
        return tuple((self._first(key) or "").split())

    def _parameters(self) -> dict[str, str]:
        pairs = [line.split(None, 1) for line in self._all("param")]
        return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}

    def _columns(self) -> tuple[ReportColumn, ...]:
        found = [ReportColumn(*line.split(None, 2)) for line in self._all("column") if len(line.split(None, 2)) == 3]
        unknown = [column.kind for column in found if column.kind not in KINDS]
        if unknown or len(found) < len(self._all("column")):
            raise ConfigError(
                f"The columns of the report {self.path} are invalid.",
                hint=f"Write -- column: KEY KIND LABEL, where KIND is one of {', '.join(KINDS)}.",
            )
        return tuple(found)

    def _condition(self, line: str) -> Condition:
        words = line.split()
        place = next((at for at, word in enumerate(words) if word in CONDITIONS), None)
        if not place or place == len(words) - 1:
            raise ConfigError(
                f"{self.path}: {line!r} is not a condition.",
                hint="Write KEY… by BREAKDOWN…, KEY… with business-hours, or KEY… without FILTER.",
            )
        return Condition(tuple(words[:place]), words[place], tuple(words[place + 1 :]))

    def _threshold(self) -> Threshold | None:
        words = self._words("threshold")
        if not words:
            return None
        if len(words) not in (2, 3) or words[1] not in WAYS:
            raise ConfigError(
                f"{self.path}: {' '.join(words)!r} is not a threshold.",
                hint=f"Write -- threshold: COLUMN and one of {', '.join(WAYS)}.",
            )
        return Threshold(*words, **({"working": working} if (working := self._first("working")) else {}))
