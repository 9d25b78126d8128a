"""The model of a table. All formats are written from the same rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from wa_cli.clock import format_span

# Control characters and direction marks: a customer's text must not control our terminal.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LINE_BREAK = re.compile("\r\n|[\r\n\t\x0b\x0c\x85\u2028\u2029]")
# Code points that XML 1.0 does not allow. A spreadsheet or a picture with one cannot be opened.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Column:
    """A column of a table: key in files, label for people, and kind of value.

    `kind`: text, words, phone, integer, number, percent, span, instant, date. Spans are seconds.

    Words are free text of any length: a terminal shows their beginning, every other format all of them. A quiet column
    is left out at a terminal if all of its values are equal, and one with `omitted` if the terminal is too narrow, the
    highest first.
    """

    key: str
    label: str
    kind: str = "text"
    is_quiet: bool = False
    omitted: int = 0

    @property
    def is_number(self) -> bool:
        return self.kind in ("integer", "number", "percent", "span")


@dataclass(frozen=True)
class Table:
    """Rows of one shape. `note` is printed below the table for people, who read instants in `zone`. Files have UTC.

    `total` is the number of all rows, if some are missing here. `hidden` is a part of the note that readers of data need
    too, and `facts` are its figures for JSON.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    note: str | None = None
    zone: str = "UTC"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    bars: str | None = None  # the column that a terminal draws as bars
    total: int | None = None
    hidden: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def for_terminal(self) -> Table:
        """Return the table without quiet columns whose values are equal."""
        columns = [c for c in self.columns if not c.is_quiet or len({row[c.key] for row in self.rows}) > 1]
        return replace(self, columns=columns)

    @property
    def cut(self) -> str | None:
        """Return the note about missing rows, or None."""
        shown = len(self.rows)
        is_cut = self.total and self.total > shown
        cut = f"Showing {shown:,} of {self.total:,}. Use --limit to show more." if is_cut else None
        return " ".join(filter(None, (cut, self.hidden))) or None


def clean(text: str) -> str:
    """Return text without characters that control a terminal. Line breaks become spaces."""
    return xml_text(CONTROL.sub("\N{REPLACEMENT CHARACTER}", _LINE_BREAK.sub(" ", text)))


def xml_text(text: str) -> str:
    """Return text with U+FFFD for every code point that XML 1.0 does not allow."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def plain_value(value: Any) -> Any:
    """Return a value as JSON carries it: instants in ISO 8601, durations in seconds."""
    match value:
        case timedelta():
            return value.total_seconds()
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return float(value)
        case UUID() | Path():
            return str(value)
        case _:
            return value


def cell(value: Any, kind: str) -> str:
    """Return a value as people read it."""
    if value is None:
        return "—"
    match kind:
        case "integer":
            return f"{value:,}"
        case "number":
            return f"{value:,.1f}"
        case "percent":
            return _percent(100 * value)
        case "span":
            return format_span(value if isinstance(value, timedelta) else timedelta(seconds=float(value)))
        case "instant":
            return str(value.strftime("%Y-%m-%d %H:%M"))
        case "date":
            return str(value.strftime("%Y-%m-%d"))
        case _:
            return clean(str(value))


def _percent(value: float) -> str:
    """Return a rounded percentage. A share above zero is never 0 %, and one below all is never 100 %."""
    if 0 < value < 1:
        return "<1 %"
    if 99 < value < 100:
        return ">99 %"
    return f"{value:.0f} %"


def local(table: Table) -> Table:
    """Return the table with its instants in the zone of its readers."""
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(table.zone)
    return replace(
        table,
        rows=[
            {
                key: value.astimezone(zone) if isinstance(value, datetime) and value.tzinfo else value
                for key, value in row.items()
            }
            for row in table.rows
        ],
    )
