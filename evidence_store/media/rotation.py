"""Turn a decoded frame upright, as its metadata says and as the detector got it."""

from __future__ import annotations

import numpy as np
from av import VideoFrame

from evidence_store.media.faults import media_faults


def upright_rgb(frame: VideoFrame) -> np.ndarray:
    """Return a frame's upright pixels, (h, w, 3) uint8 RGB; boxes of sightings and tracks fit these.

    Cameras that hang sideways and telephones store the picture as the sensor has it, with a note to
    turn it: width and height are exchanged then.

    Raises:
        MediaFault: the pixels cannot be converted.
    """
    with media_faults():
        image: np.ndarray = frame.to_ndarray(format="rgb24")
    quarter_turns = round(frame.rotation / 90) % 4  # counter-clockwise, as the sampler counts them
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if quarter_turns else image
