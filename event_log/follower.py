"""Follow the event log of a data folder, also when the file comes late or is replaced."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.events.catalog import Event
from domain.files import file_identity
from event_log.log import EventLog
from event_log.place import LogPlace, why_not_here

EVENTS_AT_ONCE = 1000  # a long log is folded in parts, so that a stop is heard in between


@dataclass(frozen=True, slots=True)
class NewEvents:
    """Events that one look at the log found."""

    events: Sequence[Event] = ()
    is_other_log: bool = False  # the file was replaced: forget what came from the old one
    is_last: bool = True  # nothing more stood in the log


class LogFollower:
    """Reads on from where it stopped; belongs to one thread."""

    def __init__(
        self,
        path: Path,
        types: Collection[str] | None = None,
        begin: Callable[[EventLog], LogPlace] = lambda log: LogPlace(log.log_id, 0),
    ) -> None:
        """Make one that has read nothing.

        Args:
            path: of the log, which need not be there.
            types: of the events that are wanted; None: all.
            begin: says of a log that is new to it after which place to read; raises what `read` raises.
        """
        self._path = path
        self._types = types
        self._begin = begin
        self._log: EventLog | None = None
        self._file_id: tuple[int, int] | None = None
        self._place: LogPlace | None = None

    @property
    def log(self) -> EventLog | None:
        """Return the log that is open now; None: there is none."""
        return self._log

    def skip_past(self) -> None:
        """Pass over what the log holds now; raises what `read` raises."""
        while not self.read().is_last:
            pass

    def read(self) -> NewEvents:
        """Read what is new.

        Raises:
            TryAgain: locked, no permission.
            Stop: the file is damaged or no event log.
        """
        file_id = file_identity(self._path)
        if file_id is None:  # the console only reads: whoever writes events makes the file
            self.close()
            return NewEvents()
        is_other_log = file_id != self._file_id and self._reopen(file_id)
        assert self._log is not None and self._place is not None
        page = self._log.read_page(self._place.seq, self._types, EVENTS_AT_ONCE)
        self._place = LogPlace(self._log.log_id, page.scanned_to, page.scanned_id)
        return NewEvents([each.event for each in page.events], is_other_log, page.is_last)

    def close(self) -> None:
        """Give the file back."""
        if self._log is not None:
            self._log.close()
        self._log, self._file_id = None, None

    def _reopen(self, file_id: tuple[int, int]) -> bool:
        """Open the file that lies there now; True where it is another log than before."""
        self.close()
        self._log = EventLog.open(self._path)
        is_same_log = self._place is not None and not why_not_here(self._log, self._place)
        is_other_log = self._place is not None and not is_same_log
        if self._place is None or not is_same_log:
            self._place = None
            self._place = self._begin(self._log)
        self._file_id = file_id
        return is_other_log
