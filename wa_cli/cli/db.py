"""wa db: the database itself."""

from __future__ import annotations

import os
import shutil

import typer

from wa_cli.cli import wiring
from wa_cli.cli.wiring import say
from wa_cli.errors import ConfigError

app = typer.Typer(no_args_is_help=True, help="The database: its URL, a shell, and stopping the embedded one.")


@app.command()
def url(ctx: typer.Context) -> None:
    """Print the database's URL, password included: it is meant for psql.

    Example: psql "$(wa db url)"
    """
    house = wiring.of(ctx)
    house.database  # noqa: B018 — what is printed is ready to be used
    print(house.database_url())


@app.command()
def shell(ctx: typer.Context) -> None:
    """Open psql on the database.

    Example: wa db shell
    """
    house = wiring.of(ctx)
    house.database  # noqa: B018
    program = shutil.which("psql")
    if program is None and house.is_embedded:
        program = str(house.embedded.programs / "psql")
    if program is None:
        raise ConfigError("psql is not installed.", hint="Debian: apt install postgresql-client")
    os.execv(program, [program, house.database_url()])  # noqa: S606


@app.command()
def stop(ctx: typer.Context) -> None:
    """Stop the embedded database; the next command that needs it starts it again.

    Example: wa db stop
    """
    house = wiring.of(ctx)
    if not house.is_embedded:
        raise ConfigError("The database in use is not the embedded one: stop it where it was started.")
    say("The embedded database is stopped." if house.embedded.stop() else "The embedded database was not running.")
