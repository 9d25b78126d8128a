"""Parameters of several commands, declared once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from wa_cli.cli.render import ALIASES, FORMATS
from wa_cli.errors import BadInput
from wa_cli.messages.phone import customer_key, parse_customer

AsJson = Annotated[bool, typer.Option("--json", help="Same as --format json.")]
JsonOnly = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Format = Annotated[str | None, typer.Option("--format", help=f"Output format: {', '.join(FORMATS)}.", metavar="FORMAT")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Output file. Its suffix decides the format.", metavar="FILE")
]
Phone = Annotated[str, typer.Argument(help="Phone number with + and country code, or user id.", metavar="PHONE")]
Since = Annotated[
    str | None, typer.Option(help="Start time: 7d, today, monday, 2026-11-23, 2026-11-23T09:00.", metavar="TIME")
]
Until = Annotated[str | None, typer.Option(help="End time, not included. Default: now.", metavar="TIME")]
Zone = Annotated[str | None, typer.Option("--tz", help="Time zone. Default: WA_TIMEZONE.", metavar="ZONE")]
Customer = Annotated[str | None, typer.Option(help="Only this customer: number or user id.", metavar="PHONE")]
TemplateName = Annotated[str, typer.Argument(help="Name of the template at Meta.", metavar="NAME")]
TemplateParameters = Annotated[
    list[str] | None, typer.Argument(help="Parameters of the body, in order.", metavar="[PARAMETER]...")
]
TemplateLanguage = Annotated[
    str | None, typer.Option(help="Language, such as en_US. Default: WA_TEMPLATE_LANGUAGE.", metavar="CODE")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation.")]


def key_of(customer: str | None) -> str | None:
    """Return the key of a customer who is named by number or user id. Raises BadInput."""

    return customer_key(*parse_customer(customer)) if customer is not None else None


def written_number(customer: str | None) -> str | None:
    """Return a customer's key as people write it: a number with its +."""
    return f"+{customer}" if customer and customer.isdigit() else customer


def confirm(question: str) -> None:
    """Ask, and go on only after a yes. Raises BadInput without a terminal."""
    if not sys.stdin.isatty():
        raise BadInput("Cannot ask for a confirmation without a terminal.", hint="Use --yes to skip it.")
    try:
        typer.confirm(question, abort=True, err=True)
    except typer.Abort as abort:
        if isinstance(abort.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise


def chosen_format(form: str | None, as_json: bool) -> str | None:
    """Return the chosen format, or None for the default. Raises BadInput for an unknown one, or for two."""
    form = ALIASES.get(form or "", form)
    if form == "xlsx":
        raise BadInput("A spreadsheet cannot be printed.", hint="Use --output x.xlsx.")
    if form is not None and form not in FORMATS:
        raise BadInput(f"{form!r} is not a format.", hint=f"Use one of {', '.join(FORMATS)}.")
    if as_json and form not in (None, "json"):
        raise BadInput(f"--json and --format {form} cannot be used together.")
    return "json" if as_json else form
