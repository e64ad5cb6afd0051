"""Watch the disks of a run: tell what changes, keep the reserve, know whether programs can run."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import structlog

from domain.base import BothLanguages
from domain.data_dir import DataDir
from domain.errors import ForewarnError
from domain.events.catalog import Event, EvidenceBehind, StorageChanged
from domain.events.storage_events import StorageState
from domain.ids import mint
from domain.processes.background_thread import BackgroundThread
from domain.site.storage import KeptFree
from event_log.log import EventLog
from forewarn.storage.disk_state import DiskState
from forewarn.storage.disks import ROOT, Disk, DiskSpace, disks_of, is_there, measure, names_of
from forewarn.storage.evidence_backlog import EvidenceBacklog
from forewarn.storage.messages import readable_bytes, storage_message

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
DISKS_EVERY_S = 10.0  # mounts come and go
SHORT_FOR_S = 10.0  # what ends within so long of a shortage ended because of it
LOOK_WAIT_S = 3.0  # for a disk that does not answer; then what was known before counts
LOG_WAIT_S = 2.0  # for another program's write
MOST_UNWRITTEN = 1000


class StorageWatch(BackgroundThread):
    """Looks every second in a thread of its own; a disk that does not answer holds up nobody else.

    What it has to tell is shown at once and written into the event log as soon as that can be written.
    """

    def __init__(
        self,
        data: DataDir,
        site_id: str,
        notify: Callable[[str], None],
        kept_free: KeptFree,
        *,
        is_live: bool = True,
    ) -> None:
        """Begin with disks that are taken to be well.

        Args:
            data: the data folder.
            site_id: for events.
            notify: shows a line to the person who started the run; called by the watch's thread.
            kept_free: how much of each disk is kept free.
            is_live: evidence that waits is told of; where footage is played as fast as it can be, it
                always does.
        """
        super().__init__("storage-watch")
        self._data = data
        self._site_id = site_id
        self._notify = notify
        self._kept_free = kept_free
        self._backlog = EvidenceBacklog(site_id) if is_live else None
        self._must_be_there = is_there(data)
        self._states: dict[Disk, DiskState] = {}
        self._said: dict[str, StorageState] = {}  # by room, the last word
        self._disks_at_s = 0.0
        self._unwritten: deque[Event] = deque(maxlen=MOST_UNWRITTEN)
        self._log: EventLog | None = None
        self._knows_past = False
        self._short_at_s: float | None = None
        self._lock = threading.Lock()
        self._looked = threading.Condition()
        self._looks_begun = self._looks_done = 0

    @property
    def is_short(self) -> bool:
        """Tell whether programs cannot run now, for they could keep neither events nor their state."""
        return any(state.is_short for state in tuple(self._states.values()))

    def was_short(self) -> bool:
        """Look now, and tell whether programs cannot run, or could not a few seconds ago.

        A disk that does not answer holds the caller up for some seconds at most.
        """
        if self._thread.is_alive():
            with self._looked:
                next_look = self._looks_begun + 1
                self._looked.wait_for(lambda: self._looks_done >= next_look, LOOK_WAIT_S)
        else:
            self.look_at_disks()
        at_s = self._short_at_s
        return at_s is not None and time.monotonic() - at_s < SHORT_FOR_S

    def keep_free(self, kept_free: KeptFree) -> None:
        """Keep another part of each disk free from now on."""
        with self._lock:
            self._kept_free = kept_free
            for state in self._states.values():
                state.kept_free = kept_free

    def look(self) -> None:
        """Look at disks and waiting evidence once, and write what is to be told."""
        self.look_at_disks()
        self._write()

    def look_at_disks(self) -> None:
        """Look at the disks once, and show what has changed."""
        with self._lock:
            self._looks_begun += 1
            self._find_disks()
            for state in self._states.values():
                state.look()
                if state.disk.keeps_state and state.state in ("full", "read_only"):
                    self._short_at_s = time.monotonic()
                rooms = state.disk.rooms
                if any(self._said.get(room, "ok") != state.state for room in rooms):
                    self._said.update(dict.fromkeys(rooms, state.state))
                    self._tell(_storage_changed(state, self._data, self._site_id), "storage")
        with self._looked:
            self._looks_done = self._looks_begun
            self._looked.notify_all()

    def __enter__(self) -> Self:
        """Look once, before anything else is done, and go on looking."""
        self.look_at_disks()
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except Exception:  # the watch of disks must not end because of one
                log.exception("storage_not_looked_at")
            self._stopping.wait(LOOK_EVERY_S)
        if self._log is not None:
            self._log.close()

    def _find_disks(self) -> None:
        if time.monotonic() < self._disks_at_s:
            return
        self._disks_at_s = time.monotonic() + DISKS_EVERY_S
        found = disks_of(self._data)
        self._states = {
            # one that was remounted is another one, and goes on from the same state
            disk: self._states.get(disk)
            or DiskState(
                disk,
                self._kept_free,
                self._said.get(disk.rooms[0], "ok"),
                self._measure_root if ROOT in disk.rooms else measure,
            )
            for disk in found
        }

    def _measure_root(self, folder: Path) -> DiskSpace:
        if self._must_be_there and not is_there(self._data):
            return DiskSpace(0, 0, False, "it is not there: was its disk unmounted?")
        return measure(folder)

    def _tell(self, data: StorageChanged | EvidenceBehind, subject: str) -> None:
        now = datetime.now(UTC)
        log.warning(data.event_type, **data.model_dump(mode="json", exclude={"reason_zh"}))
        self._notify(data.reason)
        event_id = mint("evt", data.event_type, subject, data.reason, now.isoformat())
        source = f"forewarn/{self._site_id}/{subject}"
        self._unwritten.append(Event(event_id, source, subject, now, data))

    def _write(self) -> None:
        """Write what is to be told, and read how much evidence waits; the log may be away meanwhile."""
        try:
            if self._log is None:
                if not self._data.events_db.exists():
                    return
                self._log = EventLog.open(self._data.events_db, busy_timeout_s=LOG_WAIT_S)
            if not self._knows_past:
                self._take_up_past(self._log)
            if self._backlog is not None:
                for news in self._backlog.look(self._log):
                    self._tell(news, "evidence")
            if self._unwritten:
                waiting = list(self._unwritten)
                self._log.append(waiting)
                for _ in waiting:
                    self._unwritten.popleft()
        except (ForewarnError, OSError) as error:
            log.info("storage_event_waits", count=len(self._unwritten), reason=str(error))
            if self._log is not None:
                self._log.close()
            self._log = None

    def _take_up_past(self, log: EventLog) -> None:
        """Know what an earlier run told, so that the end of it is told, too."""
        said: dict[str, StorageState] = {}
        after = 0
        while page := log.read(after, [StorageChanged.event_type, EvidenceBehind.event_type]):
            for logged in page:
                past = logged.event.data
                if isinstance(past, StorageChanged):
                    said.update(dict.fromkeys(past.folders, past.state))
                elif isinstance(past, EvidenceBehind) and self._backlog is not None:
                    self._backlog.take_up(past)
            after = page[-1].seq
        self._said = {**said, **self._said}  # the next look tells what is otherwise now
        self._knows_past = True


def _storage_changed(state: DiskState, data: DataDir, site_id: str) -> StorageChanged:
    measured = state.measured
    words: BothLanguages = storage_message(
        "refused" if state.state == "full" and state.is_refused else state.state,
        folders=names_of(state.disk.rooms, data.root),
        free=readable_bytes(state.free_bytes),
        size=readable_bytes(measured.size_bytes),
        words=measured.fault,
    )
    return StorageChanged(
        site_id=site_id,
        state=state.state,
        folders=state.disk.rooms,
        free_bytes=state.free_bytes,
        size_bytes=measured.size_bytes,
        reason=words.en,
        reason_zh=words.zh,
    )
