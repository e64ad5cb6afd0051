"""Find where the footage of a camera and a time lies, and which part of it is missing.

For file cameras that is the file itself, found by the sighting's own timestamp; for live cameras, and
files played in a loop, the recorder's segments. Looked up by steady time, which no two of them share
while the clock file lives; where recordings do share a time, the gaps say so.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from domain.errors import PutAside, TryAgain
from domain.events.catalog import Sighting
from domain.events.wall_time import steady_time_of_sighting
from domain.site.site import Site
from evidence_store.keys.encryption_keys import EncryptionKeyMissing, EncryptionKeys
from evidence_store.media.packets import media_zero, open_video, read_packets
from evidence_store.recordings.gap_causes import set_back, why_missing
from evidence_store.recordings.segment_files import SegmentFile, SegmentFiles
from evidence_store.recordings.segment_index import (
    IndexNotes,
    Lost,
    Segment,
    SegmentIndex,
    measure_open,
)

# between the end of one segment and the start of the next; arrival times jitter
TOLERATED_GAP_S = 1.0
# pieces may share as much
SHARED_BY_JITTER = timedelta(seconds=0.2)
# a sighting's wall time may differ from the segment's by the network's queue
CLOCK_TOLERANCE_S = 2.0
# a segment's last second may still be in the recorder's hands
RECORDING_DELAY_S = 20.0


@dataclass(frozen=True, slots=True)
class Piece:
    """File that holds part of the time asked for."""

    source: Path | SegmentFile
    run: str  # pieces of one run continue each other and can be joined
    starts_at: datetime  # steady time of the file's media time 0
    ends_at: datetime
    first_pts: int  # of the camera's stream at media time 0, in time_base
    last_pts: int
    time_base: Fraction
    absolute: bool  # media time 0 is the file's timestamp 0, not its first one
    ahead: timedelta = timedelta(0)  # by how much the wall's clock was ahead of steady time

    def place_of(self, sighting: Sighting) -> float | None:
        """Compute the media time of the sighting's frame in this file, seconds; None: not in it."""
        tolerance = timedelta(seconds=CLOCK_TOLERANCE_S)
        at = steady_time_of_sighting(sighting)
        if not self.starts_at - tolerance <= at <= self.ends_at + tolerance:
            return None
        pts_s = sighting.pts * Fraction(sighting.time_base)
        at_s = pts_s - self.first_pts * self.time_base
        span_s = (self.last_pts - self.first_pts) * self.time_base
        return float(at_s) if -Fraction(1, 1000) <= at_s <= span_s + Fraction(1, 1000) else None


@dataclass(frozen=True, slots=True)
class Gap:
    """Stretch of the time asked for that no footage covers, or more than one recording."""

    from_at: datetime  # steady
    to_at: datetime
    reason: str
    ahead: timedelta = timedelta(0)  # by how much the wall's clock was ahead

    def __str__(self) -> str:
        from_at, to_at = self.from_at + self.ahead, self.to_at + self.ahead
        return f"{from_at.isoformat()} to {to_at.isoformat()}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Footage:
    """Footage of one camera between two moments of steady time, and its gaps."""

    camera_id: str
    from_at: datetime
    to_at: datetime
    pieces: tuple[Piece, ...]  # in order of time
    gaps: tuple[Gap, ...]


class StillRecording(TryAgain):
    """The footage's end is not on the disk yet; it will be in a moment."""


class FootageFinder(Protocol):
    """Source of footage that evidence is cut from."""

    def find(self, camera_id: str, from_at: datetime, to_at: datetime, anchor: Sighting) -> Footage:
        """Find the footage of from_at .. to_at (steady time, which sightings tell where it is another).

        `anchor` is a sighting in that time: it ties event time to the footage's own timestamps.

        Raises:
            StillRecording: its end is not recorded yet.
        """


class SiteFootage:
    """Finder for a site's cameras: recordings where there are any, else the site file's own files."""

    def __init__(
        self,
        site: Site,
        base: Path,
        recordings: Path,
        keys: EncryptionKeys | None = None,
        *,
        steady_now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Find recordings in `recordings`, opened with `keys`, and files by their path from `base`.

        `steady_now` is asked whether footage may still be on its way.
        """
        self._site, self._base = site, base
        self._recordings, self._keys = recordings, keys
        self._steady_now = steady_now

    def find(self, camera_id: str, from_at: datetime, to_at: datetime, anchor: Sighting) -> Footage:
        """Find the footage of a camera and a time; see FootageFinder."""
        recorded = find_footage(self._recordings, camera_id, from_at, to_at, self._keys)
        if recorded.pieces:
            _check_is_written(recorded, self._steady_now())
            return recorded
        try:
            camera = self._site.camera(camera_id)
        except KeyError:
            return recorded
        if camera.is_live:
            _check_is_written(recorded, self._steady_now())
            return recorded
        path = (self._base / camera.url.removeprefix("file://")).resolve()
        return footage_of_file(path, camera_id, from_at, to_at, anchor)


def footage_of_file(
    path: Path, camera_id: str, from_at: datetime, to_at: datetime, anchor: Sighting
) -> Footage:
    """Find the part of a file camera's file.

    A stretch before its start or behind its end is no gap: there never was a picture.
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
    """Read a file's first and last pts, and its time base, from its packets: headers may be wrong."""
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
    """Find recorded segments that overlap a stretch of steady time, and the reasons for gaps.

    They are opened with `keys`.
    The footage has no pieces where nothing was recorded.
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
        ends_at = whole.end_at - whole.ahead
        if ends_at < from_at or whole.steady_at > to_at or not files.exists(whole.name):
            continue
        # a power cut may leave one that cannot be read; the others are still of use
        if fault := files.file(whole.name).fault():
            lost.append(
                Lost(whole.start_at, whole.end_at, whole.packets, f"cannot be read: {fault}")
            )
            continue
        piece = Piece(
            files.file(whole.name),
            whole.run,
            whole.steady_at,
            ends_at,
            whole.origin_pts,
            whole.last_pts,
            whole.time_base,
            absolute=True,
            ahead=whole.ahead,
        )
        pieces.append(piece)
    holes = _uncovered(pieces, from_at, to_at)
    notes = index.notes() if holes else IndexNotes((), None)
    gaps = []
    for hole_from, hole_to in holes:
        # the index notes what was lost by the wall's clock
        ahead = _ahead_before(segments, hole_from)
        why = why_missing(hole_from + ahead, hole_to + ahead, segments, lost, notes)
        gaps.append(Gap(hole_from, hole_to, f"{camera_id}: {why}", ahead))
    for shared in _shared(pieces, from_at, to_at):
        # not at each burst after a stall: only where the clock went back
        if why := set_back(*shared, index.in_recorded_order()):
            gaps.append(Gap(*shared, f"{camera_id}: {why}", _ahead_before(segments, shared[0])))
    return Footage(camera_id, from_at, to_at, tuple(pieces), tuple(gaps))


def _ahead_before(segments: Sequence[Segment], at: datetime) -> timedelta:
    before = [segment for segment in segments if segment.steady_at <= at]
    return (before[-1:] or list(segments[:1]))[0].ahead if segments else timedelta(0)


def _shared(
    pieces: Sequence[Piece], from_at: datetime, to_at: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the stretches of a time that more than one piece carries, joined where they touch."""
    tolerance = timedelta(seconds=TOLERATED_GAP_S)
    stretches: list[tuple[datetime, datetime]] = []
    reached = from_at
    for piece in pieces:
        begins_at, ends_at = max(piece.starts_at, from_at), min(reached, piece.ends_at, to_at)
        if ends_at - begins_at > SHARED_BY_JITTER:
            if stretches and begins_at - stretches[-1][1] <= tolerance:
                begins_at, ends_at = stretches[-1][0], max(ends_at, stretches[-1][1])
                stretches.pop()
            stretches.append((begins_at, ends_at))
        reached = max(reached, piece.ends_at)
    return stretches


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


def _check_is_written(footage: Footage, now: datetime) -> None:
    """Raise StillRecording while the end may still be written; not for ever."""
    reached = max((piece.ends_at for piece in footage.pieces), default=footage.from_at)
    age_s = (now - footage.to_at).total_seconds()
    # of an older version's events, a clock that was set back puts the end far ahead: nobody records that
    if reached < footage.to_at and abs(age_s) < RECORDING_DELAY_S:
        raise StillRecording(
            f"{footage.camera_id}: footage up to {footage.to_at.isoformat()} is still being recorded"
        )
