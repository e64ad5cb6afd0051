"""Mark who is inside FFmpeg, where a crash of the process leaves the marks to be read.

All cameras are decoded by threads of one process, so one stream can take all of them down. The marks lie in
a small file that is mapped into memory: the kernel keeps it when the process dies. Beside it lies what
Python's faulthandler wrote in the moment of the crash: whose thread it was.
"""

from __future__ import annotations

import faulthandler
import json
import mmap
import re
import struct
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_SLOT = struct.Struct("<QB")  # thread, whether it is inside
_CURRENT = re.compile(r"Current thread 0x([0-9a-f]+)")


class DecodeMark:
    """The mark of one camera; used as a context around each call into FFmpeg, by the reader's thread."""

    def __init__(self, slots: mmap.mmap, at: int) -> None:
        self._slots, self._at = slots, at

    def __enter__(self) -> Self:
        _SLOT.pack_into(self._slots, self._at, threading.get_ident(), 1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._slots[self._at + 8] = 0


class DecodeMarks:
    """The marks of all cameras of a process."""

    def __init__(self, folder: Path, camera_ids: Sequence[str]) -> None:
        """Begin with none inside; the marks and the fault of an earlier process are gone.

        Args:
            folder: of the two files, which are written anew.
            camera_ids: who may decode.
        """
        folder.mkdir(parents=True, exist_ok=True)
        ids = tuple(camera_ids)
        names = json.dumps(ids).encode()
        _marks_file(folder).write_bytes(bytes(_SLOT.size * len(ids)) + names)
        with _marks_file(folder).open("r+b") as file:
            self._slots = mmap.mmap(file.fileno(), 0)
        self._at = {camera_id: _SLOT.size * row for row, camera_id in enumerate(ids)}
        self._fault = _fault_file(folder).open("wb")

    def of(self, camera_id: str) -> DecodeMark:
        """Return one camera's mark."""
        return DecodeMark(self._slots, self._at[camera_id])

    def note_faults(self) -> None:
        """From now on write down whose thread it was that crashed this process."""
        # of all threads, for of one alone it does not say which
        faulthandler.enable(self._fault, all_threads=True)


@dataclass(frozen=True, slots=True)
class Suspects:
    """Who may have crashed a process, and the frames of the thread that did, for the log."""

    camera_ids: tuple[str, ...]
    fault: str = ""


def suspects_of(folder: Path) -> Suspects:
    """Return whose reader crashed the process that left these marks.

    One camera where the crash was in a reader's own thread. Where it was in none of Python's, FFmpeg's own
    threads are left: then whoever was inside may have been it. () where it was in another thread.
    """
    try:
        content = _marks_file(folder).read_bytes()
        fault = _fault_file(folder).read_text(errors="replace")
        # the last: a thread's number may have these bytes, too
        names = content.rindex(b'["')
        camera_ids = json.loads(content[names:])
    except (OSError, ValueError):
        return Suspects(())
    slots = {
        camera_id: _SLOT.unpack_from(content, _SLOT.size * row)
        for row, camera_id in enumerate(camera_ids)
    }
    crashed = _CURRENT.search(fault)
    if crashed is not None:
        ident = int(crashed[1], 16)
        whose = tuple(each for each, (thread, _) in slots.items() if thread == ident)
        return Suspects(whose, fault)
    return Suspects(tuple(each for each, (_, is_inside) in slots.items() if is_inside), fault)


def forget_marks(folder: Path) -> None:
    """Delete the marks of a process that ended: the next may end before it has made its own."""
    for file in (_marks_file(folder), _fault_file(folder)):
        with suppress(OSError):
            file.unlink(missing_ok=True)


def _marks_file(folder: Path) -> Path:
    return folder / "watch.decoding"


def _fault_file(folder: Path) -> Path:
    return folder / "watch.fault"
