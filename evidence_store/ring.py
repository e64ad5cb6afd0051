"""A camera's closed segments: encrypted, kept as long as allowed or needed, and then dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from evidence_store.encryption_keys import EncryptionKeyMissing, EncryptionKeys
from evidence_store.gap_causes import BROKE_OFF
from evidence_store.packets import first_line
from evidence_store.pins import Pin, RingUse, expired, pinned, ring_use
from evidence_store.segment_files import SegmentFiles
from evidence_store.segments import Ending, Segment, SegmentIndex, measure_open

log = structlog.get_logger()

COMPACT_AFTER_DELETIONS = 500

# what offences and holds need of a camera's footage; None: not known yet, so nothing is dropped
Pins = Callable[[str], Sequence[Pin] | None]


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of a camera is kept; the oldest segment goes first."""

    hours: float = 72.0
    max_bytes: int = 20 * 1024**3


class Ring:
    """What one camera's recorder has closed."""

    def __init__(
        self, folder: Path, retention: Retention, pins: Pins, keys: EncryptionKeys | None
    ) -> None:
        """Args:
        folder: the camera's, named for it.
        keys: the one in force encrypts each segment; None: they stay plain.
        """
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
        """Take over what an earlier process recorded, once; close what it could not.

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
                except EncryptionKeyMissing as error:  # says nothing against it, and may come back
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

    def add(self, closed: Segment) -> None:
        """A segment was closed: encrypt it, note it, and drop what has to go.

        Raises:
            OSError: the index cannot be written.
        """
        assert self._kept is not None
        self._finish(closed.name)
        self.index.note_closed(closed)
        self._kept.append(closed)
        self._expire(closed.start_at)

    def add_abandoned(self, segment: Segment) -> None:
        """A segment broke off; the index has no closing line: whoever looks measures the file."""
        self._unfinished.append(segment.name)
        if self._kept is not None:
            self._kept.append(segment)

    def make_room(self) -> None:
        """On a full disk the ring gets shorter instead of the recording stopping for good.

        What is pinned stays: where nothing else is left, recording stops and says why.
        """
        kept, pins = self._kept or [], self._pins(self._camera_id)
        needed = {each.name for each in pinned(kept, pins or ())}
        oldest = next((each for each in kept[:-1] if each.name not in needed), None)
        try:
            if oldest is not None and pins is not None:
                self._drop([oldest])
        except OSError as error:
            log.debug("no_room_made", camera_id=self._camera_id, error=first_line(error))

    def _finish(self, name: str) -> None:
        """Encrypt a closed segment; what cannot be now is tried again when the next one closes."""
        waiting, self._unfinished = [*self._unfinished, name], []
        for each in waiting:
            try:
                self._files.finish(each)
            except FileNotFoundError:
                continue  # it was erased, or made room
            except OSError as error:
                log.warning("segment_stays_plain", segment=each, reason=first_line(error))
                self._unfinished.append(each)

    def _expire(self, now: datetime) -> None:
        assert self._kept is not None
        oldest_allowed = now - timedelta(hours=self._retention.hours)
        pins = self._pins(self._camera_id)
        if pins is not None:
            limit_bytes = self._retention.max_bytes
            self._drop(expired(self._kept, pins, oldest_allowed, limit_bytes))
            self.use = ring_use(self._kept, pins, limit_bytes)
        if self._deletions >= COMPACT_AFTER_DELETIONS:
            self.index.compact()
            self._deletions = 0

    def _drop(self, segments: Sequence[Segment]) -> None:
        if not segments:
            return
        names = {each.name for each in segments}
        self._kept = [each for each in self._kept or () if each.name not in names]
        for segment in segments:
            self._delete(segment)

    def _delete(self, segment: Segment) -> None:
        self._files.remove(segment.name)
        self.index.note_gone(segment.name)
        self._deletions += 1
