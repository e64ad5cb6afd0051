"""A decoded frame as people see it: turned as its metadata says, the way the detector got it."""

from __future__ import annotations

import numpy as np
from av import VideoFrame


def upright_rgb(frame: VideoFrame) -> np.ndarray:
    """Pixels of a frame, turned upright; boxes of sightings and tracks are of this picture.

    Args:
        frame: as decoded. Cameras that hang sideways and telephones store the picture as the sensor
            has it, with a note to turn it.
    Returns:
        (h, w, 3) uint8 RGB; width and height are exchanged where it was stored lying on its side.
    """
    image: np.ndarray = frame.to_ndarray(format="rgb24")
    quarter_turns = round(frame.rotation / 90) % 4  # counter-clockwise, as the sampler counts them
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if quarter_turns else image
