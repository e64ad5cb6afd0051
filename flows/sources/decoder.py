"""Packets of opened footage, decoded: each frame with its media time, damage counted and skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

if TYPE_CHECKING:  # generic in PyAV's stubs only
    VideoPacket = Packet[Any]
else:
    VideoPacket = Packet

# where a stream says nothing of its rate
USUAL_FRAME_S = 0.04
USUAL_TIME_BASE = Fraction(1, 90_000)


class Decoder:
    """Reads one opened container from a media time on."""

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        on_packet: Callable[[VideoPacket], None],
        on_damage: Callable[[float | None], None],
    ) -> None:
        """Args:
        on_packet: called with each packet after it was decoded (muxing it empties it).
        on_damage: called with the media time (None: unknown) of each packet that was not decoded.
        """
        self._container = container
        self._stream = stream
        self._on_packet = on_packet
        self._on_damage = on_damage
        self.time_base = stream.time_base or USUAL_TIME_BASE
        self.frame_s = 1 / float(stream.average_rate) if stream.average_rate else USUAL_FRAME_S
        self._start_s = float((stream.start_time or 0) * self.time_base)

    def seek(self, from_s: float) -> None:
        """Go to the last key frame at or before that media time."""
        if from_s > 0:
            start = (self._stream.start_time or 0) + int(from_s / self.time_base)
            self._container.seek(start, stream=self._stream, backward=True)

    def frames(self) -> Iterator[tuple[float, VideoFrame]]:
        """(seconds since the footage's start, frame), in the order of showing."""
        media_time_s = -self.frame_s
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except (av.FFmpegError, ValueError):
                self._on_damage(self._packet_time_s(packet))
                frames = []
            for frame in frames:
                stamp_s = frame.time
                if stamp_s is None:
                    media_time_s += self.frame_s
                else:
                    media_time_s = stamp_s - self._start_s
                yield media_time_s, frame
            if packet.dts is not None:
                self._on_packet(packet)

    def _packet_time_s(self, packet: VideoPacket) -> float | None:
        if packet.pts is None:
            return None
        return float(packet.pts * self.time_base) - self._start_s
