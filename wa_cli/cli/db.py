"""wa db: the database itself."""

from __future__ import annotations

import os
import shutil

import typer

from wa_cli.cli import context
from wa_cli.cli.context import say
from wa_cli.config import EMBEDDED
from wa_cli.errors import ConfigError
from wa_cli.masking import is_secret

app = typer.Typer(no_args_is_help=True, help="The database: its URL, a shell, and stopping the embedded one.")


@app.command()
def url(ctx: typer.Context) -> None:
    """Print the database's URL, password included: it is meant for psql.

    Example: psql "$(wa db url)"
    """
    house = context.of(ctx)
    house.database  # noqa: B018 — what is printed is ready to be used
    print(house.database_url())


@app.command()
def shell(ctx: typer.Context) -> None:
    """Open psql on the database.

    Example: wa db shell
    """
    house = context.of(ctx)
    house.database  # noqa: B018
    program = shutil.which("psql")
    if program is None and house.is_embedded:
        program = str(house.embedded.programs / "psql")
    if program is None:
        raise ConfigError("psql is not installed.", hint="Debian: apt install postgresql-client")
    url, secrets = _without_secrets(house.database_url())
    os.execve(program, [program, url], {**os.environ, **secrets})  # noqa: S606


def _without_secrets(url: str) -> tuple[str, dict[str, str]]:
    """The URL without its secrets, and the environment with its password: every user of the machine sees arguments.

    libpq reads no other secret from the environment; psql asks for them.
    """
    import sqlalchemy as sa
    from sqlalchemy.util import immutabledict

    from wa_cli.database.engine import normalise

    whole = sa.make_url(normalise(url))
    password = whole.query.get("password") or whole.password
    plain = {key: value for key, value in whole.query.items() if not is_secret(key)}
    bare = whole._replace(drivername="postgresql", password=None, query=immutabledict(plain))
    return bare.render_as_string(hide_password=False), {"PGPASSWORD": str(password)} if password else {}


@app.command()
def stop(ctx: typer.Context) -> None:
    """Stop the embedded database; the next command that needs it starts it again.

    Example: wa db stop
    """
    house = context.of(ctx)
    if house.embedded.data.exists() and house.embedded.stop():
        say("The embedded database is stopped.")
    elif house.settings.database_url not in (None, EMBEDDED):
        raise ConfigError("The database in use is not the embedded one: stop it where it was started.")
    else:
        say("The embedded database was not running.")
