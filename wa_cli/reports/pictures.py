"""Pictures of reports as SVG: the cells of a heatmap, and bars. Every value is written too, so that colour is not needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from wa_cli.errors import BadInput
from wa_cli.reports.heatmap import Grid

CELL, GAP = 30, 3
LABEL, HEAD, NOTE = 46, 70, 38
COLOURS = ("#eef1f4", "#c6e6c3", "#7bc77e", "#3a9a4b", "#155d27")
INK, PALE, BAR = "#1f2933", "#6b7785", "#3a9a4b"
ROW, BARS, VALUES = 24, 420, 90
LONGEST_LABEL = 28  # characters
PNG_SCALE = 2
_FONT = "font-family='Helvetica, Arial, DejaVu Sans, sans-serif'"


@dataclass(frozen=True)
class Bar:
    """A bar of a chart. `value` is its length, and None draws none. `text` is written beside it."""

    label: str
    value: float | None
    text: str


def heatmap(title: str, grid: Grid, note: str = "") -> str:
    """Return a heatmap: weekdays down, hours across. `note` stands below the title."""
    width = LABEL + len(grid.columns) * (CELL + GAP) + 10
    height = HEAD + len(grid.rows) * (CELL + GAP) + 12
    parts = [_text(8, 20, title, size=15, weight="bold"), _text(8, NOTE, note, size=11, colour=PALE)]
    for place, column in enumerate(grid.columns):
        parts.append(
            _text(LABEL + place * (CELL + GAP) + CELL / 2, HEAD - 8, str(column), anchor="middle", colour=PALE)
        )
    for line, (name, values) in enumerate(zip(grid.rows, grid.cells, strict=True)):
        top = HEAD + line * (CELL + GAP)
        parts.append(_text(8, top + CELL / 2 + 4, name))
        for place, value in enumerate(values):
            parts.append(_cell(grid, LABEL + place * (CELL + GAP), top, value))
    return _svg(width, height, title, parts)


def _cell(grid: Grid, left: float, top: float, value: float) -> str:
    shade = grid.shade(value)
    box = f"<rect x='{left}' y='{top}' width='{CELL}' height='{CELL}' rx='3' fill='{COLOURS[shade]}'/>"
    if not value:
        return box
    figure = grid.readable(value).split()[0]
    ink = "#ffffff" if shade > 2 else INK
    return box + _text(left + CELL / 2, top + CELL / 2 + 4, figure, anchor="middle", colour=ink, size=10)


def bars(title: str, drawn: Sequence[Bar], note: str = "") -> str:
    """Return bars below each other, each with its label and its value. `note` stands below the title."""
    label = 16 + 7 * max((len(_short(bar.label)) for bar in drawn), default=0)
    longest = max((float(bar.value or 0) for bar in drawn), default=0.0) or 1.0
    parts = [_text(8, 20, title, size=15, weight="bold"), _text(8, NOTE, note, size=11, colour=PALE)]
    for line, bar in enumerate(drawn):
        top = HEAD - 18 + line * ROW
        length = BARS * float(bar.value or 0) / longest
        parts.append(_text(label - 8, top + 15, _short(bar.label), anchor="end"))
        parts.append(f"<rect x='{label}' y='{top + 3}' width='{length:.1f}' height='{ROW - 8}' rx='2' fill='{BAR}'/>")
        parts.append(_text(label + length + 6, top + 15, bar.text, colour=PALE))
    return _svg(label + BARS + VALUES, HEAD - 10 + len(drawn) * ROW, title, parts)


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def png(svg: str) -> bytes:
    """Return the picture in pixels, at twice its size. Raises BadInput if the package for it is missing."""
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        raise BadInput(
            "The package for PNG is not installed.",
            hint="Write an SVG with --output x.svg, or install the package.",
            command="pip install 'wa-ops[export]'",
        ) from None
    return bytes(svg_to_bytes(svg_string=svg, zoom=PNG_SCALE, background="white"))


def _text(
    left: float,
    top: float,
    words: str,
    *,
    anchor: str = "start",
    colour: str = INK,
    size: int = 12,
    weight: str = "normal",
) -> str:
    style = f"text-anchor='{anchor}' font-size='{size}' font-weight='{weight}' fill='{colour}'"
    return f"<text x='{left:.1f}' y='{top:.1f}' {style} {_FONT}>{escape(words)}</text>"


def _svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:.0f} {height:.0f}' width='{width:.0f}'"
    return f"{head} height='{height:.0f}' role='img'><title>{escape(title)}</title>\n" + "\n".join(parts) + "\n</svg>\n"
