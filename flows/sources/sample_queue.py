"""Hand samples from a reader thread to the flow: a small queue that waits, or drops the oldest frame."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from domain.cameras.status import CameraNotice, ReadCounts
from domain.frames import SampledFrame


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame, and how much had been read when it came: a restart counts on from there."""

    frame: SampledFrame
    counts: ReadCounts


ReaderItem = Sample | CameraNotice


@dataclass(frozen=True, slots=True)
class Offered:
    """How much a stream has offered so far, dropped frames among it."""

    frames: int = 0
    media_time_s: float = 0.0  # of the last one, on the stream's own clock


class SampleQueue:
    """Frames and notices of one camera, in order.

    A file waits for room, so that nothing is lost however slow the flow is. A live stream cannot
    wait: its oldest frame is dropped and counted. Notices are never dropped.
    """

    def __init__(self, capacity: int, *, drops_oldest: bool) -> None:
        self._items: deque[ReaderItem] = deque()
        self._capacity = capacity
        self._drops_oldest = drops_oldest
        self._changed = threading.Condition()
        self._closed = False
        self.frames_dropped = 0
        self.offered = Offered()

    def put(self, item: ReaderItem) -> None:
        """Add one item; for a file, wait until there is room or the queue is closed."""
        with self._changed:
            if isinstance(item, Sample):
                media_time_s = item.frame.stamp.media_time_s
                self.offered = Offered(self.offered.frames + 1, media_time_s)
                self._make_room()
            if not self._closed:
                self._items.append(item)

    def _make_room(self) -> None:
        if not self._drops_oldest:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)
            return
        frames = [index for index, item in enumerate(self._items) if isinstance(item, Sample)]
        if len(frames) >= self._capacity:
            del self._items[frames[0]]
            self.frames_dropped += 1

    def drain(self, limit: int) -> list[ReaderItem]:
        """Take what is there, at most `limit` items, without waiting."""
        with self._changed:
            taken = [self._items.popleft() for _ in range(min(limit, len(self._items)))]
            if taken:
                self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Wake the reader for good; what it still wants to add is dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._items)
