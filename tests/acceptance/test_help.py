from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from wa_cli.cli.commands import COMMANDS, every_command, load

HEAVY = ("boto3", "sqlalchemy", "fastapi", "uvicorn", "httpx", "aiohttp", "psycopg2", "openpyxl", "sqlparse")


@pytest.mark.parametrize(
    ("path", "command"), [pytest.param(*found, id=" ".join(found[0])) for found in every_command()]
)
def test_every_command_has_help_with_an_example_that_can_be_pasted(path: tuple[str, ...], command: Any) -> None:
    assert "Example: " in command.help
    assert len(" ".join(command.help.split("\n\n")[0].split())) <= 72
    assert f"wa {' '.join(path)}" in command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{' '.join(path)}: {parameter.name} has no help"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_list_shows_the_first_paragraph_of_each_commands_help(name: str) -> None:
    assert " ".join(load(name).help.split("\n\n")[0].split()) == COMMANDS[name].help


def test_help_imports_no_heavy_library() -> None:
    script = f"import sys; import wa_cli.cli.app; print([m for m in {HEAVY!r} if m in sys.modules])"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "[]"
