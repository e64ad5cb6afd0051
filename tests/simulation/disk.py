"""Stand between the programs and the disk: every write is a place to be killed at, or where there is no room."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from domain.errors import NoRoom
from domain.events.catalog import Event
from event_log.log import EventLog

HALF = b'{"half": "a li'


class Killed(BaseException):
    """The program at work got SIGKILL; nothing of its own catches that."""


@dataclass
class Disk:
    """Counts writes, kills at the one that was asked for, and may be full.

    Nothing is flushed for real: what a loss of power takes is tried elsewhere, by spies on the order of calls.
    """

    root: Path
    at_work: str = ""  # the program; "": the simulation itself, or an operator's command
    is_full: bool = False
    cuts: dict[str, int] = field(default_factory=dict)  # program -> writes that it has left
    # program -> where it is killed next: how the place begins
    cut_at: dict[str, str] = field(default_factory=dict)
    appending: Callable[[Sequence[Event]], None] = lambda events: None  # told before each append
    appended: Callable[[int], None] = lambda count: None  # and how many were new

    def point(self, what: str) -> None:
        """Pass from one write to the next."""
        if (at := self.cut_at.get(self.at_work)) and what.startswith(at):
            del self.cut_at[self.at_work]
            raise Killed(what)
        left = self.cuts.get(self.at_work)
        if left is None:
            return
        if left <= 0:
            del self.cuts[self.at_work]
            raise Killed(what)
        self.cuts[self.at_work] = left - 1

    def check_room(self) -> None:
        """Refuse to write where the disk is full."""
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def tear(self, program: str) -> None:
        """Leave what a write that was cut off leaves: a part beside a file, half a line, half a page."""
        for note in [
            *self.root.glob("announcements/*/*.json"),
            *self.root.glob("notifications/*/*.json"),
        ][-1:]:
            note.with_name(f".{note.name}.part").write_bytes(HALF)
        for name, content in (("events.sqlite-wal", HALF * 40), ("custody.jsonl", HALF)):
            path = self.root / name
            owner = "preserve" if name == "custody.jsonl" else program
            if path.exists() and owner == program:
                with path.open("ab") as file:
                    file.write(content)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Be asked before and after each write of this process."""
        append = EventLog.append

        def append_here(log: EventLog, events: Sequence[Event]) -> int:
            self.point("before an append")
            if self.is_full:
                raise NoRoom(f"{log.path}: the disk is full")
            self.appending(events)
            count = append(log, events)
            self.appended(count)
            self.point("after an append")
            return count

        def fsync(handle: Any) -> None:
            self.point("at a flush")
            self.check_room()

        with patch.object(EventLog, "append", append_here), patch.object(os, "fsync", fsync):
            yield
