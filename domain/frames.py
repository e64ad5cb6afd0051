"""Which frame, and the pixels that the detector looks at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

import numpy as np


@dataclass(frozen=True, slots=True)
class FrameStamp:
    """Which frame: enough to find it again in the recording."""

    camera_id: str
    pts: int  # presentation timestamp, counted in time_base
    time_base: Fraction  # seconds per pts unit
    media_time_s: float  # seconds since the start of the footage that the frame came from
    captured_at: datetime  # UTC; event time: all dwell and ladder times are counted on it
    width_px: int  # of the decoded frame
    height_px: int


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class CloseLook:
    """A part of a frame, shrunk to what the detector takes."""

    left_px: int  # of the decoded frame
    top_px: int
    width_px: int
    height_px: int
    image_rgb: np.ndarray  # (300, 300, 3) uint8


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class SampledFrame:
    """One frame, shrunk to what the detector takes. Lives and dies on the worker that read it."""

    stamp: FrameStamp
    image_rgb: np.ndarray  # (300, 300, 3) uint8, the whole picture squeezed to the model's square
    close_looks: tuple[CloseLook, ...] = ()  # what the detector is shown instead, if any
