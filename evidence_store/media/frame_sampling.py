"""Decode several frames of one clip: some from all over it, or those around a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
from av import VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from evidence_store.media.faults import MediaFault, media_faults
from evidence_store.media.packets import media_zero, open_video
from evidence_store.media.presentation import PresentationOrder
from evidence_store.media.rotation import upright_rgb


def spread_frames(source: Path, count: int) -> Iterator[np.ndarray]:
    """Yield about `count` frames, upright (h, w, 3) uint8 RGB, from all over a clip.

    Key frames cost little: they are taken, all of them where there are fewer than twice `count`,
    unless there are too few; then every so many of all frames.

    Raises:
        PutAside: it is no video.
    """
    keys = _count_key_packets(source)
    container, stream = open_video(source)
    with container:
        if keys >= max(2, count // 3):
            stream.codec_context.skip_frame = "NONKEY"
            step = max(1, keys // count)
        else:
            step = max(1, (stream.frames or 0) // count)
        for number, frame in enumerate(_decode(container, stream)):
            if number % step == 0:
                yield upright_rgb(frame)


def frames_between(
    source: Path, from_s: float, to_s: float, step_s: float
) -> Iterator[tuple[float, np.ndarray]]:
    """Yield frames of a stretch of a clip, in order, at least `step_s` apart, as far as it decodes.

    The stretch is in media time, seconds, 0 at the stream's first timestamp; it may begin before it.
    A frame is its media time and upright (h, w, 3) uint8 RGB.

    Raises:
        PutAside: it is no video.
    """
    container, stream = open_video(source)
    with container:
        time_base, zero = stream.time_base or Fraction(1, 1000), media_zero(stream)
        with suppress(MediaFault), media_faults():
            target = zero + int(Fraction(max(0.0, from_s)) / time_base)
            container.seek(target, stream=stream, backward=True)
        next_s, order = from_s, PresentationOrder(stream)
        for frame in _decode(container, stream):
            if not order.place(frame) or frame.pts is None:
                continue
            at_s = float((frame.pts - zero) * time_base)
            if at_s > to_s:
                return
            if at_s >= next_s - 1e-3:
                next_s = at_s + step_s
                yield at_s, upright_rgb(frame)


def _decode(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Decode frames up to the end, or up to damage."""
    with suppress(MediaFault), media_faults():
        yield from container.decode(stream)


def _count_key_packets(source: Path) -> int:
    container, stream = open_video(source)
    with container, suppress(MediaFault), media_faults():
        return sum(packet.is_keyframe for packet in container.demux(stream) if packet.size)
    return 0
