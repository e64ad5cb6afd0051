"""A copy of a clip with every picture changed: decoded, handed out, encoded as H.264 with its times."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from domain.errors import PutAside
from evidence_store.packets import media_zero, open_video
from evidence_store.upright import upright_rgb

# a masked copy is for looking at; the original keeps every pixel
LARGEST_WIDTH_PX = 1280
OPTIONS = {"preset": "veryfast", "crf": "27", "bf": "0", "threads": "1"}
KEY_EVERY_S = 2.0

# (media time in seconds, (h, w, 3) uint8 RGB, upright) -> the picture to show instead, the same size
Change = Callable[[float, np.ndarray], np.ndarray]


def encode_changed(source: Path, target: Path, change: Change) -> int:
    """Write the copy, upright; each picture keeps its time stamp. No sound.

    Args:
        target: should end in .mp4.
        change: called for each picture in order; what it raises is raised.
    Returns:
        how many pictures were written; a damaged end is left out.
    Raises:
        PutAside: nothing could be decoded.
        OSError: the target cannot be written.
    """
    container, stream = open_video(source)
    written = 0
    with container, av.open(str(target), "w", options={"movflags": "faststart"}) as out:
        stream.thread_type = "AUTO"
        time_base, zero = stream.time_base or Fraction(1, 1000), media_zero(stream)
        into: VideoStream | None = None
        last_pts = -1
        frames = container.decode(stream)
        while True:
            frame = None
            with suppress(OSError, ValueError, StopIteration):
                frame = next(frames)
            if frame is None:
                break
            if frame.pts is None or frame.pts - zero <= last_pts:
                continue
            last_pts = frame.pts - zero
            shown = change(float(last_pts * time_base), upright_rgb(frame))
            shown = _fitted(shown)
            if into is None:
                into = _stream_for(out, shown, time_base, stream)
            picture = av.VideoFrame.from_ndarray(shown, format="rgb24")
            picture.pts, picture.time_base = last_pts, time_base
            out.mux(into.encode(picture))
            written += 1
        if into is None:
            raise PutAside(f"{source.name}: none of its pictures can be decoded")
        out.mux(into.encode(None))
    return written


def _stream_for(
    out: av.container.OutputContainer,
    shown: np.ndarray,
    time_base: Fraction,
    source: VideoStream,
) -> VideoStream:
    rate = source.average_rate or Fraction(25)
    into = out.add_stream("libx264", rate=rate, options=dict(OPTIONS))
    assert isinstance(into, VideoStream)
    into.height, into.width = shown.shape[:2]
    into.pix_fmt = "yuv420p"
    into.codec_context.time_base = time_base
    into.codec_context.gop_size = max(1, round(KEY_EVERY_S * float(rate)))
    return into


def _fitted(image: np.ndarray) -> np.ndarray:
    """No wider than allowed, and even on both sides, as H.264 wants it."""
    height, width = image.shape[:2]
    share = min(1.0, LARGEST_WIDTH_PX / width)
    size = (max(2, int(share * width) // 2 * 2), max(2, int(share * height) // 2 * 2))
    if size == (width, height):
        return np.ascontiguousarray(image)
    resized: np.ndarray = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return resized
