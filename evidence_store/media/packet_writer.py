"""Write compressed packets, unchanged, into a file that players can open."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Self

import av
from av.video.stream import VideoStream

from domain.errors import PutAside
from evidence_store.media.packets import StoredPacket, tells_showing

# MP4 plays everywhere; Matroska and AVI take codecs that MP4 has no name for (MS-MPEG4, VP8)
FORMATS = {".mp4": "mp4", ".mkv": "matroska", ".avi": "avi"}


class PacketWriter:
    """Write packets, unchanged, to MP4, or to Matroska or AVI where MP4 cannot hold the codec.

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
            str(target.absolute()), "w", format=FORMATS[suffix], container_options=options
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

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, packet: StoredPacket, shift: int) -> None:
        """Append one packet; `shift` ticks are added to its timestamps."""
        dts = packet.dts + shift
        # broken streams repeat or swap decoding times, which no container takes
        if self._last_dts is not None:
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
    """Choose the first of FORMATS that can hold the stream's codec; raises PutAside if none can.

    Pictures in another order than shown, of a file that does not tell it, stay in AVI, which asks for no
    times of showing: elsewhere they would have to be made up.
    """
    codec = stream.codec_context.name
    is_untold = stream.codec_context.has_b_frames and not tells_showing(stream)
    for suffix in reversed(FORMATS) if is_untold else FORMATS:
        if codec in _codecs_of(suffix):
            return suffix
    raise PutAside(f"no file format here holds {codec} video; have the camera send H.264")


@functools.cache
def _codecs_of(suffix: str) -> frozenset[str]:
    with av.open(os.devnull, "w", format=FORMATS[suffix]) as out:
        return frozenset(out.supported_codecs)
