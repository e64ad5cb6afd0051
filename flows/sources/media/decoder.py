"""Decode opened footage: each frame with its media time; damage is counted and skipped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

from av.container import InputContainer
from av.format import Flags
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from evidence_store.media.faults import MediaFault, media_faults
from evidence_store.media.presentation import PresentationOrder

if TYPE_CHECKING:  # generic in PyAV's stubs only
    VideoPacket = Packet[Any]
else:
    VideoPacket = Packet

# a number, whatever PyAV's stubs say
NO_TIMESTAMPS = cast("int", Flags.no_timestamps.value)
# where a stream says nothing of its rate
USUAL_FRAME_S = 0.04
USUAL_TIME_BASE = Fraction(1, 90_000)
# three centuries: a frame's time beyond that is damage, and no clock could hold it
LONGEST_S = 1e10


class Decoder:
    """Reads one opened container from a media time on."""

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        on_packet: Callable[[VideoPacket], None],
        on_damage: Callable[[float | None], None],
        mark: AbstractContextManager[object] | None = None,
        on_other: Callable[[float], None] | None = None,
    ) -> None:
        """Take a container that the caller opened and closes; nothing is read yet.

        `on_packet` is called with each packet after it was decoded (muxing it empties it), `on_damage`
        with the media time (None: unknown) of each packet that was not decoded; `mark` is entered
        around each call that decodes. `on_other`, of live streams, is called with each packet of sound
        and the like, and how long no video came, in seconds; their pictures get the time at which they
        come where the format has none (MJPEG).
        """
        self._mark = mark or nullcontext()
        self._container = container
        self._stream = stream
        self._on_packet = on_packet
        self._on_damage = on_damage
        self._on_other = on_other
        self._is_untimed = on_other is not None and bool(container.format.flags & NO_TIMESTAMPS)
        self.time_base = USUAL_TIME_BASE
        if stream.time_base and not self._is_untimed:
            self.time_base = stream.time_base
        self.frame_s = 1 / float(stream.average_rate) if stream.average_rate else USUAL_FRAME_S
        self._start_s = float((stream.start_time or 0) * self.time_base)

    def seek(self, from_s: float) -> None:
        """Go to the last key frame at or before that media time."""
        if from_s > 0:
            start = (self._stream.start_time or 0) + int(from_s / self.time_base)
            self._container.seek(start, stream=self._stream, backward=True)

    def frames(self) -> Iterator[tuple[float, VideoFrame]]:
        """Yield (seconds since the footage's start, frame); of a file each later than the one before.

        What a file has behind a jump back of its own clock counts as damaged: nobody could say when it
        was. A live stream's frames follow its clock.
        """
        order = PresentationOrder(self._stream, may_jump=self._on_other is not None)
        for packet in self._packets():
            try:
                with media_faults(), self._mark:
                    frames = packet.decode()
            except MediaFault:
                self._on_damage(self._packet_time_s(packet))
                frames = []
            for frame in frames:
                is_in_time = frame.time is None or abs(frame.time - self._start_s) < LONGEST_S
                if not is_in_time or not order.place(frame) or frame.time is None:
                    self._on_damage(None)
                    continue
                yield frame.time - self._start_s, frame
            if packet.dts is not None:
                self._on_packet(packet)

    def _packets(self) -> Iterator[VideoPacket]:
        """Yield the video's packets.

        Reading the video alone, PyAV would wait for it in one call for as long as there is sound: no
        timeout ends that, for sound is no silence.
        """
        if self._on_other is None:
            yield from self._container.demux(self._stream)
            return
        began_s = last_s = time.monotonic()
        for packet in self._container.demux():
            if packet.stream is self._stream:
                if self._is_untimed and packet.size:
                    self._stamp(packet, time.monotonic() - began_s)
                yield packet
                last_s = time.monotonic()
            else:
                self._on_other(time.monotonic() - last_s)

    def _stamp(self, packet: VideoPacket, arrived_s: float) -> None:
        """Give a picture the time at which it came; FFmpeg would count 25 a second, whatever comes."""
        self._start_s = 0.0
        packet.time_base = self.time_base
        packet.pts = packet.dts = round(arrived_s / self.time_base)
        packet.duration = 0  # not known

    def _packet_time_s(self, packet: VideoPacket) -> float | None:
        if packet.pts is None:
            return None
        return float(packet.pts * self.time_base) - self._start_s
