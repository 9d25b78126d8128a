"""An output file is written completely or stays unchanged."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wa_cli.cli import output_file
from wa_cli.errors import BadInput, DatabaseUnavailable


def test_a_new_file_has_the_default_mode(tmp_path: Path) -> None:
    (tmp_path / "other").touch()

    output_file.write(tmp_path / "new", ["a", b"b", "\udce9"])

    assert (tmp_path / "new").read_bytes() == b"ab\\udce9"
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("before")
    (tmp_path / "secret").chmod(0o600)

    output_file.write(tmp_path / "secret", ["after"])

    assert (tmp_path / "secret").read_text() == "after"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("nothing")

    for planted in ("link", "dangling"):
        with pytest.raises(BadInput, match="it is a symbolic link to"):
            output_file.check(tmp_path / planted)
        with pytest.raises(BadInput, match="it is a symbolic link to"):
            output_file.write(tmp_path / planted, ["after"])

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "before"
    assert not (tmp_path / "nothing").exists()


def test_a_symbolic_link_created_during_the_write_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("before")

    def planting() -> Iterator[str]:
        yield "af"
        (tmp_path / "x").symlink_to("real")
        yield "ter"

    output_file.write(tmp_path / "x", planting())

    assert (tmp_path / "x").read_text() == "after"
    assert not (tmp_path / "x").is_symlink()
    assert (tmp_path / "real").read_text() == "before"


def test_a_pipe_under_proc_self_fd_is_written_into(tmp_path: Path) -> None:
    read, write = os.pipe()

    output_file.write(Path(f"/proc/self/fd/{write}"), ["through"])

    assert os.read(read, 100) == b"through"
    os.close(read)
    os.close(write)
    assert not list(tmp_path.iterdir())


def test_a_named_pipe_is_written_into(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()

    output_file.write(tmp_path / "pipe", ["through"])

    reader.join(timeout=10)
    assert read == ["through"]
    assert (tmp_path / "pipe").is_fifo()


def test_a_failed_write_leaves_the_previous_file_unchanged(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("before")

    def broken() -> Iterator[str]:
        yield "half"
        raise DatabaseUnavailable("connection refused")

    with pytest.raises(DatabaseUnavailable):
        output_file.write(tmp_path / "x", broken())

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x", "before")]


def test_a_missing_folder_is_reported_before_the_write(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"Cannot write .*: no such file"):
        output_file.check(tmp_path / "no" / "x.csv")
