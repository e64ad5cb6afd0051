"""A wall clock that a test sets, under real processes: a shim in C that is preloaded."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("clock_shim.c")


class ShimmedClock:
    """Sets the wall clock of the processes that are started with its environment."""

    def __init__(self, folder: Path, shift_s: float = 0.0) -> None:
        """Compile the shim into a folder; the clock is `shift_s` off at first."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        assert compiler is not None, "needs a C compiler: apt install gcc"
        self._library, self._file = folder / "clock_shim.so", folder / "clock_shift"
        self._file.write_bytes(bytes(8))
        self.set(shift_s)
        subprocess.run(
            [compiler, "-O1", "-shared", "-fPIC", "-o", self._library, SOURCE], check=True
        )

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment for a process whose clock is set."""
        shim = {"LD_PRELOAD": str(self._library), "CLOCK_SHIM": str(self._file)}
        return {**os.environ, **shim}

    def set(self, shift_s: float) -> None:
        """Set the clock so far from the right time, at once, in all of the processes."""
        set_shift(self._file, shift_s)


def set_shift(file: Path, shift_s: float) -> None:
    """Write a shift where the shim reads it, without another file taking its place."""
    with file.open("r+b") as shift:
        shift.write(struct.pack("q", round(shift_s * 1e9)))
