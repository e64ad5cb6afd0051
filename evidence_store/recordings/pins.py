"""Choose which segments leave the ring: the oldest, but none that an open offence or a hold needs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from evidence_store.recordings.segment_index import Segment

# of a segment that a crash left without its end
_LONGEST_UNCLOSED = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Pin:
    """Stretch of one camera's footage that stays, and why."""

    camera_id: str
    from_at: datetime
    to_at: datetime
    why: str  # for people
    is_steady: bool = False  # the stretch is of steady time, not of the wall's

    def needs(self, segment: Segment) -> bool:
        """Tell whether a segment of this camera holds some of the stretch, or may hold some."""
        ahead = segment.ahead if self.is_steady else timedelta(0)
        end_at = segment.end_at or segment.start_at + _LONGEST_UNCLOSED
        return segment.start_at - ahead <= self.to_at and end_at - ahead >= self.from_at


def pinned(segments: Sequence[Segment], pins: Iterable[Pin]) -> list[Segment]:
    """Return the segments that some pin needs, oldest first; both of one camera, oldest first."""
    places: set[int] = set()
    # the order is that of steady time: after the wall's clock was set it is not that of the wall's
    is_wall_in_order = all(segment.steady_start_at is None for segment in segments)
    for pin in pins:
        if not (pin.is_steady or is_wall_in_order):
            places |= {place for place, segment in enumerate(segments) if pin.needs(segment)}
            continue
        # a segment that began before the stretch may still reach into it
        first = max(
            0, bisect_left(segments, pin.from_at, key=lambda segment: segment.steady_at) - 1
        )
        last = bisect_right(segments, pin.to_at, key=lambda segment: segment.steady_at)
        places |= {place for place in range(first, last) if pin.needs(segments[place])}
    return [segments[place] for place in sorted(places)]


@dataclass(frozen=True, slots=True)
class RingUse:
    """Bytes that a camera's ring holds."""

    size_bytes: int
    pinned_bytes: int
    limit_bytes: int

    @property
    def is_over(self) -> bool:
        """True where pins leave the ring less room than it should have: it may outgrow its limit."""
        return self.pinned_bytes > self.limit_bytes - least_unpinned(self.limit_bytes)


def least_unpinned(limit_bytes: int) -> int:
    """Compute how many bytes of the ring pins may never take: the next offence needs its lead, too."""
    return limit_bytes // 10


def ring_use(segments: Sequence[Segment], pins: Iterable[Pin], limit_bytes: int) -> RingUse:
    """Measure how full a ring is; arguments as for `pinned`."""
    return RingUse(_size_of(segments), _size_of(pinned(segments, pins)), limit_bytes)


def expired(
    segments: Sequence[Segment], pins: Iterable[Pin], oldest_allowed: datetime, limit_bytes: int
) -> list[Segment]:
    """Choose the segments that have to go, oldest first; never a pinned one, and never the last.

    Segments (of one camera, oldest first, all closed) that began before `oldest_allowed`, in steady time,
    are too old;
    `limit_bytes` is for pinned and other footage together, as far as pins allow.
    """
    needed = pinned(segments, pins)
    names = {segment.name for segment in needed}
    pinned_bytes = _size_of(needed)
    room = max(limit_bytes - pinned_bytes, least_unpinned(limit_bytes)) if needed else limit_bytes
    loose_bytes = _size_of(segments) - pinned_bytes
    gone = []
    for segment in segments[:-1]:
        if segment.steady_at >= oldest_allowed and loose_bytes <= room:
            break
        if segment.name not in names:
            gone.append(segment)
            loose_bytes -= segment.size_bytes
    return gone


def oldest_unpinned(
    segments: Sequence[Segment], pins: Iterable[Pin], size_bytes: int
) -> list[Segment]:
    """Choose the oldest segments that nobody needs, of so many bytes together or a little more; never the last."""
    names = {segment.name for segment in pinned(segments, pins)}
    gone: list[Segment] = []
    for segment in segments[:-1]:
        if _size_of(gone) >= size_bytes:
            break
        if segment.name not in names:
            gone.append(segment)
    return gone


def _size_of(segments: Iterable[Segment]) -> int:
    return sum(segment.size_bytes for segment in segments)
