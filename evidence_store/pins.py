"""Footage that may not be dropped from the ring: what an open offence or a hold needs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from evidence_store.segments import Segment

# of a segment that a crash left without its end
_LONGEST_UNCLOSED = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Pin:
    """A stretch of one camera's footage that stays, and why."""

    camera_id: str
    from_at: datetime
    to_at: datetime
    why: str  # for people

    def needs(self, segment: Segment) -> bool:
        """True where a segment of this camera holds some of the stretch, or may hold some."""
        end_at = segment.end_at or segment.start_at + _LONGEST_UNCLOSED
        return segment.start_at <= self.to_at and end_at >= self.from_at


def pinned(segments: Sequence[Segment], pins: Iterable[Pin]) -> list[Segment]:
    """The segments that some pin needs, oldest first.

    Args:
        segments: of one camera, oldest first.
        pins: of the same camera.
    """
    places: set[int] = set()
    for pin in pins:
        # a segment that began before the stretch may still reach into it
        first = max(0, bisect_left(segments, pin.from_at, key=lambda each: each.start_at) - 1)
        last = bisect_right(segments, pin.to_at, key=lambda each: each.start_at)
        places |= {place for place in range(first, last) if pin.needs(segments[place])}
    return [segments[place] for place in sorted(places)]


@dataclass(frozen=True, slots=True)
class RingUse:
    """What a camera's ring holds."""

    size_bytes: int
    pinned_bytes: int
    limit_bytes: int

    @property
    def is_over(self) -> bool:
        """True where pins leave the ring less room than it should have: it may outgrow its limit."""
        return self.pinned_bytes > self.limit_bytes - least_unpinned(self.limit_bytes)


def least_unpinned(limit_bytes: int) -> int:
    """What the ring keeps for footage that nobody pinned, however much is pinned: the next offence
    needs its lead, too.
    """
    return limit_bytes // 10


def ring_use(segments: Sequence[Segment], pins: Iterable[Pin], limit_bytes: int) -> RingUse:
    """How full a ring is; arguments as for `pinned`."""
    needed = sum(each.size_bytes for each in pinned(segments, pins))
    return RingUse(sum(each.size_bytes for each in segments), needed, limit_bytes)


def expired(
    segments: Sequence[Segment], pins: Iterable[Pin], oldest_allowed: datetime, limit_bytes: int
) -> list[Segment]:
    """Which segments have to go, oldest first; never a pinned one, and never the last.

    Args:
        segments: of one camera, oldest first, all closed.
        pins: of the same camera.
        oldest_allowed: what began before is too old.
        limit_bytes: for pinned and other footage together, as far as pins allow.
    """
    needed = pinned(segments, pins)
    names = {each.name for each in needed}
    pinned_bytes = sum(each.size_bytes for each in needed)
    room = max(limit_bytes - pinned_bytes, least_unpinned(limit_bytes)) if needed else limit_bytes
    loose_bytes = sum(each.size_bytes for each in segments) - pinned_bytes
    gone = []
    for segment in segments[:-1]:
        if segment.start_at >= oldest_allowed and loose_bytes <= room:
            break
        if segment.name not in names:
            gone.append(segment)
            loose_bytes -= segment.size_bytes
    return gone


def pins_of_camera(camera_id: str, pins: Iterable[Pin]) -> list[Pin]:
    """Those of one camera."""
    return [pin for pin in pins if pin.camera_id == camera_id]
