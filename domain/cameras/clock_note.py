"""Keep in a file what is known of the machine's clock, over restarts of programs and of the machine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

from domain.files import write_atomically
from domain.processes.file_lock import file_lock

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

KnownT = TypeVar("KnownT")


def boot_s() -> float:
    """Return the seconds since the machine was started, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Return the name of this start of the machine."""
    return _BOOT_ID.read_text().strip()


class ClockNote(Generic[KnownT]):
    """Base of what reads two clocks and a file that need not be there."""

    def __init__(
        self,
        path: Path,
        this_boot: str | None = None,
        *,
        boot_s: Callable[[], float] = boot_s,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        """Take the file; `this_boot` names this start of the machine (None: its own)."""
        self._path, self._boot_s, self._wall_s = path, boot_s, wall_s
        self._boot_id = boot_id() if this_boot is None else this_boot

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only program that changes the file; OSError: the folder cannot be written."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(self._path.with_name(f".{self._path.name}.lock")):
            yield

    def _read(self, parse: Callable[[Any], KnownT | None]) -> KnownT | None:
        """Return what the file says; None where there is none, or nobody can go on from it."""
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return parse(json.loads(self._path.read_bytes()))
        return None

    def _write(self, content: Mapping[str, Any], *, durable: bool = True) -> None:
        """Replace what the file says; OSError: the disk is full."""
        write_atomically(self._path, json.dumps(content).encode(), mode=0o640, durable=durable)
