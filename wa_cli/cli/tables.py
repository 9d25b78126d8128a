"""One model of a table: what the screen shows is what the file holds, for all forms come from the same rows."""

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

# Control characters, and the marks that turn text round: a customer's text must not steer our terminal.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LINE_BREAK = re.compile("\r\n|[\r\n\t\x0b\x0c\x85\u2028\u2029]")
# Code points that XML 1.0 does not allow: a spreadsheet or a picture that holds one cannot be opened.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Column:
    """`kind`: text, words, phone, integer, number, percent, span, instant, date. Spans are seconds.

    Words are somebody's free text, of any length: a terminal shows their beginning, every other form all of them. A quiet
    column is left out at a terminal where all of its values are the same.
    """

    key: str
    label: str
    kind: str = "text"
    is_quiet: bool = False

    @property
    def is_number(self) -> bool:
        return self.kind in ("integer", "number", "percent", "span")


@dataclass(frozen=True)
class Table:
    """Rows of one shape. `note` is said under the table, to people, who read instants in `zone`; files hold UTC.

    `total`: how many rows there are, where not all of them are here.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    note: str | None = None
    zone: str = "UTC"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    bars: str | None = None  # the column that a terminal draws beside the others
    total: int | None = None

    def for_terminal(self) -> Table:
        """The table without quiet columns that tell no row from another."""
        columns = [c for c in self.columns if not c.is_quiet or len({row[c.key] for row in self.rows}) > 1]
        return replace(self, columns=columns)

    @property
    def cut(self) -> str | None:
        """What is to be said where rows are missing."""
        shown = len(self.rows)
        return (
            f"showing {shown:,} of {self.total:,}: --limit shows more." if self.total and self.total > shown else None
        )


def clean(text: str) -> str:
    """Text without what would steer a terminal; line breaks become spaces."""
    return xml_text(CONTROL.sub("\N{REPLACEMENT CHARACTER}", _LINE_BREAK.sub(" ", text)))


def xml_text(text: str) -> str:
    """Text with every code point that XML 1.0 does not allow replaced by U+FFFD."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def plain_value(value: Any) -> Any:
    """A value as JSON carries it: instants in ISO 8601, spans in seconds."""
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
    """A value as people read it."""
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
    """Rounded, but what is there is never nothing, and what is missing never all."""
    if 0 < value < 1:
        return "<1 %"
    if 99 < value < 100:
        return ">99 %"
    return f"{value:.0f} %"


def local(table: Table) -> Table:
    """The table with its instants in the zone of the people who read it."""
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
