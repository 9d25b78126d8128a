"""wa template: the templates of the account at Meta."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from wa_cli.cli import render
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import AsJson, Format, TemplateLanguage, TemplateName, TemplateParameters, chosen_format
from wa_cli.cli.tables import Column, Table
from wa_cli.errors import BadInput
from wa_cli.telemetry.logs import print_note

if TYPE_CHECKING:
    from wa_cli.cloud.templates import TemplateDefinition

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(
    ctx: typer.Context,
    status: Annotated[str | None, typer.Option(help="Only this status, such as APPROVED.", metavar="STATUS")] = None,
    as_json: AsJson = False,
    form: Format = None,
) -> None:
    """List the templates at Meta: language, category, status, parameters.

    Example: wa template list --status APPROVED
    """
    found = _templates(AppContext.of(ctx))
    rows = [
        {
            "name": one.name,
            "language": one.language,
            "status": one.status,
            "category": one.category,
            "parameters": ", ".join(one.parameters),
        }
        for one in found
        if status is None or one.status == status.upper()
    ]
    columns = [
        Column("name", "Template"),
        Column("language", "Language"),
        Column("status", "Status"),
        Column("category", "Category"),
        Column("parameters", "Parameters"),
    ]
    render.show(Table("templates", "Templates", columns, rows), chosen_format(form, as_json))


@app.command()
def show(
    ctx: typer.Context,
    name: TemplateName,
    parameters: TemplateParameters = None,
    language: TemplateLanguage = None,
) -> None:
    """Show a template as the customer reads it, with its parameters.

    Example: wa template show hello_world
    """
    context = AppContext.of(ctx)
    code = language or context.settings.template_language
    named = [one for one in _templates(context) if one.name == name]
    found = next((one for one in named if one.language == code), None)
    if found is None:
        known = f"It exists in {', '.join(one.language for one in named)}." if named else None
        raise BadInput(f"The account has no template {name} in {code}.", hint=known, command="wa template list")
    print(found.preview(parameters or ()))
    print_note(f"{found.name} in {found.language}: {found.status}, {found.category}.")


def _templates(context: AppContext) -> list[TemplateDefinition]:
    async def fetch() -> list[TemplateDefinition]:
        async with context.cloud() as client:
            return await client.templates.list_all(context.endpoint.business_account)

    return asyncio.run(fetch())
