"""Re-encode a clip with every picture changed, as H.264 with the same times."""

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
from evidence_store.media.faults import MediaFault, media_faults
from evidence_store.media.packets import media_zero, open_video
from evidence_store.media.presentation import PresentationOrder
from evidence_store.media.rotation import upright_rgb

# a masked copy is for looking at; the original keeps every pixel
LARGEST_WIDTH_PX = 1280
OPTIONS = {"preset": "veryfast", "crf": "27", "bf": "0", "threads": "1"}
KEY_EVERY_S = 2.0

# (media time in seconds, (h, w, 3) uint8 RGB, upright) -> the picture to show instead, the same size
Change = Callable[[float, np.ndarray], np.ndarray]


def encode_changed(source: Path, target: Path, change: Change) -> int:
    """Write a changed copy of a clip, upright and without sound; each picture keeps its time stamp.

    The target should end in .mp4. `change` is called for each picture in order; what it raises is
    raised. Returns how many pictures were written; a damaged end is left out.

    Raises:
        PutAside: nothing could be decoded.
        OSError: the target cannot be written.
    """
    container, stream = open_video(source)
    written = 0
    with container, av.open(str(target), "w", options={"movflags": "faststart"}) as out:
        # frame threads would lose which packet gave which picture
        stream.thread_type = "SLICE"
        time_base, zero = stream.time_base or Fraction(1, 1000), media_zero(stream)
        into: VideoStream | None = None
        order = PresentationOrder(stream)
        frames = container.decode(stream)
        while True:
            frame = None
            with suppress(MediaFault), media_faults():
                frame = next(frames, None)
            if frame is None:
                break
            if not order.place(frame) or frame.pts is None or frame.pts < zero:
                continue
            pts = frame.pts - zero
            shown = _fitted(change(float(pts * time_base), upright_rgb(frame)))
            if into is None:
                into = _stream_for(out, shown, time_base, stream)
            picture = av.VideoFrame.from_ndarray(shown, format="rgb24")
            picture.pts, picture.time_base = pts, time_base
            out.mux(into.encode(picture))
            written += 1
        if into is None:
            raise PutAside(f"{source.name}: none of its pictures can be decoded")
        out.mux(into.encode(None))
    return written


def _stream_for(
    out: av.container.OutputContainer, shown: np.ndarray, time_base: Fraction, source: VideoStream
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
    """Shrink a picture to the allowed width, and to even sides, as H.264 needs them."""
    height, width = image.shape[:2]
    share = min(1.0, LARGEST_WIDTH_PX / width)
    size = (max(2, int(share * width) // 2 * 2), max(2, int(share * height) // 2 * 2))
    if size == (width, height):
        return np.ascontiguousarray(image)
    resized: np.ndarray = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return resized
