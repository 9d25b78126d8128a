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


def test_spooled_records_outlive_their_process(tmp_path: Path) -> None:
    spool = Spool(tmp_path)

    spool.append([{"n": 1}, {"n": 2}])
    spool.append([{"n": 3}])
    spool.close()

    assert adopted(tmp_path) == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert adopted(tmp_path) == []


def test_removed_records_are_not_replayed(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    entries = spool.append([{"n": 1}, {"n": 2}])

    spool.remove(entries)
    spool.close()

    assert adopted(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_partly_removed_file_is_replayed_completely(tmp_path: Path) -> None:
    """A repeated replay of a record has no effect, but a lost record cannot be restored."""
    spool = Spool(tmp_path)
    first, _ = spool.append([{"n": 1}, {"n": 2}])

    spool.remove([first])
    spool.close()

    assert adopted(tmp_path) == [{"n": 1}, {"n": 2}]


def test_records_appended_after_a_file_was_emptied_are_not_lost(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.remove(spool.append([{"n": 1}]))

    later = spool.append([{"n": 2}])
    spool.remove(later[:0])
    spool.close()

    assert adopted(tmp_path) == [{"n": 2}]


def test_a_file_of_a_running_process_is_not_adopted(tmp_path: Path) -> None:
    owner = Spool(tmp_path)
    owner.append([{"n": 1}])

    assert adopted(tmp_path) == []
    assert owner.left() == 1
    owner.close()


def test_records_of_a_killed_process_are_adopted(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from wa_cli.outbox.spool import Spool;"
        "Spool(Path(sys.argv[1])).append([{'n': 1}]); os.kill(os.getpid(), 9)"
    )

    died = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)

    assert died.returncode == -9
    assert adopted(tmp_path) == [{"n": 1}]


def test_an_incomplete_last_line_is_dropped_and_a_damaged_line_is_set_aside(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([{"n": 1}, {"n": 2}, {"n": 3}])
    spool.close()
    [file] = tmp_path.iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[1].replace(b"2", b"7") + lines[2] + b'00000000 {"n"')

    assert adopted(tmp_path) == [{"n": 1}, {"n": 3}]
    assert [path.suffix for path in tmp_path.iterdir()] == [CORRUPT]
    assert Spool(tmp_path).state().corrupt


def test_records_stay_in_the_spool_when_their_adoption_fails(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([{"n": 1}])
    spool.close()

    [path] = Spool(tmp_path).orphans()
    with pytest.raises(RuntimeError), Spool(tmp_path).adopt(path):
        raise RuntimeError

    assert adopted(tmp_path) == [{"n": 1}]


def test_a_large_spool_has_several_files_and_each_is_removed_when_it_is_empty(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    batches = [spool.append([{"text": "x" * 600_000}]) for _ in range(4)]
    assert len(list(tmp_path.iterdir())) == 2

    for batch in batches:
        spool.remove(batch)

    assert spool.left() == 0
    assert len(list(tmp_path.iterdir())) == 1
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_reported_by_the_check_and_by_an_append(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    with pytest.raises(SpoolUnwritable):
        Spool(blocked).check()
    with pytest.raises(SpoolUnwritable):
        Spool(blocked).append([{"n": 1}])


def test_the_state_counts_files_and_records(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([{"n": 1}, {"n": 2}])

    state = spool.state()

    assert (state.files, state.records, state.corrupt) == (1, 2, ())
    assert Spool(tmp_path / "nowhere").state().records == 0
    spool.close()


def test_records_appended_while_another_thread_removes_are_on_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    missing = []
    removals: queue.Queue[list[Entry] | None] = queue.Queue()

    def remove_entries() -> None:
        while (entries := removals.get()) is not None:
            spool.remove(entries)

    thread = threading.Thread(target=remove_entries)
    thread.start()
    for number in range(500):
        with spool._lock:  # so that the file is read before the other thread may delete it
            entries = spool.append([{"n": number}])
            if f'"n":{number}}}'.encode() not in entries[0].segment.read_bytes():
                missing.append(number)
        removals.put(entries)
    removals.put(None)
    thread.join()
    spool.close()

    assert missing == []
    assert list(tmp_path.iterdir()) == []


def test_records_appended_for_others_are_adopted_even_by_the_same_process(tmp_path: Path) -> None:
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


def test_a_file_is_adopted_only_once(tmp_path: Path) -> None:
    Spool(tmp_path).append_for_others([{"n": 1}])
    [path] = Spool(tmp_path).orphans()

    with Spool(tmp_path).adopt(path) as first, Spool(tmp_path).adopt(path) as second:
        assert first is not None
        assert second is None
    with Spool(tmp_path).adopt(path) as late:
        assert late is None


def test_a_full_disk_is_reported_and_leaves_no_partial_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)
    first = spool.append([{"n": 1}])
    real = os.fdatasync

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(SpoolUnwritable, match="no space left"):
        spool.append([{"n": 2}])
    monkeypatch.setattr(os, "fdatasync", real)
    spool.append([{"n": 3}])
    spool.remove(first)
    spool.close()

    assert adopted(tmp_path) == [{"n": 3}]


def test_at_its_quota_the_spool_refuses_new_work_and_still_records_outcomes(tmp_path: Path) -> None:
    dead = Spool(tmp_path)
    dead.append_for_others([{"number": number, "text": "x" * 1000} for number in range(20)])
    spool = Spool(tmp_path, quota=10_000)

    with pytest.raises(SpoolUnwritable, match="the limit of WA_SPOOL_QUOTA"):
        spool.check_room()
    spool.check()
    spool.remove(spool.append([{"an": "outcome"}]))

    for path in spool.orphans():
        with spool.adopt(path):
            pass
    spool.check_room()
    spool.close()


@pytest.mark.parametrize("gone", ["deleted", "moved", "replaced", "folder deleted", "folder moved"])
def test_an_append_to_a_missing_file_fails_and_the_next_append_uses_a_new_file(tmp_path: Path, gone: str) -> None:
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


def test_an_append_for_others_fails_when_its_file_is_deleted_during_the_write(tmp_path: Path) -> None:
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


def test_only_the_owner_can_access_the_spool_folder_and_its_files(tmp_path: Path) -> None:
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
