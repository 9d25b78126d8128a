"""wa db: the database."""

from __future__ import annotations

import os
import shutil

import typer

from wa_cli.cli.context import AppContext
from wa_cli.errors import ConfigError
from wa_cli.masking import is_secret
from wa_cli.settings.parsers import EMBEDDED
from wa_cli.telemetry.logs import print_note

app = typer.Typer(no_args_is_help=True)


@app.command()
def url(ctx: typer.Context) -> None:
    """Print the URL of the database with its password, for psql.

    Example: psql "$(wa db url)"
    """
    context = AppContext.of(ctx)
    context.database  # noqa: B018 — what is printed is ready to be used
    print(context.databases.url())


@app.command()
def shell(ctx: typer.Context) -> None:
    """Open psql on the database.

    Example: wa db shell
    """
    context = AppContext.of(ctx)
    context.database  # noqa: B018
    program = shutil.which("psql")
    if program is None and context.databases.is_embedded:
        program = str(context.databases.embedded.programs / "psql")
    if program is None:
        raise ConfigError("psql is not installed.", hint="Install it, on Debian with: apt install postgresql-client.")
    url, secrets = _without_secrets(context.databases.url())
    os.execve(program, [program, url], {**os.environ, **secrets})  # noqa: S606


def _without_secrets(url: str) -> tuple[str, dict[str, str]]:
    """Return the URL without secrets, and the environment with its password, since every user of the machine sees
    arguments.

    libpq reads no other secret from the environment. psql asks for them.
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
    """Stop the embedded database. The next command starts it again.

    Example: wa db stop
    """
    context = AppContext.of(ctx)
    if context.databases.embedded.data.exists() and context.databases.embedded.stop():
        print_note("Stopped the embedded database.")
    elif context.settings.database_url not in (None, EMBEDDED):
        raise ConfigError("WA_DATABASE_URL is not the embedded database.", hint="Stop that server on its own host.")
    else:
        print_note("The embedded database was not running.")
