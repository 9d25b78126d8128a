"""The files of docs/deployment: their commands exist, and systemd accepts the units."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import Shell

FOLDER = Path(__file__).parents[2] / "docs" / "deployment"
UNITS = {"wa-serve.service": "wa-serve.service", "wa-worker@.service": "wa-worker@outgoing.service"}
# Where each file names a command of wa.
COMMANDS = {
    "compose.yaml": r"command: (.+)",
    "ecosystem.config.js": r'args: "(.+?)"',
    "wa-serve.service": r"ExecStart=/opt/wa/bin/wa (.+)",
    "wa-worker@.service": r"ExecStart=/opt/wa/bin/wa (.+)",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_a_file_exists_with_its_options(tmp_path: Path, name: str) -> None:
    commands = re.findall(COMMANDS[name], (FOLDER / name).read_text())

    assert commands
    for command in commands:
        Shell(tmp_path).wa(*command.replace("%i", "outgoing").split(), "--help")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for source, target in UNITS.items():
        text = (FOLDER / source).read_text().replace("/opt/wa/bin/wa", sys.executable)
        (tmp_path / target).write_text(text)

    paths = [str(tmp_path / target) for target in UNITS.values()]
    found = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)

    assert (found.returncode, found.stderr) == (0, "")


def test_every_setting_that_the_files_name_exists() -> None:
    from wa_cli.settings.schema import NAMES, env_name

    known = {env_name(name) for name in NAMES}
    for path in FOLDER.iterdir():
        named = set(re.findall(r"\bWA_[A-Z_]+\b", path.read_text()))
        assert named <= known, path.name
