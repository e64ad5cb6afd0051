"""Compressed packets of one file: read a stretch of them, write them unchanged."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

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
# MP4 plays everywhere; Matroska and AVI take codecs that MP4 has no name for (MS-MPEG4, VP8)
FORMATS = {".mp4": "mp4", ".mkv": "matroska", ".avi": "avi"}


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


def read_stretch(
    container: InputContainer,
    stream: VideoStream,
    from_s: float,
    to_s: float,
    *,
    continues: bool = False,
    absolute: bool = False,
) -> Iterator[StoredPacket]:
    """Packets that a player needs to show from_s .. to_s, and no more.

    Starts at the last key frame at or before from_s (the first one, where there is none before).
    Ends with the last picture shown at or before to_s; pictures after it that it refers to are
    kept, and then also those shown before them, so that the stretch ends without holes.

    Args:
        from_s: media time in seconds, 0 at the stream's start.
        to_s: the same; pictures at exactly to_s belong to the stretch.
        continues: the pictures before are kept too, in another file; then pictures shown before
            the first key frame, which refer to those, are kept. Else nothing could decode them.
        absolute: media time is the file's own timestamps, not counted from its start.
    """
    time_base = stream.time_base or Fraction(1, 1000)
    zero = 0 if absolute else media_zero(stream)
    # half a millisecond: sightings are stamped to the microsecond, files may count in milliseconds
    from_ticks = zero + int((Fraction(from_s) + Fraction(1, 2000)) / time_base)
    to_ticks = zero + int((Fraction(to_s) + Fraction(1, 2000)) / time_base)
    packets = _from_key_frame(container, stream, from_ticks)
    if not continues:
        packets = _without_leading(packets)
    return _until(packets, to_ticks)


def _from_key_frame(
    container: InputContainer, stream: VideoStream, from_ticks: int
) -> Iterator[StoredPacket]:
    time_base = stream.time_base or Fraction(1, 1000)
    zero = media_zero(stream)
    for back_s in SEEK_BACK_S:
        target = max(zero, from_ticks - int(Fraction(back_s) / time_base))
        if not _seek(container, stream, target):
            continue
        packets = read_packets(container, stream)
        first = next((packet for packet in packets if packet.is_key), None)
        if first is not None and first.pts <= from_ticks:
            return _from_last_key(first, packets, from_ticks)
        if target == zero:
            break
    # MPEG-TS seeks by decoding time, which lies before the first picture's: aim well before it
    if not _seek(container, stream, zero - int(60 / time_base)):
        _seek(container, stream, zero)
    packets = read_packets(container, stream)
    first = next((packet for packet in packets if packet.is_key), None)
    return iter(()) if first is None else _from_last_key(first, packets, from_ticks)


def _seek(container: InputContainer, stream: VideoStream, ticks: int) -> bool:
    try:
        container.seek(ticks, stream=stream, backward=True)
    except (OSError, ValueError):
        return False
    return True


def _from_last_key(
    first: StoredPacket, packets: Iterator[StoredPacket], from_ticks: int
) -> Iterator[StoredPacket]:
    """Drop groups of pictures that end before from_ticks; holds one group at most."""
    group = [first]
    for packet in packets:
        if packet.is_key and packet.pts <= from_ticks:
            group = [packet]
        else:
            group.append(packet)
        if packet.dts > from_ticks:
            break
    yield from group
    yield from packets


def _without_leading(packets: Iterator[StoredPacket]) -> Iterator[StoredPacket]:
    """Drop pictures shown before the first one: an open group's, which refer to what was cut off."""
    first: StoredPacket | None = None
    for packet in packets:
        first = first or packet
        if packet.pts >= first.pts:
            yield packet


def _until(packets: Iterator[StoredPacket], to_ticks: int) -> Iterator[StoredPacket]:
    held: list[StoredPacket] = []  # shown after the end: kept only if a wanted picture follows
    is_first = True
    for packet in packets:
        if is_first and packet.pts > to_ticks:
            return
        is_first = False
        if packet.dts > to_ticks:
            return
        if packet.pts > to_ticks:
            held.append(packet)
            continue
        if held:
            to_ticks = max(to_ticks, *(each.pts for each in held))
            yield from held
            held = []
        yield packet


class PacketWriter:
    """Writes packets, unchanged, to MP4, or to Matroska or AVI where that cannot hold the codec.

    MP4 stores H.264 and HEVC pictures with lengths in front, not start codes; pictures that come
    with start codes (MPEG-TS, RTSP) are re-framed by the muxer, their coded bytes stay.
    """

    def __init__(self, target: Path, template: VideoStream, *, fragmented: bool = False) -> None:
        """Open the target; `target` should end as `suffix_for` says."""
        suffix = suffix_for(template)
        is_mp4 = suffix == ".mp4"
        options = {"fflags": "+bitexact"}  # no clock, no version: the same cut is the same bytes
        if is_mp4 and fragmented:
            options["movflags"] = "frag_keyframe+empty_moov+default_base_moof"
            options["frag_duration"] = "1000000"  # microseconds: what a crash may lose
        elif is_mp4:
            options["movflags"] = "faststart"
        if fragmented:
            options["flush_packets"] = "1"
        self._out = av.open(
            str(target.absolute()),
            "w",
            format=FORMATS[suffix],
            container_options=options,
        )
        try:
            self._stream = self._out.add_stream_from_template(template)
        except Exception:
            self._out.close()
            raise
        self._last_dts: int | None = None
        self.packets = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, packet: StoredPacket, shift: int) -> None:
        """Append one packet; `shift` ticks are added to its timestamps."""
        dts = packet.dts + shift
        if self._last_dts is not None:  # broken streams repeat or swap dts; no container takes that
            dts = max(dts, self._last_dts + 1)
        self._last_dts = dts
        copy = av.Packet(packet.payload)
        copy.dts, copy.pts = dts, max(packet.pts + shift, dts)
        copy.duration = packet.duration
        copy.time_base = packet.time_base
        copy.is_keyframe = packet.is_key
        copy.stream = self._stream
        self._out.mux(copy)
        self.packets += 1

    def close(self) -> None:
        """Finish the file."""
        self._out.close()


def suffix_for(stream: VideoStream) -> str:
    """File ending for a stream's packets: the first of FORMATS that can hold its codec.

    Raises:
        PutAside: none can.
    """
    codec = stream.codec_context.name
    for suffix in FORMATS:
        if codec in _codecs_of(suffix):
            return suffix
    raise PutAside(f"no file format here holds {codec} video; have the camera send H.264")


@functools.cache
def _codecs_of(suffix: str) -> frozenset[str]:
    with av.open(os.devnull, "w", format=FORMATS[suffix]) as out:
        return frozenset(out.supported_codecs)


def first_line(error: Exception) -> str:
    """An exception in few words."""
    text = str(getattr(error, "strerror", None) or error)
    return text.splitlines()[0] if text else type(error).__name__
