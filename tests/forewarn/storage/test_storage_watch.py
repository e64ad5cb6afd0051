"""The disks of a run are watched: what changes is told, the reserve given up and taken again."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.data_dir import DataDir
from domain.events.catalog import StorageChanged
from domain.site.storage import KeptFree
from event_log.log import EventLog
from forewarn.storage import disk_state as state_module
from forewarn.storage import storage_watch as module
from forewarn.storage.disk_state import DiskState
from forewarn.storage.disks import Disk, DiskSpace, disks_of, measure
from forewarn.storage.reserve import Reserve
from forewarn.storage.storage_watch import StorageWatch
from tests.support.small_disk import SmallDisk

MIB = 1024**2
KEPT = KeptFree(64 * MIB)


class MadeUpDisk:
    """Answers with what a test says is free, less the reserve that lies in its folder."""

    def __init__(self, folder: Path, size_mib: int = 10_000) -> None:
        self.disk = Disk(1, folder, (".", "recordings"))
        self.size_mib, self.used_mib, self.fault = size_mib, 0.0, ""
        self.most_files = 10
        self.state = DiskState(self.disk, KEPT, measure=self.measure)

    def measure(self, folder: Path) -> DiskSpace:
        held = Reserve(folder).held_bytes
        free = max(0, round((self.size_mib - self.used_mib) * MIB) - held)
        is_full = free == 0 or len(list(folder.iterdir())) >= self.most_files
        return DiskSpace(free, self.size_mib * MIB, is_full and not self.fault, self.fault)

    def use(self, mib: float) -> str:
        self.used_mib = mib
        self.state.look()
        return self.state.state


@pytest.fixture
def made_up(tmp_path: Path) -> MadeUpDisk:
    return MadeUpDisk(tmp_path)


def test_states_come_in_order_and_do_not_flap(made_up: MadeUpDisk) -> None:
    floor_mib, reserve_mib = 96, 64
    full_at = 10_000 - reserve_mib - floor_mib
    nearly_at = 10_000 - reserve_mib - 500  # 5 % of the disk
    assert made_up.use(0) == "ok"
    assert made_up.use(nearly_at + 1) == "nearly_full"
    assert made_up.use(nearly_at - 1) == "nearly_full"  # not well again within a byte
    assert made_up.use(full_at + 1) == "full"
    assert made_up.use(full_at - 1) == "full"
    assert made_up.use(full_at - 30) == "nearly_full"
    assert made_up.use(nearly_at - 150) == "ok"


def test_the_reserve_is_given_up_late_and_taken_again(made_up: MadeUpDisk) -> None:
    reserve = Reserve(made_up.disk.folder)
    made_up.use(0)
    assert reserve.held_bytes == 64 * MIB
    made_up.use(10_000 - 64 - 90)
    assert made_up.state.state == "full"
    assert reserve.held_bytes == 64 * MIB  # 90 MiB are left, the log lives on them
    made_up.use(10_000 - 64)
    assert reserve.held_bytes == 0
    assert made_up.state.free_bytes == 0  # what is free is the reserve's
    assert not made_up.state.is_short  # and programs live on it
    made_up.use(10_000)
    assert made_up.state.is_short
    made_up.use(10_000 - 64 - 50)
    assert reserve.held_bytes == 0
    made_up.use(5_000)
    assert reserve.held_bytes == 64 * MIB


def test_programs_run_on_the_reserve_until_little_of_it_is_left(made_up: MadeUpDisk) -> None:
    for free_mib, is_short in ((20, False), (10, True), (20, False)):
        assert made_up.use(10_000 - free_mib) == "full"
        assert made_up.state.is_short is is_short


@pytest.fixture
def _soon_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "QUIET_FOR_S", 0.0)


@pytest.mark.usefixtures("_soon_quiet")
def test_a_disk_without_room_for_files_stays_full_though_it_has_bytes(
    made_up: MadeUpDisk,
) -> None:
    """Before: the reserve that was given up made room for one file, itself: full, ok, full, ok, each second."""
    reserve = Reserve(made_up.disk.folder)
    assert made_up.use(0) == "ok"
    made_up.most_files = 1
    assert [made_up.use(0) for _ in range(6)] == ["full"] * 6
    assert reserve.held_bytes == 0
    made_up.most_files = 10
    assert made_up.use(0) == "ok"
    assert reserve.held_bytes == 64 * MIB


def test_a_real_disk_out_of_inodes_is_told_once_with_that_reason(
    small_disk: SmallDisk, watched: StorageWatch, told: list[str]
) -> None:
    """Before: a line and an event each second, "full, 8.0 MB of 8.4 MB free"."""
    watched.look()
    folder = small_disk.folder
    some = len(list(folder.iterdir())) + 10
    subprocess.run(["mount", "-o", f"remount,nr_inodes={some}", str(folder)], check=True)
    with pytest.raises(OSError, match="No space"):
        for number in range(20):
            (folder / f"file-{number}").touch()
    for _ in range(4):
        watched.look()
    assert len(told) == 1 and "inodes" in told[0]
    for path in folder.glob("file-*"):
        path.unlink()
    watched.look()
    assert len(told) == 1  # one write that succeeds does not say much


def test_a_reserve_whose_blocks_do_not_show_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: on a file system that compresses, 64 MiB were written each second."""
    written: list[int] = []

    def allocate(handle: int, start: int, size_bytes: int) -> None:
        written.append(size_bytes)
        os.truncate(handle, size_bytes)

    monkeypatch.setattr(os, "posix_fallocate", allocate)
    reserve = Reserve(tmp_path)
    assert all(reserve.take(MIB) for _ in range(3))
    assert written == [MIB]
    assert reserve.give_up() and reserve.take(MIB)
    assert written == [MIB, MIB]


def test_a_disk_that_does_not_answer_holds_nobody_else_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: the supervisor waited for it at the next program that ended, and looked after nobody."""
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(module, "LOOK_WAIT_S", 0.2)
    answers, is_asked = threading.Event(), threading.Event()
    watch = StorageWatch(DataDir(tmp_path), "campus", lambda words: None, KeptFree(0))
    asked: list[bool] = []

    def hang(data: DataDir) -> list[Disk]:
        is_asked.set()
        answers.wait(60)
        return []

    with watch:
        monkeypatch.setattr(module, "DISKS_EVERY_S", 0.0)
        monkeypatch.setattr(module, "disks_of", hang)
        watch._disks_at_s = 0.0
        assert is_asked.wait(30)
        supervisor = threading.Thread(target=lambda: asked.append(watch.was_short()))
        supervisor.start()
        supervisor.join(timeout=20)
        is_held_up = supervisor.is_alive()
        answers.set()
    assert not is_held_up and asked == [False]


def test_a_disk_that_cannot_be_written_is_told_with_what_the_system_says(
    made_up: MadeUpDisk,
) -> None:
    made_up.fault = "Read-only file system"
    assert made_up.use(0) == "read_only"
    assert made_up.state.is_short
    made_up.fault = ""
    assert made_up.use(0) == "ok"


def test_a_small_disk_keeps_a_small_reserve() -> None:
    assert KEPT.reserve_on(320 * MIB) == 10 * MIB
    assert KEPT.floor_on(320 * MIB) == 15 * MIB
    assert KeptFree(0).floor_on(320 * MIB) == 0


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def watched(
    small_disk: SmallDisk, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[StorageWatch]:
    monkeypatch.setattr(module, "DISKS_EVERY_S", 0.0)
    data = DataDir(small_disk.folder)
    EventLog.open(data.events_db).close()
    yield StorageWatch(data, "campus", told.append, KEPT)


def changes(folder: Path) -> list[StorageChanged]:
    with EventLog.open(DataDir(folder).events_db) as log:
        found = [each.event.data for each in log.read(types=[StorageChanged.event_type])]
    return [each for each in found if isinstance(each, StorageChanged)]


def test_a_real_disk_that_fills_up_is_told_and_written_on_the_reserve(
    small_disk: SmallDisk, watched: StorageWatch, told: list[str]
) -> None:
    """Before: nothing in the product looked at the disk, and nobody was told."""
    watched.look()
    assert told == []
    small_disk.fill()
    watched.look()
    assert [change.state for change in changes(small_disk.folder)] == ["full"]
    assert "full" in told[0] and str(small_disk.folder) in told[0]
    assert watched.was_short()
    small_disk.free()
    watched.look()
    full, ok = changes(small_disk.folder)
    assert (full.state, ok.state) == ("full", "ok")
    assert "." in full.folders and "recordings" in full.folders
    assert full.reason_zh.startswith("磁盘")
    assert Reserve(small_disk.folder).held_bytes > 0


def test_what_the_log_cannot_take_is_told_at_once_and_written_later(
    small_disk: SmallDisk, watched: StorageWatch, told: list[str]
) -> None:
    watched.look_at_disks()
    small_disk.set_read_only(True)  # nobody has a file open
    watched.look()
    watched.look()
    assert len(told) == 1
    assert "Read-only file system" in told[0]
    assert watched.is_short
    small_disk.set_read_only(False)
    watched.look()
    assert [change.state for change in changes(small_disk.folder)] == ["read_only", "ok"]
    assert not watched.is_short


def test_a_mount_of_its_own_is_told_of_by_its_name(
    small_disk: SmallDisk, tmp_path: Path, told: list[str]
) -> None:
    data = DataDir(tmp_path)
    data.evidence.symlink_to(small_disk.folder)
    EventLog.open(data.events_db).close()
    watch = StorageWatch(data, "campus", told.append, KeptFree(MIB))
    small_disk.fill()
    watch.look()
    assert [(change.state, change.folders) for change in changes(tmp_path)] == [
        ("full", ("evidence",))
    ]
    assert not watch.is_short and not watch.was_short()  # nobody's saved state lies there


def test_the_next_run_says_that_it_is_over(
    small_disk: SmallDisk, watched: StorageWatch, told: list[str]
) -> None:
    watched.look()
    small_disk.fill()
    watched.look()
    small_disk.free()
    after = StorageWatch(DataDir(small_disk.folder), "campus", told.append, KEPT)
    after.look()
    after.look()
    assert [change.state for change in changes(small_disk.folder)] == ["full", "ok"]


def test_what_is_true_now_counts_and_not_what_an_earlier_run_said(
    small_disk: SmallDisk, watched: StorageWatch, told: list[str]
) -> None:
    watched.look()
    small_disk.fill()
    watched.look()
    told.clear()
    assert watched._log is not None
    watched._log.close()
    small_disk.set_read_only(True)
    after = StorageWatch(DataDir(small_disk.folder), "campus", told.append, KEPT)
    after.look()
    after.look()
    small_disk.set_read_only(False)
    small_disk.free()
    after.look()
    after.look()
    assert ["cannot be written" in words for words in told] == [True, False]


def test_a_full_disk_is_measured_as_full(small_disk: SmallDisk) -> None:
    (disk,) = disks_of(DataDir(small_disk.folder))
    assert not measure(disk.folder).is_full
    small_disk.fill()
    measured = measure(disk.folder)
    assert measured.is_full and measured.fault == ""
    assert [path.name for path in small_disk.folder.iterdir()] == ["filler"]


def test_another_reserve_is_kept_as_soon_as_the_site_says_so(tmp_path: Path) -> None:
    """Before: the site file that the run was started with counted until the run ended."""
    watch = StorageWatch(DataDir(tmp_path), "square", lambda words: None, KeptFree(MIB))
    watch.look_at_disks()
    assert Reserve(tmp_path).held_bytes == MIB
    watch.keep_free(KeptFree(2 * MIB))
    watch.look_at_disks()
    assert Reserve(tmp_path).held_bytes == 2 * MIB
