"""Small disk of a test's own that can be filled and freed: a tmpfs, where mounting is allowed.

Where it is not, tests that need a real disk are skipped and say so; those with a disk that is made up
(/dev/full, free bytes handed in) run everywhere.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SIZE_MIB = 2


@dataclass(frozen=True)
class SmallDisk:
    """One mounted file system."""

    folder: Path

    def fill(self) -> None:
        """Leave not a byte."""
        with (self.folder / "filler").open("ab", buffering=0) as file:
            for size in (1 << 16, 1 << 8, 1):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Give the room back."""
        (self.folder / "filler").unlink(missing_ok=True)

    def set_read_only(self, is_read_only: bool) -> None:
        """Remount it; refused by the kernel while a file on it is open for writing."""
        option = "ro" if is_read_only else "rw"
        _call("mount", "-o", f"remount,{option}", str(self.folder))


class MountRefused(Exception):
    """This process may not mount."""


@contextmanager
def mounted(folder: Path, size_mib: int = SIZE_MIB) -> Iterator[SmallDisk]:
    """Mount a tmpfs of that size at a new folder; MountRefused where this process may not."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _call("mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        raise MountRefused(str(error)) from error
    try:
        yield SmallDisk(folder)
    finally:
        # lazily: a process that is being ended may still hold a file
        _call("umount", "--lazy", str(folder))


def _call(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
