"""Frames: which one it is, and the pixels that the detector looks at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np


@dataclass(frozen=True, slots=True)
class FrameStamp:
    """Identify a frame: enough to find it again in the recording."""

    camera_id: str
    pts: int  # presentation timestamp, counted in time_base
    time_base: Fraction  # seconds per pts unit
    media_time_s: float  # seconds since the start of the footage that the frame came from
    # UTC; event time: all dwell and ladder times are counted on it. Of a live camera by the steady
    # clock, which nobody sets
    captured_at: datetime
    width_px: int  # of the decoded frame
    height_px: int
    # seconds that the machine's clock was ahead of captured_at then: 0 unless it was set
    wall_ahead_s: float = 0.0
    # of the reader: its frames are in order, those of another run are not earlier or later. "": a
    # recording, whose frames are read again after a restart
    run: str = ""
    # version of the detector that saw it, such as "person-vehicle-bike=0123456789ab"; "": the usual one
    seen_by: str = ""

    @property
    def wall_at(self) -> datetime:
        """Return what the wall's clock said then: for hours, dates and people."""
        ahead_s = self.wall_ahead_s
        return self.captured_at + timedelta(seconds=ahead_s) if ahead_s else self.captured_at


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class CloseLook:
    """Hold a part of a frame, shrunk to what the detector takes."""

    left_px: int  # of the decoded frame
    top_px: int
    width_px: int
    height_px: int
    image_rgb: np.ndarray  # (side, side, 3) uint8, as large as the camera's detector takes


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class SampledFrame:
    """Hold one frame, shrunk to what the detector takes; it never leaves the worker that read it."""

    stamp: FrameStamp
    image_rgb: np.ndarray  # (side, side, 3) uint8, the whole picture squeezed to the model's square
    close_looks: tuple[CloseLook, ...] = ()  # what the detector is shown instead, if any
