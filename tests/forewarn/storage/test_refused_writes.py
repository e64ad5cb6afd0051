"""Disks that refuse writes, made up: these run everywhere, also where no disk can be mounted."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from domain.data_dir import DataDir
from domain.site.storage import KeptFree
from event_log.log import EventLog
from forewarn.storage import disks
from forewarn.storage import storage_watch as module
from forewarn.storage.reserve import Reserve
from forewarn.storage.room_for_state import RoomForState
from forewarn.storage.storage_watch import StorageWatch

KIB = 1024
REFUSALS = (errno.EROFS, errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.ESTALE)


class Refusing:
    """Stands in for the write that asks whether a disk can be written."""

    def __init__(self) -> None:
        self.code = 0  # 0: it can be

    def __call__(self, folder: Path) -> None:
        if self.code:
            raise OSError(self.code, os.strerror(self.code), str(folder))


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Refusing:
    refusing = Refusing()
    monkeypatch.setattr(disks, "write_a_little", refusing)
    return refusing


@pytest.mark.parametrize("code", REFUSALS)
def test_a_program_waits_for_a_disk_that_refuses_though_its_flags_and_bytes_are_well(
    code: int, refusing: Refusing, tmp_path: Path
) -> None:
    """Before: ext4 set read-only by the kernel after an error passed for writable, and the program ended."""
    refusing.code = code
    beats: list[int] = []

    def beat() -> None:
        beats.append(1)
        refusing.code = 0 if len(beats) > 2 else code

    room = RoomForState(DataDir(tmp_path), threading.Event(), beat)
    assert room()
    assert len(beats) == 3
    assert room.waited_s > 0


def test_what_is_no_matter_of_room_is_not_waited_for(refusing: Refusing, tmp_path: Path) -> None:
    refusing.code = errno.EMFILE
    room = RoomForState(DataDir(tmp_path), threading.Event(), lambda: None)
    assert room()
    assert room.waited_s == 0


@pytest.mark.parametrize(
    ("code", "states"),
    [(errno.ENOSPC, "full"), (errno.EDQUOT, "full"), (errno.EROFS, "read_only")],
)
def test_a_refusal_is_told_once_and_gives_up_the_reserve_where_that_helps(
    code: int, states: str, refusing: Refusing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DISKS_EVERY_S", 0.0)
    told: list[str] = []
    EventLog.open(DataDir(tmp_path).events_db).close()
    watch = StorageWatch(DataDir(tmp_path), "campus", told.append, KeptFree(64 * KIB))
    watch.look()
    reserve = Reserve(tmp_path)
    assert reserve.held_bytes == 64 * KIB and told == []
    refusing.code = code
    for _ in range(3):
        watch.look()
    assert len(told) == 1
    assert [state.state for state in watch._states.values()] == [states]
    assert watch.is_short and watch.was_short()
    assert (reserve.held_bytes == 0) == (states == "full")
