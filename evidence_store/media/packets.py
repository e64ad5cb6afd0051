"""Read the compressed packets of a video file, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, cast

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from domain.errors import PutAside
from evidence_store.media.faults import MediaFault, media_faults
from evidence_store.media.input_options import input_options

# "not coded" frames of packed MPEG-4 are a byte or so long and flagged as key frames
MIN_KEY_FRAME_BYTES = 9
# pictures that a codec may put in another order
MAX_REORDERED = 16
# how much earlier to look when an index is wrong and a seek lands behind the key frame
SEEK_BACK_S = (0.0, 5.0, 30.0)


@dataclass(frozen=True, slots=True)
class StoredPacket:
    """One compressed picture (or field), as the file holds it; packets come in decoding order."""

    payload: bytes
    pts: int  # counted in time_base
    dts: int
    duration: int  # 0: not known
    time_base: Fraction
    is_key: bool


def open_video(source: Path | BinaryIO) -> tuple[InputContainer, VideoStream]:
    """Open the first video stream of a file, or of an open one, which is read from its start.

    Raises:
        PutAside: the file is missing, or no video.
    """
    path = name_of(source)
    try:
        with media_faults(opens=True):
            if not isinstance(source, Path):
                source.seek(0)
            opened = str(source.absolute()) if isinstance(source, Path) else source
            container = av.open(opened, "r", options=input_options(), metadata_errors="replace")
    except MediaFault as error:
        raise PutAside(f"{path}: needs a video that can be read, got {error}") from error
    stream = decodable_video(container)
    if stream is None:
        found = "only one of an unknown codec" if container.streams.video else "none"
        container.close()
        raise PutAside(f"{path}: needs a video stream, found {found}")
    return container, stream


def decodable_video(container: InputContainer) -> VideoStream | None:
    """Return the first video stream whose codec is known, made ready to decode in one thread."""
    for stream in container.streams.video:
        # None where FFmpeg has no decoder for it, whatever PyAV's stubs say
        if cast("object", stream.codec_context) is not None:
            # one thread a camera: many cameras share the cores, and frame threads only add delay
            stream.thread_type = "NONE"
            return stream
    return None


def name_of(source: Path | BinaryIO) -> str:
    """Return a file's name for messages, also of one that is open already."""
    return str(source if isinstance(source, Path) else getattr(source, "name", "footage"))


def tells_showing(stream: VideoStream) -> bool:
    """Tell whether a file says when its pictures are shown; AVI only says when they are decoded.

    So does Matroska made of AVI: it names the codec by AVI's four letters.
    """
    kinds = stream.container.format.name.split(",")
    is_from_avi = "matroska" in kinds and stream.codec_context.codec_tag.strip("\0 ") != ""
    return "avi" not in kinds and not is_from_avi


def media_zero(stream: VideoStream) -> int:
    """Return a stream's first timestamp, in its own ticks: media time counts from it."""
    return stream.start_time or 0


def read_packets(container: InputContainer, stream: VideoStream) -> Iterator[StoredPacket]:
    """Read packets from where the container stands; a damaged end ends the iteration."""
    last_dts: int | None = None
    # what can be read has been read; callers see where it ends
    with suppress(MediaFault), media_faults():
        for packet in container.demux(stream):
            if packet.size == 0 or stream.time_base is None:
                continue
            stored = copy_packet(packet, stream.time_base, last_dts)
            last_dts = stored.dts
            yield stored


def copy_packet(packet: av.Packet[Any], time_base: Fraction, last_dts: int | None) -> StoredPacket:
    """Copy a demuxed packet's content; muxing the packet itself would leave its owner an empty one.

    Where the file does not say when it is shown, FFmpeg's guess is left out. `last_dts` is the decoding
    time of the packet before, None for the first.
    """
    pts, dts = packet.pts, packet.dts
    if dts is None:
        # the first pictures of a Matroska file with B-frames: below the first known decoding time
        dts = last_dts + 1 if last_dts is not None else (pts or 0) - MAX_REORDERED
    return StoredPacket(
        payload=bytes(packet),
        pts=pts if pts is not None and tells_showing(packet.stream) else dts,
        dts=dts,
        duration=packet.duration or 0,
        time_base=time_base,
        is_key=packet.is_keyframe and packet.size >= MIN_KEY_FRAME_BYTES,
    )
