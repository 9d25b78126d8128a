"""wa config: the settings in force."""

from __future__ import annotations

import typer

from wa_cli.cli import render
from wa_cli.cli.context import AppContext
from wa_cli.cli.parameters import AsJson, Format, chosen_format
from wa_cli.cli.tables import Column, Table
from wa_cli.settings import display, schema

app = typer.Typer(no_args_is_help=True)


@app.command()
def show(ctx: typer.Context, as_json: AsJson = False, form: Format = None) -> None:
    """Show each setting, its value and its origin, with secrets masked.

    Example: wa config show
    """
    loaded = AppContext.of(ctx).loaded
    rows = [
        {
            "setting": schema.env_name(name),
            "value": display.shown(loaded, name),
            "origin": loaded.origins[name].place,
        }
        for name in schema.NAMES
    ]
    given = ", ".join(schema.env_name(name) for name in loaded.production)
    note = f"Production: {given} given." if given else "No production setting is given: everything is embedded."
    columns = [Column("setting", "Setting"), Column("value", "Value"), Column("origin", "From")]
    render.show(Table("config", "Settings", columns, rows, note=note), chosen_format(form, as_json))
