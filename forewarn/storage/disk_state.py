"""Judge the state of one disk, with hysteresis, and keep its reserve accordingly."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from domain.events.storage_events import StorageState
from domain.site.storage import KeptFree
from forewarn.storage.disks import Disk, DiskSpace, measure
from forewarn.storage.reserve import Reserve

# nearly full: below so many times the floor, or this share of the disk, but never above so much
NEARLY_FULL_FLOORS = 3
NEARLY_FULL_SHARE = 0.05
NEARLY_FULL_BYTES = 2 * 1024**3
# what refused a write with bytes to spare (no inode, a quota) is not well for one that succeeds
QUIET_FOR_S = 5.0
WELL_AGAIN = 1.2  # so much more has to be free than what made the state worse
# saved state and log cannot be written with less; a share of the reserve
LEAST_SHARE = 0.25


class DiskState:
    """State of one disk from look to look."""

    def __init__(
        self,
        disk: Disk,
        kept_free: KeptFree,
        state: StorageState = "ok",
        measure: Callable[[Path], DiskSpace] = measure,
    ) -> None:
        """Begin with a disk in the state that was told last."""
        self.disk = disk
        self.state = state
        self.measured = DiskSpace(0, 0, False, "")
        self._refused_s: float | None = None  # monotonic: a write, though there were bytes
        self.kept_free = kept_free
        self._measure = measure
        self._reserve = Reserve(disk.folder) if disk.keeps_state else None

    @property
    def free_bytes(self) -> int:
        """Return what is free beside the reserve, or would be if that was held."""
        return max(0, self.measured.free_bytes - self._given_up_bytes)

    @property
    def is_short(self) -> bool:
        """Tell whether programs cannot run: neither log nor saved state can be written, reserve or not."""
        measured = self.measured
        least = self.kept_free.reserve_on(measured.size_bytes) * LEAST_SHARE
        cannot = bool(measured.fault) or measured.is_full or measured.free_bytes < least
        return self.disk.keeps_state and cannot

    def look(self) -> None:
        """Measure, judge, and give up or take the reserve."""
        self.measured = self._measure(self.disk.folder)
        floor = self.kept_free.floor_on(self.measured.size_bytes)
        if self.measured.is_full and self.measured.free_bytes >= max(floor, 1):
            self._refused_s = time.monotonic()
        self.state = self._judge()
        if self.state == "full" and self._reserve is not None and self._needs_reserve():
            self._reserve.give_up()
            self.measured = self._measure(self.disk.folder)
        elif self.state in ("ok", "nearly_full") and self._reserve is not None:
            self._hold(self._reserve)

    def _hold(self, reserve: Reserve) -> None:
        """Take the reserve; a disk that then refuses a write, or the reserve itself, is still full."""
        was_held = reserve.held_bytes > 0
        is_held = reserve.take(self._reserve_bytes)
        self.measured = self._measure(self.disk.folder)
        if was_held or (is_held and not self.measured.is_full):
            return
        reserve.give_up()
        self.measured = self._measure(self.disk.folder)
        self.state, self._refused_s = "full", time.monotonic()

    @property
    def is_refused(self) -> bool:
        """Tell whether it refuses writes, or did just now, although there are bytes."""
        return self._refused_s is not None and time.monotonic() - self._refused_s < QUIET_FOR_S

    @property
    def _reserve_bytes(self) -> int:
        return self.kept_free.reserve_on(self.measured.size_bytes)

    @property
    def _given_up_bytes(self) -> int:
        if self._reserve is None:
            return 0
        return max(0, self._reserve_bytes - self._reserve.held_bytes)

    def _needs_reserve(self) -> bool:
        return self.measured.is_full or self.measured.free_bytes < self._reserve_bytes / 2

    def _judge(self) -> StorageState:
        measured, free = self.measured, self.free_bytes
        if measured.fault:
            return "read_only"
        floor = self.kept_free.floor_on(measured.size_bytes)
        if (
            measured.is_full
            or self.is_refused
            or free < floor * (WELL_AGAIN if self.state == "full" else 1)
        ):
            return "full"
        share = min(NEARLY_FULL_SHARE * measured.size_bytes, NEARLY_FULL_BYTES)
        nearly = max(NEARLY_FULL_FLOORS * floor, share) if floor else 0
        is_worse = self.state in ("nearly_full", "full")
        return "nearly_full" if free < nearly * (WELL_AGAIN if is_worse else 1) else "ok"
