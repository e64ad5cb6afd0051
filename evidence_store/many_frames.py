"""Several frames out of one clip: some from all over it, or those around a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
from av import VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from evidence_store.packets import media_zero, open_video
from evidence_store.upright import upright_rgb


def spread_frames(source: Path, wanted: int) -> Iterator[np.ndarray]:
    """Frames from all over a clip: its key frames, which cost little; else every so many.

    Args:
        wanted: about how many; all key frames come where there are fewer than twice that many.
    Yields:
        (h, w, 3) uint8 RGB, upright.
    Raises:
        PutAside: it is no video.
    """
    keys = _count_key_packets(source)
    container, stream = open_video(source)
    with container:
        if keys >= max(2, wanted // 3):
            stream.codec_context.skip_frame = "NONKEY"
            step = max(1, keys // wanted)
        else:
            step = max(1, (stream.frames or 0) // wanted)
        for number, frame in enumerate(_decode(container, stream)):
            if number % step == 0:
                yield upright_rgb(frame)


def frames_between(
    source: Path, from_s: float, to_s: float, step_s: float
) -> Iterator[tuple[float, np.ndarray]]:
    """Frames of a stretch of a clip, at least `step_s` apart.

    Args:
        from_s: media time in seconds, 0 at the stream's first timestamp; may lie before it.
    Yields:
        (media time, (h, w, 3) uint8 RGB, upright), in order; none where nothing can be decoded.
    Raises:
        PutAside: it is no video.
    """
    container, stream = open_video(source)
    with container:
        time_base, zero = stream.time_base or Fraction(1, 1000), media_zero(stream)
        with suppress(OSError, ValueError):
            target = zero + int(Fraction(max(0.0, from_s)) / time_base)
            container.seek(target, stream=stream, backward=True)
        next_s = from_s
        for frame in _decode(container, stream):
            if frame.pts is None:
                continue
            at_s = float((frame.pts - zero) * time_base)
            if at_s > to_s:
                return
            if at_s >= next_s - 1e-3:
                next_s = at_s + step_s
                yield at_s, upright_rgb(frame)


def _decode(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """What can be decoded; damage ends it."""
    with suppress(OSError, ValueError):
        yield from container.decode(stream)


def _count_key_packets(source: Path) -> int:
    container, stream = open_video(source)
    with container, suppress(OSError, ValueError):
        return sum(packet.is_keyframe for packet in container.demux(stream) if packet.size)
    return 0
