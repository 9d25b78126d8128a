"""What a command writes is there whole, or what was there before."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wa_cli.cli import files
from wa_cli.errors import BadInput, DatabaseDown


def test_a_file_is_written_with_the_mode_that_new_files_have(tmp_path: Path) -> None:
    (tmp_path / "other").touch()

    files.write(tmp_path / "new", ["a", b"b", "\udce9"])

    assert (tmp_path / "new").read_bytes() == b"ab\\udce9"
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("before")
    (tmp_path / "secret").chmod(0o600)

    files.write(tmp_path / "secret", ["after"])

    assert (tmp_path / "secret").read_text() == "after"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to("real")

    files.write(tmp_path / "link", ["after"])

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "after"


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()

    files.write(tmp_path / "pipe", ["through"])

    reader.join(timeout=10)
    assert read == ["through"]
    assert (tmp_path / "pipe").is_fifo()


def test_what_cannot_be_finished_leaves_all_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("before")

    def broken() -> Iterator[str]:
        yield "half"
        raise DatabaseDown("away")

    with pytest.raises(DatabaseDown):
        files.write(tmp_path / "x", broken())

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x", "before")]


def test_where_there_is_no_folder_it_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written: No such file"):
        files.check(tmp_path / "no" / "x.csv")
