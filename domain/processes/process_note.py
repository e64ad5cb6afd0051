"""Name a process so that it is still the same one later: ids are used again."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class ProcessNote:
    """A process by its id, the moment it began, and the boot that moment counts from."""

    pid: int
    began_ticks: int  # since the boot, in clock ticks
    boot_id: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Note a process of this machine; None where it is gone, or dead and not yet collected."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
            boot_id = _BOOT_ID.read_text().strip()
        except OSError:
            return None
        # its name may hold blanks and brackets; fields 3 (state) and 22 (start) come after it
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]), boot_id)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read a note; None where there is none that can be read."""
        try:
            pid, began_ticks, boot_id = path.read_text().split()
            return cls(int(pid), int(began_ticks), boot_id)
        except (OSError, ValueError):
            return None

    def write(self, path: Path) -> None:
        """Write the note into a file."""
        path.write_text(f"{self.pid} {self.began_ticks} {self.boot_id}\n")

    @property
    def is_alive(self) -> bool:
        """True while this very process lives."""
        return ProcessNote.of(self.pid) == self

    def send(self, number: signal.Signals) -> bool:
        """Send this very process a signal, and none that has its id now; False where it is gone.

        Raises:
            PermissionError: it is another account's.
        """
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            # whoever has the id now, the handle stays theirs: look only after opening it
            if not self.is_alive:
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True
