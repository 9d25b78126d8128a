from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from wa_cli.cli.app import app

HEAVY = ("boto3", "sqlalchemy", "fastapi", "uvicorn", "httpx", "aiohttp", "psycopg2", "openpyxl", "sqlparse")


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize(("path", "command"), [pytest.param(*found, id=" ".join(found[0])) for found in commands()])
def test_every_command_has_help_with_an_example_that_can_be_pasted(path: tuple[str, ...], command: Any) -> None:
    assert "Example: " in command.help
    assert f"wa {' '.join(path)}" in command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{' '.join(path)}: {parameter.name} has no help"


def test_help_loads_nothing_heavy() -> None:
    script = f"import sys; import wa_cli.cli.app; print([m for m in {HEAVY!r} if m in sys.modules])"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "[]"
