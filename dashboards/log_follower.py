"""Follow the event log of a data folder, also when the file comes late or is replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.events import Event
from event_log.log import EventLog

EVENTS_AT_ONCE = 1000  # a long log is folded in parts, so that a stop is heard in between


@dataclass(frozen=True, slots=True)
class News:
    """What one look at the log found."""

    events: Sequence[Event] = ()
    is_other_log: bool = False  # the file was replaced: forget what came from the old one
    is_last: bool = True  # nothing more stood in the log


class LogFollower:
    """Reads on from where it stopped; belongs to one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log: EventLog | None = None
        self._file_id: tuple[int, int] | None = None
        self._log_id = ""
        self._seq = 0

    def read(self) -> News:
        """Read what is new.

        Raises:
            TryAgain: locked, no permission.
            Stop: the file is damaged or no event log.
        """
        file_id = _file_id(self._path)
        if file_id is None:  # the console only reads: whoever writes events makes the file
            self.close()
            return News()
        is_other_log = file_id != self._file_id and self._reopen(file_id)
        assert self._log is not None
        page = self._log.read_page(self._seq, limit=EVENTS_AT_ONCE)
        self._seq = page.scanned_to
        return News([each.event for each in page.events], is_other_log, page.is_last)

    def close(self) -> None:
        """Give the file back."""
        if self._log is not None:
            self._log.close()
        self._log, self._file_id = None, None

    def _reopen(self, file_id: tuple[int, int]) -> bool:
        """Open the file that lies there now; True where it is another log than before."""
        self.close()
        self._log = EventLog.open(self._path)
        self._file_id = file_id
        if self._log.log_id == self._log_id:
            return False
        is_other_log = bool(self._log_id)
        self._log_id, self._seq = self._log.log_id, 0
        return is_other_log


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
