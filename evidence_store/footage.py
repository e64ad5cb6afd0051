"""Where the footage of a camera and a time lies, and which part of it is not there.

File cameras: the file itself, walked back to by the sighting's own timestamp. Live cameras, and
files played in a loop: the recorder's segments.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from domain.errors import PutAside, TryAgain
from domain.events import Sighting
from domain.site import Site
from evidence_store.encryption_keys import EncryptionKeyMissing, EncryptionKeys
from evidence_store.gap_causes import why_missing
from evidence_store.packets import media_zero, open_video, read_packets
from evidence_store.segment_files import SegmentFile, SegmentFiles
from evidence_store.segments import IndexNotes, Lost, Segment, SegmentIndex, measure_open

# between the end of one segment and the start of the next; arrival times jitter
TOLERATED_GAP_S = 1.0
# a sighting's wall time may differ from the segment's by the network's queue
CLOCK_TOLERANCE_S = 2.0
# a segment's last second may still be in the recorder's hands
RECORDING_DELAY_S = 20.0


@dataclass(frozen=True, slots=True)
class Piece:
    """One file that holds part of the time asked for."""

    source: Path | SegmentFile
    run: str  # pieces of one run continue each other and can be joined
    starts_at: datetime  # event time of the file's media time 0
    ends_at: datetime
    first_pts: int  # of the camera's stream at media time 0, in time_base
    last_pts: int
    time_base: Fraction
    absolute: bool  # media time 0 is the file's timestamp 0, not its first one

    def place_of(self, sighting: Sighting) -> float | None:
        """Media time of the sighting's frame in this file, seconds; None: not in it."""
        tolerance = timedelta(seconds=CLOCK_TOLERANCE_S)
        if not self.starts_at - tolerance <= sighting.at <= self.ends_at + tolerance:
            return None
        pts_s = sighting.pts * Fraction(sighting.time_base)
        at_s = pts_s - self.first_pts * self.time_base
        span_s = (self.last_pts - self.first_pts) * self.time_base
        return float(at_s) if -Fraction(1, 1000) <= at_s <= span_s + Fraction(1, 1000) else None


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of the time asked for that no footage covers."""

    from_at: datetime
    to_at: datetime
    reason: str

    def __str__(self) -> str:
        return f"{self.from_at.isoformat()} to {self.to_at.isoformat()}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Footage:
    """What there is of one camera between two moments."""

    camera_id: str
    from_at: datetime
    to_at: datetime
    pieces: tuple[Piece, ...]  # in order of time
    gaps: tuple[Gap, ...]


class StillRecording(TryAgain):
    """The end of it is not on the disk yet; it will be in a moment."""


class FootageFinder(Protocol):
    """Finds a camera's footage; evidence is cut out of what it gives."""

    def find(self, camera_id: str, from_at: datetime, to_at: datetime, anchor: Sighting) -> Footage:
        """Footage of from_at .. to_at (event time).

        Args:
            anchor: a sighting in that time; ties event time to the footage's own timestamps.
        Raises:
            StillRecording: its end is not recorded yet.
        """


class SiteFootage:
    """Footage of a site's cameras: recordings where there are any, else the site file's own files."""

    def __init__(
        self, site: Site, base: Path, recordings: Path, keys: EncryptionKeys | None = None
    ) -> None:
        """Args:
        base: the folder that relative paths of the site file start at.
        keys: open recordings that are encrypted.
        """
        self._keys = keys
        self._site = site
        self._base = base
        self._recordings = recordings

    def find(self, camera_id: str, from_at: datetime, to_at: datetime, anchor: Sighting) -> Footage:
        """See FootageFinder."""
        recorded = find_footage(self._recordings, camera_id, from_at, to_at, self._keys)
        if recorded.pieces:
            _check_is_written(recorded)
            return recorded
        try:
            camera = self._site.camera(camera_id)
        except KeyError:
            return recorded
        if camera.is_live:
            _check_is_written(recorded)
            return recorded
        path = (self._base / camera.url.removeprefix("file://")).resolve()
        return footage_of_file(path, camera_id, from_at, to_at, anchor)


def footage_of_file(
    path: Path, camera_id: str, from_at: datetime, to_at: datetime, anchor: Sighting
) -> Footage:
    """The part of a file camera's file. A stretch before its start or behind its end is no gap:
    there never was a picture.
    """
    try:
        piece = _whole_file(path, anchor)
    except PutAside as error:
        return Footage(camera_id, from_at, to_at, (), (Gap(from_at, to_at, str(error)),))
    if piece.place_of(anchor) is None:
        gap = Gap(from_at, to_at, f"{path}: does not reach pts {anchor.pts}; was it replaced?")
        return Footage(camera_id, from_at, to_at, (), (gap,))
    return Footage(camera_id, from_at, to_at, (piece,), ())


def _whole_file(path: Path, anchor: Sighting) -> Piece:
    try:
        state = path.stat()
    except OSError as error:
        raise PutAside(f"{path}: the camera's footage cannot be read: {error.strerror}") from error
    zero, last_pts, time_base = _extent(path, state.st_mtime_ns, state.st_size)
    at_s = anchor.pts * Fraction(anchor.time_base) - zero * time_base
    starts_at = anchor.at - timedelta(seconds=float(at_s))
    ends_at = starts_at + timedelta(seconds=float((last_pts - zero) * time_base))
    return Piece(path, "file", starts_at, ends_at, zero, last_pts, time_base, absolute=False)


@functools.lru_cache(maxsize=256)
def _extent(path: Path, _mtime_ns: int, _size_bytes: int) -> tuple[int, int, Fraction]:
    """First and last pts of a file; read from the packets, because headers lie about lengths."""
    container, stream = open_video(path)
    with container:
        zero = media_zero(stream)
        last_pts = max((packet.pts for packet in read_packets(container, stream)), default=zero)
        return zero, last_pts, stream.time_base or Fraction(1, 1000)


def find_footage(
    recordings: Path,
    camera_id: str,
    from_at: datetime,
    to_at: datetime,
    keys: EncryptionKeys | None = None,
) -> Footage:
    """Recorded segments that overlap a time, and the gaps between them with the reason.

    Args:
        keys: open recordings that are encrypted.
    Returns:
        a Footage without pieces where nothing was recorded.
    """
    folder = recordings / camera_id
    index, files = SegmentIndex(folder), SegmentFiles(folder, keys)
    segments, lost = index.read()
    pieces = []
    for segment in segments:
        try:
            whole = segment if segment.end_at is not None else measure_open(files, segment)
        except EncryptionKeyMissing as error:
            lost.append(Lost(segment.start_at, segment.start_at, 0, str(error)))
            continue
        if whole is None or whole.end_at is None or whole.last_pts is None:
            continue
        if whole.end_at < from_at or whole.start_at > to_at or not files.exists(whole.name):
            continue
        if fault := files.file(whole.name).fault():  # a power cut leaves such: the others are fine
            lost.append(
                Lost(whole.start_at, whole.end_at, whole.packets, f"cannot be read: {fault}")
            )
            continue
        pieces.append(_piece(files, whole, whole.end_at, whole.last_pts))
    holes = _uncovered(pieces, from_at, to_at)
    notes = index.notes() if holes else IndexNotes((), None)
    gaps = [
        Gap(*hole, f"{camera_id}: {why_missing(*hole, segments, lost, notes)}") for hole in holes
    ]
    return Footage(camera_id, from_at, to_at, tuple(pieces), tuple(gaps))


def _piece(files: SegmentFiles, segment: Segment, end_at: datetime, last_pts: int) -> Piece:
    return Piece(
        files.file(segment.name),
        segment.run,
        segment.start_at,
        end_at,
        segment.origin_pts,
        last_pts,
        segment.time_base,
        absolute=True,
    )


def _uncovered(
    pieces: Sequence[Piece], from_at: datetime, to_at: datetime
) -> list[tuple[datetime, datetime]]:
    tolerance = timedelta(seconds=TOLERATED_GAP_S)
    holes, reached = [], from_at
    for piece in pieces:
        if piece.starts_at - reached > tolerance:
            holes.append((reached, piece.starts_at))
        reached = max(reached, piece.ends_at)
    if to_at - reached > tolerance:
        holes.append((reached, to_at))
    return holes


def _check_is_written(footage: Footage) -> None:
    """Wait for a tail that is still being recorded, but not for ever."""
    reached = max((piece.ends_at for piece in footage.pieces), default=footage.from_at)
    age_s = (datetime.now(UTC) - footage.to_at).total_seconds()
    if reached < footage.to_at and age_s < RECORDING_DELAY_S:
        raise StillRecording(
            f"{footage.camera_id}: footage up to {footage.to_at.isoformat()} is still being recorded"
        )
