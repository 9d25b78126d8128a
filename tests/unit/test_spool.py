from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from wa_cli.outbox.spool import CORRUPT, Entry, Spool, SpoolUnwritable


def adopted(folder: Path) -> list[dict[str, object]]:
    spool = Spool(folder)
    found = []
    for path in spool.orphans():
        with spool.adopt(path) as orphan:
            found += orphan.records if orphan else []
    return found


def test_what_is_kept_outlives_the_process(tmp_path: Path) -> None:
    spool = Spool(tmp_path)

    spool.append([{"n": 1}, {"n": 2}])
    spool.append([{"n": 3}])
    spool.close()

    assert adopted(tmp_path) == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert adopted(tmp_path) == []


def test_what_is_forgotten_does_not_come_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    entries = spool.append([{"n": 1}, {"n": 2}])

    spool.remove(entries)
    spool.close()

    assert adopted(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_half_forgotten_file_is_replayed_whole(tmp_path: Path) -> None:
    """A replay is a no-op for what the database has; a loss would be for good."""
    spool = Spool(tmp_path)
    first, _ = spool.append([{"n": 1}, {"n": 2}])

    spool.remove([first])
    spool.close()

    assert adopted(tmp_path) == [{"n": 1}, {"n": 2}]


def test_records_kept_after_a_file_was_emptied_are_not_lost(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.remove(spool.append([{"n": 1}]))

    later = spool.append([{"n": 2}])
    spool.remove(later[:0])
    spool.close()

    assert adopted(tmp_path) == [{"n": 2}]


def test_a_living_owners_file_is_not_adopted(tmp_path: Path) -> None:
    owner = Spool(tmp_path)
    owner.append([{"n": 1}])

    assert adopted(tmp_path) == []
    assert owner.left() == 1
    owner.close()


def test_what_a_killed_process_left_is_adopted(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from wa_cli.outbox.spool import Spool;"
        "Spool(Path(sys.argv[1])).append([{'n': 1}]); os.kill(os.getpid(), 9)"
    )

    died = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)

    assert died.returncode == -9
    assert adopted(tmp_path) == [{"n": 1}]


def test_a_line_cut_short_by_a_crash_is_dropped_and_a_damaged_one_set_aside(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([{"n": 1}, {"n": 2}, {"n": 3}])
    spool.close()
    [file] = tmp_path.iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[1].replace(b"2", b"7") + lines[2] + b'00000000 {"n"')

    assert adopted(tmp_path) == [{"n": 1}, {"n": 3}]
    assert [path.suffix for path in tmp_path.iterdir()] == [CORRUPT]
    assert Spool(tmp_path).state().corrupt


def test_what_fails_while_it_is_adopted_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([{"n": 1}])
    spool.close()

    [path] = Spool(tmp_path).orphans()
    with pytest.raises(RuntimeError), Spool(tmp_path).adopt(path):
        raise RuntimeError

    assert adopted(tmp_path) == [{"n": 1}]


def test_a_large_spool_is_in_several_files_and_each_goes_when_it_is_done(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    batches = [spool.append([{"text": "x" * 600_000}]) for _ in range(4)]
    assert len(list(tmp_path.iterdir())) == 2

    for batch in batches:
        spool.remove(batch)

    assert spool.left() == 0
    assert len(list(tmp_path.iterdir())) == 1
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    with pytest.raises(SpoolUnwritable):
        Spool(blocked).check()
    with pytest.raises(SpoolUnwritable):
        Spool(blocked).append([{"n": 1}])


def test_the_state_counts_what_waits(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([{"n": 1}, {"n": 2}])

    state = spool.state()

    assert (state.files, state.records, state.corrupt) == (1, 2, ())
    assert Spool(tmp_path / "nowhere").state().records == 0
    spool.close()


def test_what_a_thread_keeps_while_another_forgets_is_on_the_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    missing = []
    forgetting: queue.Queue[list[Entry] | None] = queue.Queue()

    def forget() -> None:
        while (entries := forgetting.get()) is not None:
            spool.remove(entries)

    thread = threading.Thread(target=forget)
    thread.start()
    for number in range(500):
        with spool._lock:  # what is on the disk is looked at before it may be forgotten
            entries = spool.append([{"n": number}])
            if f'"n":{number}}}'.encode() not in entries[0].segment.read_bytes():
                missing.append(number)
        forgetting.put(entries)
    forgetting.put(None)
    thread.join()
    spool.close()

    assert missing == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_to_nobody_is_adopted_even_by_its_own_process(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append_for_others([{"n": 1}])

    [path] = spool.orphans()
    with spool.adopt(path) as orphan:
        assert orphan is not None
        assert orphan.records == [{"n": 1}]
        orphan.keep_file()
    with spool.adopt(path) as orphan:
        assert orphan is not None
        orphan.set_aside(orphan.records)

    assert spool.orphans() == []
    assert len(spool.state().corrupt) == 1


def test_a_file_that_somebody_else_adopted_first_is_none(tmp_path: Path) -> None:
    Spool(tmp_path).append_for_others([{"n": 1}])
    [path] = Spool(tmp_path).orphans()

    with Spool(tmp_path).adopt(path) as first, Spool(tmp_path).adopt(path) as second:
        assert first is not None
        assert second is None
    with Spool(tmp_path).adopt(path) as late:
        assert late is None


def test_a_full_disk_keeps_nothing_half_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)
    first = spool.append([{"n": 1}])
    real = os.fdatasync

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(SpoolUnwritable, match="No space left"):
        spool.append([{"n": 2}])
    monkeypatch.setattr(os, "fdatasync", real)
    spool.append([{"n": 3}])
    spool.remove(first)
    spool.close()

    assert adopted(tmp_path) == [{"n": 3}]


def test_at_its_quota_nothing_new_is_begun_and_what_is_begun_is_kept(tmp_path: Path) -> None:
    dead = Spool(tmp_path)
    dead.append_for_others([{"number": number, "text": "x" * 1000} for number in range(20)])
    spool = Spool(tmp_path, quota=10_000)

    with pytest.raises(SpoolUnwritable, match="the limit of WA_SPOOL_QUOTA"):
        spool.check_room()
    spool.check()
    spool.remove(spool.append([{"a": "verdict"}]))

    for path in spool.orphans():
        with spool.adopt(path):
            pass
    spool.check_room()
    spool.close()


@pytest.mark.parametrize("gone", ["deleted", "moved", "replaced", "folder deleted", "folder moved"])
def test_a_file_that_is_gone_under_its_process_keeps_nothing(tmp_path: Path, gone: str) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder)
    first = spool.append([{"n": 1}])
    [file] = folder.iterdir()
    match gone:
        case "deleted":
            file.unlink()
        case "moved":
            file.rename(tmp_path / "elsewhere")
        case "replaced":
            file.unlink()
            file.write_text("")
        case "folder deleted":
            shutil.rmtree(folder)
        case "folder moved":
            folder.rename(tmp_path / "another")

    with pytest.raises(SpoolUnwritable):
        spool.append([{"n": 2}])
    kept = spool.append([{"n": 3}])

    assert kept[0].segment != file
    assert kept[0].segment.read_bytes().endswith(b'{"n":3}\n')
    spool.remove(first)
    spool.close()
    shutil.rmtree(tmp_path / "another", ignore_errors=True)
    file.unlink(missing_ok=True)
    assert adopted(folder) == [{"n": 3}]


def test_what_is_left_to_nobody_counts_only_where_it_can_be_found(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    real = os.fdatasync

    def deleting(number: int) -> None:
        real(number)
        shutil.rmtree(tmp_path / "spool")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fdatasync", deleting)
        with pytest.raises(SpoolUnwritable):
            spool.append_for_others([{"n": 1}])
    spool.append_for_others([{"n": 2}])

    assert adopted(tmp_path / "spool") == [{"n": 2}]


def test_everything_in_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o755)
    old_umask = os.umask(0)
    try:
        spool = Spool(folder)
        spool.check()
        spool.append_for_others([{"n": 1}, {"n": 2}])
        [path] = spool.orphans()
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(lines[0].replace(b"1", b"7") + lines[1])
        path.with_suffix(CORRUPT).touch(mode=0o644)
        with spool.adopt(path) as orphan:
            assert orphan is not None
            orphan.set_aside(orphan.records)
        spool.append([{"n": 3}])
    finally:
        os.umask(old_umask)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.suffix: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        ".jsonl": 0o600,
        ".corrupt": 0o600,
    }
    spool.close()
