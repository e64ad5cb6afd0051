"""Decode single frames of footage, and read, write and crop still pictures."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from av import VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from domain.errors import PutAside
from evidence_store.media.faults import MediaFault, first_line, media_faults
from evidence_store.media.packets import SEEK_BACK_S, media_zero, name_of, open_video
from evidence_store.media.presentation import PresentationOrder
from evidence_store.media.rotation import upright_rgb

JPEG_QUALITY = 95
# sightings are stamped to the microsecond; Matroska counts in milliseconds
TOLERANCE_S = Fraction(1, 1000)


def grab_frame(source: Path | BinaryIO, at_s: float) -> np.ndarray:
    """Decode the frame that is on screen at a moment: the last one stamped at or before it.

    `at_s` is media time in seconds, 0 at the stream's first timestamp. Returns (h, w, 3) uint8 RGB,
    upright: turned as its metadata says.

    Raises:
        PutAside: no such frame can be decoded; the message says what was there.
    """
    return grab_frame_and_time(source, at_s)[0]


def grab_frame_and_time(source: Path | BinaryIO, at_s: float) -> tuple[np.ndarray, float]:
    """Decode as `grab_frame` does, and return the frame's own media time too."""
    container, stream = open_video(source)
    with container:
        time_base, zero = stream.time_base or Fraction(1, 1000), media_zero(stream)
        at_ticks = zero + int((Fraction(at_s) + TOLERANCE_S) / time_base)
        starts = [max(zero, at_ticks - int(Fraction(back_s) / time_base)) for back_s in SEEK_BACK_S]
        # the last try begins well before the stream, because MPEG-TS seeks by decoding time
        frame = None
        for start in (*starts, zero - int(60 / time_base)):
            found, is_first = _last_frame(container, stream, start, at_ticks)
            frame = found or frame
            # a key frame may be shown later than it says, which only those before it tell
            if found is not None and not (is_first and _is_doubtful(found)):
                break
        if frame is not None and frame.pts is not None:
            return upright_rgb(frame), float((frame.pts - zero) * time_base)
    raise PutAside(
        f"{name_of(source)}: needs a frame at {at_s:.3f} s, none could be decoded up to there"
    )


def _is_doubtful(frame: VideoFrame) -> bool:
    """Tell whether the decoder gave it later than its time, as where a file's times are wrong."""
    return frame.dts is None or frame.pts is None or frame.dts > frame.pts


def _last_frame(
    container: InputContainer, stream: VideoStream, start: int, at_ticks: int
) -> tuple[VideoFrame | None, bool]:
    """Decode the last frame at or before `at_ticks`, from a key frame at or before `start`.

    Returns:
        The frame, None where there is none, and whether it is the first that was decoded.
    """
    last, count, order = None, 0, PresentationOrder(stream)
    # damaged: what was decoded before the damage may be the one; its time says so
    with suppress(MediaFault), media_faults():
        container.seek(start, stream=stream, backward=True)
        stream.codec_context.flush_buffers()
        for frame in container.decode(stream):
            if not order.place(frame) or frame.pts is None:
                continue
            if frame.pts > at_ticks:
                break
            last, count = frame, count + 1
    return last, count == 1


def encode_jpeg(image_rgb: np.ndarray, quality: int = JPEG_QUALITY) -> bytes:
    """Encode an (h, w, 3) uint8 RGB picture as a JPEG file; raises PutAside if it is none."""
    import cv2

    if image_rgb.ndim != 3 or image_rgb.shape[2] != 3 or image_rgb.dtype != np.uint8:
        raise PutAside(f"needs an (h, w, 3) uint8 picture, got {image_rgb.shape} {image_rgb.dtype}")
    ok, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not ok:
        raise PutAside(f"a picture of {image_rgb.shape} could not be written as JPEG")
    return data.tobytes()


def decode_picture(data: bytes, name: str) -> np.ndarray:
    """Read a picture file (JPEG, PNG, ...) to (h, w, 3) uint8 RGB; raises PutAside if it is none."""
    import cv2

    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PutAside(f"{name}: needs a picture, got {first_line(error)}") from error
    if image is None:
        raise PutAside(f"{name}: needs a picture (JPEG, PNG, ...), could not be decoded")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def crop_box(image_rgb: np.ndarray, box_xyxy: tuple[float, float, float, float]) -> np.ndarray:
    """Crop to the box's part of the picture, a pixel at least; raises PutAside if it has none."""
    height, width = image_rgb.shape[:2]
    left, top = max(0, int(box_xyxy[0])), max(0, int(box_xyxy[1]))
    right, bottom = min(width, int(np.ceil(box_xyxy[2]))), min(height, int(np.ceil(box_xyxy[3])))
    if right <= left or bottom <= top:
        raise PutAside(f"box {box_xyxy} lies outside the picture of {width} x {height} pixels")
    return np.ascontiguousarray(image_rgb[top:bottom, left:right])
