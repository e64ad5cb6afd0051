"""Outlets that a reader feeds beside the flow, if anybody wants them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from av.video.frame import VideoFrame

from domain.frames import FrameStamp
from flows.sources.media.decoder import VideoPacket


class PacketSink(Protocol):
    """Keeps a live camera's packets as they come (evidence_store's recorder)."""

    def write(
        self, packet: VideoPacket, captured_at: datetime, steady_at: datetime | None = None
    ) -> None:
        """Keep one packet, with its time by the wall's clock and the steady one; never raises for a full disk."""

    def cut(self, reason: str = "") -> None:
        """Close the segment: the stream starts anew; `reason` as for SegmentRecorder.cut."""


class TileSink(Protocol):
    """Shows the latest picture of each camera."""

    def show_frame(self, stamp: FrameStamp, frame: VideoFrame) -> None:
        """Take one frame that will be analysed; may skip it."""
