"""All reports as one HTML page without external files, for a phone, a dark screen, and paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """
:root { --ink: #1f2933; --pale: #5d6975; --line: #dfe4ea; --paper: #fff; --card: #f7f9fb; --accent: #1e7a38;
        color-scheme: light dark }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaee; --pale: #9aa5b1; --line: #34404c; --paper: #12181e; --card: #1a222a; --accent: #7bc77e }
  .picture { background: #fff; border-radius: 6px; padding: .5rem }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 68rem; padding: 1rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
       font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif }
h1 { font-size: 1.6rem; margin: 1rem 0 .25rem } h2 { font-size: 1.2rem; margin: 0 }
p { margin: .25rem 0 } .pale { color: var(--pale); font-size: .9rem }
nav { display: flex; flex-wrap: wrap; gap: .35rem .9rem; margin: 1rem 0 }
a { color: var(--accent) }
section { margin: 1.5rem 0; padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px }
.wide { overflow-x: auto; margin: .75rem 0 } .picture svg { max-width: 100%; height: auto } .heatmap svg { min-width: 40rem }
table { border-collapse: collapse; width: 100%; font-size: .92rem } caption { display: none }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
th { white-space: nowrap } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
td.plain { white-space: nowrap } td.words { overflow-wrap: anywhere; min-width: 8rem }
tbody tr:last-child td { border-bottom: 0 }
details { margin-top: .5rem } summary { cursor: pointer; color: var(--pale) } li { margin: .15rem 0 }
section td.words > div { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 6; overflow: hidden }
@media screen and (max-width: 44rem) {
  body { padding: .5rem } section { padding: .75rem .5rem } table { font-size: .8rem }
  th, td { padding: .25rem .3rem } th { white-space: normal } td.words { min-width: 0 }
  table.wordy, .wordy tbody, .wordy tr, .wordy td { display: block; text-align: left } .wordy thead { display: none }
  .wordy tr { border-bottom: 1px solid var(--line); padding: .4rem 0 } .wordy tbody tr:last-child { border-bottom: 0 }
  .wordy td { border: 0; padding: .05rem 0 .05rem 7rem; white-space: normal; position: relative; min-height: 1.2rem }
  .wordy td::before { content: attr(data-label); color: var(--pale); position: absolute; left: 0 }
}
@media print {
  body { max-width: none; padding: 0; font-size: 11pt } nav { display: none } details { display: none }
  h2, h2 ~ p { break-after: avoid } .picture { break-inside: avoid }
  section { border: 0; border-top: 1px solid #999; border-radius: 0; background: none;
            padding: .5rem 0 }
  .wide { overflow: visible } thead { display: table-header-group } tr { break-inside: avoid }
}
"""


@dataclass(frozen=True)
class Section:
    """A report on the page. `table` and `picture` are HTML and SVG as they are. Everything else is text."""

    name: str
    title: str
    about: str
    table: str
    picture: str | None
    is_heatmap: bool
    note: str
    definitions: Sequence[str]


def page(title: str, made: str, sections: Sequence[Section]) -> str:
    """Return the whole page."""
    links = "".join(f"<a href='#{escape(part.name)}'>{escape(part.title)}</a>" for part in sections)
    return document(
        title, f"<p class='pale'>{escape(made)}</p>\n<nav>{links}</nav>\n{''.join(map(_section, sections))}"
    )


def document(title: str, body: str) -> str:
    """Return a page with this HTML in it."""
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style></head>\n<body>\n<h1>{escape(title)}</h1>"
        f"{body}</body></html>\n"
    )


def _section(part: Section) -> str:
    kind = "wide picture heatmap" if part.is_heatmap else "wide picture"
    picture = f"<div class='{kind}'>{part.picture}</div>" if part.picture else ""
    defined = "".join(f"<li>{escape(sentence)}</li>" for sentence in part.definitions)
    details = f"<details><summary>Definitions</summary><ul>{defined}</ul></details>" if defined else ""
    return (
        f"<section id='{escape(part.name)}'><h2>{escape(part.title)}</h2><p>{escape(part.about)}</p>"
        f"<p class='pale'>{escape(part.note)}</p>{picture}{part.table}{details}</section>\n"
    )
