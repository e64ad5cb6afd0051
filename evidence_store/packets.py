"""Compressed packets of one file, read as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from domain.errors import PutAside

# "not coded" frames of packed MPEG-4 are a byte or so long and flagged as key frames
MIN_KEY_FRAME_BYTES = 9
# pictures that a codec may put in another order
MAX_REORDERED = 16
# how much earlier to look when an index is wrong and a seek lands behind the key frame
SEEK_BACK_S = (0.0, 5.0, 30.0)


@dataclass(frozen=True, slots=True)
class StoredPacket:
    """One compressed picture (or field), as the file holds it, in decoding order."""

    payload: bytes
    pts: int  # counted in time_base
    dts: int
    duration: int  # 0: not known
    time_base: Fraction
    is_key: bool


def open_video(source: Path | BinaryIO) -> tuple[InputContainer, VideoStream]:
    """Open the first video stream of a file, or of what is open already (it is read from its start).

    Raises:
        PutAside: the file is missing, or no video.
    """
    path = name_of(source)
    try:
        if not isinstance(source, Path):
            source.seek(0)
        opened = str(source.absolute()) if isinstance(source, Path) else source
        container = av.open(opened, "r", metadata_errors="replace")
    except (OSError, ValueError) as error:  # av.FFmpegError is one of the two
        raise PutAside(
            f"{path}: needs a video that can be read, got {first_line(error)}"
        ) from error
    if not container.streams.video:
        container.close()
        raise PutAside(f"{path}: needs a video stream, found none")
    stream = container.streams.video[0]
    stream.thread_type = "NONE"
    return container, stream


def name_of(source: Path | BinaryIO) -> str:
    """What messages call a file, also one that is open already."""
    return str(source if isinstance(source, Path) else getattr(source, "name", "footage"))


def media_zero(stream: VideoStream) -> int:
    """The stream's first timestamp, in its own ticks: media time counts from it."""
    return stream.start_time or 0


def read_packets(container: InputContainer, stream: VideoStream) -> Iterator[StoredPacket]:
    """Packets from where the container stands; a damaged end ends the iteration."""
    last_dts: int | None = None
    try:
        for packet in container.demux(stream):
            if packet.size == 0 or stream.time_base is None:
                continue
            stored = copy_packet(packet, stream.time_base, last_dts)
            last_dts = stored.dts
            yield stored
    except (OSError, ValueError):  # what can be read has been read; callers see where it ends
        return


def copy_packet(packet: av.Packet[Any], time_base: Fraction, last_dts: int | None) -> StoredPacket:
    """A demuxed packet's content; muxing the packet itself would leave its owner an empty one.

    Args:
        last_dts: of the packet before, None for the first.
    """
    pts, dts = packet.pts, packet.dts
    if dts is None:
        # the first pictures of a Matroska file with B-frames: below the first known decoding time
        dts = last_dts + 1 if last_dts is not None else (pts or 0) - MAX_REORDERED
    return StoredPacket(
        payload=bytes(packet),
        pts=dts if pts is None else pts,
        dts=dts,
        duration=packet.duration or 0,
        time_base=time_base,
        is_key=packet.is_keyframe and packet.size >= MIN_KEY_FRAME_BYTES,
    )


def first_line(error: Exception) -> str:
    """An exception in few words."""
    text = str(getattr(error, "strerror", None) or error)
    return text.splitlines()[0] if text else type(error).__name__
