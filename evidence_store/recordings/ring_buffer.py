"""Keep a camera's closed segments, encrypted, as long as allowed or needed, and then drop them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from domain.site.storage import KeptFree
from evidence_store.keys.encryption_keys import EncryptionKeyMissing, EncryptionKeys
from evidence_store.media.faults import first_line
from evidence_store.recordings.gap_causes import BROKE_OFF
from evidence_store.recordings.pins import Pin, RingUse, expired, oldest_unpinned, ring_use
from evidence_store.recordings.segment_files import SegmentFiles
from evidence_store.recordings.segment_index import Ending, Segment, SegmentIndex, measure_open

log = structlog.get_logger()

COMPACT_AFTER_DELETIONS = 500
# where the disk gets short, so many times what was recorded goes: others write to it, too
GIVES_WAY_TIMES = 2

# camera id -> what offences and holds need of its footage; None: not known yet, so nothing is dropped
Pins = Callable[[str], Sequence[Pin] | None]


@dataclass(frozen=True, slots=True)
class RingRetention:
    """How much of a camera is kept; the oldest segment goes first."""

    hours: float = 72.0
    max_bytes: int = 20 * 1024**3


class Ring:
    """Segments that one camera's recorder has closed."""

    def __init__(
        self,
        folder: Path,
        retention: RingRetention,
        pins: Pins,
        keys: EncryptionKeys | None,
        kept_free: KeptFree,
        believed_at: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        """Keep segments in the camera's `folder`; the key in force of `keys`, if any, encrypts them.

        `believed_at` says until when the wall's clock is believed; None: until now.
        """
        self._believed_at = believed_at
        self._folder = folder
        self._kept_free = kept_free
        self.use: RingUse | None = None  # how full it is, as of the last closed segment
        self.index = SegmentIndex(folder)
        self._camera_id = folder.name
        self._files = SegmentFiles(folder, keys)
        self._retention = retention
        self._pins = pins
        self._kept: list[Segment] | None = None  # oldest first; None: not read yet
        self._unfinished: list[str] = []  # closed, and not encrypted yet: there was no room
        self._deletions = 0

    def adopt(self) -> None:
        """Take over, once, what an earlier process recorded, and close what it could not.

        Raises:
            OSError: the folder cannot be read or written.
        """
        if self._kept is not None:
            return
        kept = []
        for segment in self.index.read()[0]:
            if segment.end_at is None:
                try:
                    measured = measure_open(self._files, segment)
                # the segment may be sound and its key may come back: it is kept
                except EncryptionKeyMissing as error:
                    log.warning("segment_not_measured", segment=segment.name, reason=str(error))
                    kept.append(segment)
                    continue
                if measured is None:
                    self.index.note_ended(Ending(segment.start_at, BROKE_OFF))
                    self._delete(segment)
                    continue
                segment = replace(measured, is_cut_off=True)
                self._finish(segment.name)
                self.index.note_closed(segment)
            kept.append(segment)
        self._kept = kept

    def free_name(self, stem: str, suffix: str) -> str:
        """Return a name that no segment has, also where the clock was set back and the moment comes again."""
        name, number = stem + suffix, 1
        while self._files.exists(name):
            number += 1
            name = f"{stem}-{number}{suffix}"
        return name

    def add(self, closed: Segment) -> None:
        """Take in a closed segment: encrypt it, note it, and drop what has to go.

        Raises:
            OSError: the index cannot be written.
        """
        assert self._kept is not None
        self._finish(closed.name)
        self._kept.append(closed)
        self.index.note_closed(closed)
        self._expire(closed)

    def add_abandoned(self, segment: Segment) -> None:
        """Take in a segment that broke off; the index gets no closing line, so readers measure it."""
        self._unfinished.append(segment.name)
        if self._kept is not None:
            self._kept.append(segment)

    def make_room(self) -> None:
        """Drop the oldest segment on a full disk, so that recording can go on.

        What is pinned stays: where nothing else is left, recording stops and says why.
        """
        pins = self._pins(self._camera_id)
        try:
            if pins is not None:
                self._drop(oldest_unpinned(self._kept or [], pins, 1))
        except OSError as error:
            log.debug("no_room_made", camera_id=self._camera_id, error=first_line(error))

    def _finish(self, name: str) -> None:
        """Encrypt a closed segment; what fails is tried again when the next one closes."""
        waiting, self._unfinished = [*self._unfinished, name], []
        for segment in waiting:
            try:
                self._files.finish(segment)
            except FileNotFoundError:
                continue  # it was erased, or made room
            except OSError as error:
                log.warning("segment_stays_plain", segment=segment, reason=first_line(error))
                self._unfinished.append(segment)

    def _expire(self, closed: Segment) -> None:
        assert self._kept is not None
        # by the clock that nobody sets: else one that jumps ahead would take all footage
        # nor one that came back far ahead after a start of the machine
        believed_at = self._believed_at()
        now = closed.steady_at if believed_at is None else believed_at - closed.ahead
        oldest_allowed = min(now, closed.steady_at) - timedelta(hours=self._retention.hours)
        pins = self._pins(self._camera_id)
        if pins is not None:
            limit_bytes = self._retention.max_bytes
            self._drop(expired(self._kept, pins, oldest_allowed, limit_bytes))
            # before the disk is full: at the floor the next segment could not be begun, nor evidence
            if self._kept_free.is_short(self._folder):
                gives_way = GIVES_WAY_TIMES * closed.size_bytes
                self._drop(oldest_unpinned(self._kept, pins, gives_way))
            self.use = ring_use(self._kept, pins, limit_bytes)
        if self._deletions >= COMPACT_AFTER_DELETIONS:
            self.index.compact()
            self._deletions = 0

    def _drop(self, segments: Sequence[Segment]) -> None:
        gone: set[str] = set()
        try:
            for segment in segments:
                self._delete(segment)
                gone.add(segment.name)
        finally:
            # what could not be deleted is still there, and goes later
            self._kept = [segment for segment in self._kept or () if segment.name not in gone]

    def _delete(self, segment: Segment) -> None:
        self._files.remove(segment.name)
        self.index.note_gone(segment.name)
        self._deletions += 1
