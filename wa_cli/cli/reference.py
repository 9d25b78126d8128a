"""The generated tables of the documents: `python -m wa_cli.cli.reference [--check] FILE…`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from wa_cli.assembly import gauges
from wa_cli.cli.commands import every_command
from wa_cli.clock import format_span
from wa_cli.errors import EXIT_CODES
from wa_cli.reports import catalogue
from wa_cli.settings import schema
from wa_cli.telemetry import cloudwatch
from wa_cli.telemetry.measures import GaugeSource
from wa_cli.telemetry.metrics import Metrics


def commands() -> str:
    lines = ["| command | description |", "|---|---|"]
    lines += [f"| `wa {' '.join(path)}` | {_first_sentence(command.help)} |" for path, command in every_command()]
    return "\n".join(lines)


def settings() -> str:
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    defaults = schema.Settings(home=Path("the data folder"))
    for name, spec in schema.SPECS.items():
        value = getattr(defaults, name)
        shown = _default(value)
        names = ", ".join(f"`{each}`" for each in (schema.env_name(name), *spec.other_names))
        marks = " Secret, also as the path of a file in `…_FILE`." if spec.secret else ""
        kind = " **Production.**" if spec.production else ""
        lines.append(f"| {names} | {shown} | {spec.meaning}{marks}{kind} |")
    return "\n".join(lines)


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else format_span(value) if hasattr(value, "total_seconds") else str(value)


def reports() -> str:
    lines = ["| report | description | range |", "|---|---|---|"]
    for report in catalogue.reports():
        lines.append(f"| `wa report {report.name}` | {report.header.about} | {report.parameters.get('since', '')} |")
    return "\n".join(lines)


def metrics() -> str:
    known = Metrics(
        [
            gauges.queues(dict),
            gauges.spool(gauges.OUTCOME_SPOOL, int),
            gauges.spool(gauges.WEBHOOK_SPOOL, int),
            GaugeSource(gauges.FLEET, list),
        ]
    ).described()
    lines = ["| metric | meaning | CloudWatch |", "|---|---|---|"]
    for name, text in known:
        metric, dimensions = cloudwatch.NAMES.get(name.removeprefix("wa_").removesuffix("_total"), ("", ()))
        by = f" by {', '.join(dimensions)}" if dimensions else ""
        lines.append(f"| `{name}` | {text} | {f'`{metric}`{by}' if metric else ''} |")
    return "\n".join(lines)


def exit_codes() -> str:
    return "\n".join(
        ["| code | meaning |", "|---|---|", *(f"| {code} | {text} |" for code, text in EXIT_CODES.items())]
    )


TABLES = {
    "commands": commands,
    "settings": settings,
    "reports": reports,
    "metrics": metrics,
    "exit codes": exit_codes,
}


def filled(text: str) -> str:
    """Return the page with every marked table generated again."""
    for name, table in TABLES.items():
        place = re.search(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", text, re.DOTALL)
        if place is None:
            raise SystemExit(f"The {name} table has no markers: <!-- {name} --> … <!-- /{name} -->")
        text = f"{text[: place.start()]}{table()}\n{text[place.end() :]}"
    return text


def _first_sentence(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def main(arguments: list[str]) -> None:
    page = Path(arguments[-1])
    text = page.read_text(encoding="utf-8")
    made = filled(text)
    if "--check" in arguments and made != text:
        raise SystemExit(f"{page} is out of date. Run: make docs")
    page.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
