"""Settings of the disk: how much of it is kept free, so that what must go on when it is full can.

That is the event log and the saved state. What takes much room (recordings, evidence, masked copies)
begins nothing new below a floor. A reserve file of about that size is given up when others have filled
the disk beyond the floor.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from domain.base import FrozenModel
from domain.files import nearest

RESERVE_BYTES = 64 * 1024**2
# what can make room does so below so many floors: before anything has to wait for room
SHORT_FLOORS = 2
# of a small disk, at most so much of it
_SHARE_OF_DISK = 32


@dataclass(frozen=True, slots=True)
class KeptFree:
    """How much of each disk is kept free."""

    reserve_bytes: int = RESERVE_BYTES  # 0: nothing is

    def reserve_on(self, size_bytes: int) -> int:
        """Compute the size of the reserve on a disk of that size."""
        return min(self.reserve_bytes, size_bytes // _SHARE_OF_DISK)

    def floor_on(self, size_bytes: int) -> int:
        """Compute how much has to be free before anything large is begun.

        More than the reserve: what is given up for the log must not be taken by recordings.
        """
        return self.reserve_on(size_bytes) * 3 // 2

    def check_room(self, folder: Path) -> None:
        """Check that something large may be begun in a folder, which need not exist yet.

        Raises:
            OSError: ENOSPC, less is free than is kept for the event log; or the folder cannot be looked at.
        """
        disk = os.statvfs(nearest(folder))
        if disk.f_bavail * disk.f_frsize < self.floor_on(disk.f_blocks * disk.f_frsize):
            raise OSError(
                errno.ENOSPC,
                "No space left on device but what is kept for the event log",
                str(folder),
            )

    def is_short(self, folder: Path) -> bool:
        """Tell whether so little is free that what can be deleted should make room.

        Raises:
            OSError: the folder cannot be looked at.
        """
        disk = os.statvfs(nearest(folder))
        least = SHORT_FLOORS * self.floor_on(disk.f_blocks * disk.f_frsize)
        return disk.f_bavail * disk.f_frsize < least


ALL_MAY_BE_USED = KeptFree(0)


class Storage(FrozenModel):
    """How much of each disk is kept free for the event log and the saved state."""

    reserve_mib: float = Field(
        default=64.0,
        ge=0,
        le=65536,
        description="MiB set aside on the disk of the event log, and given up when it is full; at most "
        "a 32nd of the disk. Recordings and evidence wait below one and a half times as much; 0: nothing "
        "is set aside",
    )

    @property
    def kept_free(self) -> KeptFree:
        """Return the same, in bytes."""
        return KeptFree(round(self.reserve_mib * 1024**2))
