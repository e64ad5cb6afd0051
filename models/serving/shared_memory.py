"""Share blocks of memory with a Triton server on the same machine."""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import re
from pathlib import Path

import numpy as np

_FOLDER = Path("/dev/shm")
_PREFIX = "forewarn-"
_OURS = re.compile(rf"{_PREFIX}[0-9]+-[0-9]+")
_numbers = itertools.count()


def name_prefix() -> str:
    """Return what the names of this process's blocks begin with, which tells whose they are."""
    return f"{_PREFIX}{os.getpid()}-"


class SharedBlock:
    """One block; its name is unique to this process."""

    def __init__(self, size_bytes: int) -> None:
        """Reserve the block; OSError: no shared memory here, or not enough of it."""
        self.name = f"{name_prefix()}{next(_numbers)}"
        self.size_bytes = size_bytes
        self._path = _FOLDER / self.name
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR
        handle = os.open(self._path, flags, 0o600)
        try:
            # reserved now: a write to memory that turns out not to be there kills the process
            os.posix_fallocate(handle, 0, size_bytes)
            self._memory = mmap.mmap(handle, size_bytes)
        except OSError:
            self._path.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)

    @property
    def key(self) -> str:
        """Name by which the server opens it."""
        return f"/{self.name}"

    def view(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """View the block's beginning as an array; it must fit."""
        count = int(np.prod(shape))
        return np.frombuffer(self._memory, dtype, count).reshape(shape)

    def close(self) -> None:
        """Give the block back; arrays made by view() must not be used any more."""
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(BufferError):  # an array still points at it: freed with the array
            self._memory.close()


def is_left_over(name: str) -> bool:
    """Tell whether a name that a server knows was a block of ours, and is gone from this machine."""
    return bool(_OURS.fullmatch(name)) and not (_FOLDER / name).exists()


def remove_leftovers() -> list[str]:
    """Delete blocks whose process died without closing them; return their names."""
    removed = []
    for path in _FOLDER.glob(f"{_PREFIX}[0-9]*-*"):
        owner = path.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            with contextlib.suppress(OSError):
                path.unlink()
                removed.append(path.name)
    return removed
