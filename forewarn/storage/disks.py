"""Find the disks that the data folder lies on, and measure how much room there is."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.data_dir import DataDir
from domain.files import nearest

ROOT = "."  # the data folder itself, with the event log
# what may be a mount of its own
_ROOMS = (
    *("recovery", "recordings", "evidence", "lancedb", "logs", "live", "announcements"),
    *("notifications", "speech", "beats", "locks", "holds", "audits"),
)
_PROBE = b"." * 4096


@dataclass(frozen=True, slots=True)
class Disk:
    """One file system, and what of the data folder lies on it."""

    device: int
    folder: Path  # the first of its folders
    rooms: tuple[str, ...]  # names in the data folder; ROOT for itself

    @property
    def keeps_state(self) -> bool:
        """Tell whether no program can go on without it: the event log or saved state lies on it."""
        return ROOT in self.rooms or "recovery" in self.rooms


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """A disk at one moment."""

    free_bytes: int
    size_bytes: int
    is_full: bool  # not a byte could be written
    fault: str  # why it cannot be written, where it is not full; "" it can


def disks_of(data: DataDir) -> list[Disk]:
    """List the disks of a data folder; a folder that does not exist yet lies where it will be made."""
    rooms: dict[int, list[str]] = {}
    for name in (ROOT, *_ROOMS):
        path = nearest(data.root / name)
        try:
            device = path.stat().st_dev
            # one disk mounted a second time, read-only, is another one to us
            if os.statvfs(path).f_flag & os.ST_RDONLY:
                device = -device
        except OSError:
            continue
        rooms.setdefault(device, []).append(name)
    return [
        Disk(device, nearest(data.root / names[0]), tuple(names)) for device, names in rooms.items()
    ]


def is_there(data: DataDir) -> bool:
    """Tell whether a data folder that a run holds is the one, and not the empty place of its unmounted disk."""
    return (data.locks / "run").exists()


def measure(folder: Path) -> DiskSpace:
    """Measure a disk, and try to write to it."""
    try:
        disk = os.statvfs(folder)
    except OSError as error:
        return DiskSpace(0, 0, False, error.strerror or str(error))
    free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    try:
        # free bytes alone do not tell: inodes and quotas run out, too, and mounts turn read-only
        write_a_little(folder)
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return DiskSpace(free, size, is_full, "" if is_full else error.strerror or str(error))
    return DiskSpace(free, size, False, "")


def write_a_little(folder: Path) -> None:
    """Write a block to a file without a name; raise OSError where that is refused."""
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        if (file.write(_PROBE) or 0) < len(_PROBE):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def names_of(rooms: Sequence[str], root: Path) -> str:
    """Name rooms for people: the data folder by its path, others below it by their names."""
    named = [str(root)] if ROOT in rooms else []
    return ", ".join(named or [str(root / name) for name in rooms])
