"""Cut a clip out of footage without re-encoding: the camera's own bits, from a key frame on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from domain.errors import PutAside
from domain.files import put_in_place
from evidence_store.media.packet_stretch import read_stretch
from evidence_store.media.packet_writer import PacketWriter, suffix_for
from evidence_store.media.packets import StoredPacket, media_zero, open_video
from evidence_store.recordings.segment_files import SegmentFile


@dataclass(frozen=True, slots=True)
class SourceStretch:
    """Part of one file, and where it lies on the clip's own time line."""

    source: Path | SegmentFile
    from_s: float  # media time in the file, 0 at the stream's start; may lie before it
    to_s: float  # may lie behind the end
    begins_s: Fraction = Fraction(0)  # time-line position of the file's media time 0
    absolute: bool = False  # media time is the file's own timestamps, not counted from its start
    continues: bool = False  # the stretch before ends where this one begins, in the same stream


@dataclass(frozen=True, slots=True)
class CutClip:
    """A clip that was cut; its times are on the time line (for one file: its media time)."""

    path: Path  # .mp4, or .mkv or .avi where MP4 cannot hold the codec
    from_s: float  # of the first picture: at or before what was asked for, by up to a key interval
    to_s: float  # end of the last picture
    packets: int

    @property
    def duration_s(self) -> float:
        """Playing time in seconds."""
        return self.to_s - self.from_s


def join_clip(stretches: Sequence[SourceStretch], target: Path) -> CutClip:
    """Cut stretches of files that follow each other and join them to one clip.

    The files should come from one stream (same codec and parameters), in order of time. The clip starts
    at the last key frame at or before its begin and holds the video only, no sound; its ending is
    changed to .mkv or .avi where MP4 cannot hold the codec.

    Raises:
        PutAside: one of them is no video, or none holds a picture of its stretch.
        OSError: the target cannot be written; nothing is left behind.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        suffix, span = _write(stretches, temporary)
        final = target.with_suffix(suffix)
        put_in_place(temporary, final)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, FFmpegError) and not isinstance(
            error, OSError
        ):  # not the disk's fault
            raise PutAside(f"{target.name}: the footage cannot be copied: {error}") from error
        raise
    return CutClip(final, float(span.from_s), float(span.to_s), span.packets)


def _write(stretches: Sequence[SourceStretch], temporary: Path) -> tuple[str, _Span]:
    """Write the clip; return its proper file ending and its span."""
    writer: PacketWriter | None = None
    span = _Span()
    suffix = ".mp4"
    try:
        for stretch in stretches:
            with _opened(stretch.source) as (container, stream):
                zero = 0 if stretch.absolute else media_zero(stream)
                for packet in read_stretch(
                    container,
                    stream,
                    stretch.from_s,
                    stretch.to_s,
                    continues=stretch.continues,
                    absolute=stretch.absolute,
                ):
                    if writer is None:
                        suffix = suffix_for(stream)
                        writer = PacketWriter(temporary, stream)
                    # ticks that put this file on the time line, whose zero becomes the clip's start
                    offset = round(stretch.begins_s / packet.time_base) - zero
                    span.add(packet, offset)
                    writer.write(packet, offset - round(span.from_s / packet.time_base))
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        asked = ", ".join(
            f"{_name(part.source)} {part.from_s:.3f}-{part.to_s:.3f} s" for part in stretches
        )
        raise PutAside(
            f"no picture could be read from {asked or 'nothing'}; is the footage shorter?"
        )
    return suffix, span


@contextmanager
def _opened(source: Path | SegmentFile) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a source's video; a recorded segment may be encrypted."""
    with ExitStack() as stack:
        try:
            file = source if isinstance(source, Path) else stack.enter_context(source.open())
        except FileNotFoundError as error:
            raise PutAside(f"{_name(source)}: is gone") from error
        container, stream = open_video(file)
        with container:
            yield container, stream


def _name(source: Path | SegmentFile) -> Path:
    return source if isinstance(source, Path) else source.path


class _Span:
    """First and last moment of the pictures added."""

    def __init__(self) -> None:
        self.from_s = Fraction(0)
        self.to_s = Fraction(0)
        self.packets = 0

    def add(self, packet: StoredPacket, offset: int) -> None:
        at_s = (packet.pts + offset) * packet.time_base
        if self.packets == 0:
            self.from_s = self.to_s = at_s
        self.packets += 1
        self.to_s = max(self.to_s, at_s + packet.duration * packet.time_base)
