"""Wait for room to save a program's state in, instead of crashing for want of it.

Bytewax panics where it cannot save. So a flow asks here before each saving, and gives up the reserve or
waits; what it knows stays in its memory meanwhile.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from domain.data_dir import DataDir
from domain.errors import is_disk_trouble
from domain.files import nearest
from flows.signals import StopFlag
from forewarn.storage import disks
from forewarn.storage.reserve import Reserve

log = structlog.get_logger()

# what one saving takes, with the journals of SQLite; of a small disk a share
LEAST_BYTES = 1024**2
_SHARE_OF_DISK = 64
LOOK_EVERY_S = 0.5


class RoomForState:
    """Called before a program saves its state, and when its events cannot be written."""

    def __init__(self, data: DataDir, stop: StopFlag, beat: Callable[[], None]) -> None:
        """Look at the disks of the event log and of saved state; `beat` is called while it waits."""
        self._data = data
        self._folders = (data.root, data.recovery)
        self._must_be_there = disks.is_there(data)
        self._stop = stop
        self._beat = beat
        self._had_last_try = False
        self.waited_s = 0.0  # all together

    def __call__(self) -> bool:
        """Return once there is room, True; False where the program is asked to end meanwhile."""
        # also where there is room: what was tried may fail for as long as nobody mends something else
        self._beat()
        is_waiting, began_s = False, time.monotonic()
        while not self._is_ready():
            if not is_waiting:
                log.warning("state_waits_for_room", folders=[str(path) for path in self._folders])
                is_waiting = True
            self._beat()
            if self._stop.wait(LOOK_EVERY_S):
                return False
        if is_waiting:
            self.waited_s += time.monotonic() - began_s
            log.info("state_has_room")
        if not self._stop.is_set():
            return True
        # once more, for the room may have been made just now
        is_last_try, self._had_last_try = not self._had_last_try, True
        return is_last_try

    def _is_ready(self) -> bool:
        # written to the place where its disk is mounted, everything would be hidden once that is back
        if self._must_be_there and not disks.is_there(self._data):
            return False
        return all(self._has_room(folder) for folder in self._folders)

    def _has_room(self, folder: Path) -> bool:
        return _can_save_in(folder) or (Reserve(folder).give_up() and _can_save_in(folder))


def _can_save_in(folder: Path) -> bool:
    place = nearest(folder)
    try:
        disk = os.statvfs(place)
        # what the kernel set read-only after an error does not say so in its flags; inodes run out, too
        disks.write_a_little(place)
    except OSError as error:
        return not is_disk_trouble(error)  # too many open files, say, are no matter of room
    least = min(LEAST_BYTES, disk.f_blocks * disk.f_frsize // _SHARE_OF_DISK)
    return disk.f_bavail * disk.f_frsize >= least
