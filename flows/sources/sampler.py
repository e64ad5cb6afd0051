"""Which frames are analysed, and what the detector gets of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from domain.frames import FrameStamp, SampledFrame
from domain.views import View
from flows.sources.closer import Closer

DETECTOR_SIDE_PX = 300
# a frame a hair before its grid point, by rounding of time bases, still counts as on it
GRID_SLACK = 1e-3
JUMP_BACK_S = 1.0


class Sampler:
    """Picks frames on a fixed grid of media time, so that any frame rate gives the same choice.

    The grid is anchored at the footage's start, not at the first frame picked: resuming in the
    middle picks the same frames again.
    """

    def __init__(
        self,
        camera_id: str,
        analyse_fps: float,
        views_of: Callable[[int, int], Sequence[View]] = lambda width_px, height_px: (),
    ) -> None:
        """Args:
        views_of: what is looked at closely in upright pictures of that width and height.
        """
        self._camera_id = camera_id
        self._fps = analyse_fps
        self._last_cell = -1
        self._reformatter = VideoReformatter()
        self._views_of = views_of
        self._closers: list[Closer] = []
        self._fit_px: tuple[int, int] | None = None

    def wants(self, media_time_s: float) -> bool:
        """True once for each grid cell; call with the times in order."""
        cell = int(media_time_s * self._fps + GRID_SLACK)
        if cell < self._last_cell - JUMP_BACK_S * self._fps:
            self._last_cell = cell - 1  # the stream began anew, or its clock was set back
        if cell <= self._last_cell:
            return False
        self._last_cell = cell
        return True

    def begin_anew(self) -> None:
        """The stream was opened again: its times start over."""
        self._last_cell = -1

    def skip_to(self, media_time_s: float) -> None:
        """Take everything up to that time as done."""
        self._last_cell = int(media_time_s * self._fps + GRID_SLACK)

    def sample(
        self, frame: VideoFrame, time_base: Fraction, media_time_s: float, at: datetime
    ) -> SampledFrame:
        """Shrink a frame to the detector's square; a picture stored sideways is turned upright."""
        # AREA averages all pixels: at 0.4 times the size others skip some, and small people flicker
        square: np.ndarray = self._reformatter.reformat(
            frame, DETECTOR_SIDE_PX, DETECTOR_SIDE_PX, "rgb24", interpolation="AREA"
        ).to_ndarray()
        quarter_turns = (frame.rotation // 90) % 4
        width_px, height_px = frame.width, frame.height
        if quarter_turns:
            turned = np.rot90(square, quarter_turns)
            square = np.ascontiguousarray(turned, dtype=np.uint8)
        if quarter_turns % 2:
            width_px, height_px = height_px, width_px
        stamp = FrameStamp(
            camera_id=self._camera_id,
            pts=frame.pts if frame.pts is not None else round(media_time_s / time_base),
            time_base=time_base,
            media_time_s=media_time_s,
            captured_at=at,
            width_px=width_px,
            height_px=height_px,
        )
        looks = tuple(
            closer.look(frame, quarter_turns) for closer in self._closers_for(width_px, height_px)
        )
        return SampledFrame(stamp=stamp, image_rgb=square, close_looks=looks)

    def _closers_for(self, width_px: int, height_px: int) -> list[Closer]:
        if self._fit_px != (width_px, height_px):  # the camera may change its size
            views = self._views_of(width_px, height_px)
            self._closers = [Closer(view, DETECTOR_SIDE_PX) for view in views]
            self._fit_px = width_px, height_px
        return self._closers
