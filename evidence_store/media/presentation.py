"""Put decoded pictures in the order of showing: each is shown later than the one before.

AVI tells when a packet is decoded. That is no time of showing where pictures refer to later ones
(B-frames): what FFmpeg guesses makes every third picture of packed XviD go back in time, and converters
wrote such guesses into other files. The decoder gives pictures in the order of showing whatever the file
says, and the packet that it took last before it gave one tells when.
"""

from __future__ import annotations

from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from evidence_store.media.packets import MAX_REORDERED, tells_showing

# where a stream says nothing of its rate
USUAL_FPS = 25
# a picture is not decoded earlier than this before it is shown: what says so is damaged
LONGEST_LEAD_S = 10.0


class PresentationOrder:
    """Sees the pictures of one stream as its decoder gives them, in one thread, from wherever it began."""

    def __init__(self, stream: VideoStream, *, may_jump: bool = False) -> None:
        """Begin; `may_jump`: a live stream's clock may be set back, and its pictures follow it."""
        self._may_jump = may_jump
        self._is_told = tells_showing(stream)
        self._last: int | None = None
        self._zero = stream.start_time or 0
        tick_s = float(stream.time_base or 1)
        self._step = max(1, round(1 / float(stream.average_rate or USUAL_FPS) / tick_s))
        self._reach = MAX_REORDERED * self._step
        self._longest_lead = max(LONGEST_LEAD_S / tick_s, self._reach)

    def place(self, frame: VideoFrame) -> bool:
        """Give a picture a `pts` behind the last one's; False: its time goes back for good."""
        pts = self._pts_of(frame)
        if pts is None:
            return False
        if self._last is not None and pts > self._last:
            self._step = pts - self._last
        frame.pts = self._last = pts
        return True

    def _pts_of(self, frame: VideoFrame) -> int | None:
        # FFmpeg's `dts` of a frame is that of the packet which the decoder took last
        taken, told = frame.dts, frame.pts if self._is_told else None
        if told is not None and taken is not None and told - taken > self._longest_lead:
            told = None
        if told is None:
            told = taken
        if self._last is None:
            return next((each for each in (told, frame.pts) if each is not None), self._zero)
        if told is None:  # the packets are at an end: the decoder gives what it still had
            return self._last + self._step
        if told > self._last:
            return told
        if taken is not None and taken > self._last:
            return taken
        if self._last - told > self._reach:
            return told if self._may_jump else None
        return self._last + (1 if taken is not None else self._step)
