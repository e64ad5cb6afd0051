"""Choose which frames are analysed, and make what the detector gets of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from domain.frames import FrameStamp, SampledFrame
from domain.site.views import View
from flows.sources.view_cropper import ViewCropper

DETECTOR_SIDE_PX = 300  # of the usual one
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
        run: str = "",
        side_px: int = DETECTOR_SIDE_PX,
    ) -> None:
        """Begin before the first grid cell; `analyse_fps` are cells a second of media time.

        `views_of` says what is looked at closely in upright pictures of that width and height; `run`
        is written into the stamps; `side_px` is of the squares that the detector takes.
        """
        self._camera_id = camera_id
        self._run = run
        self._side_px = side_px
        self._fps = analyse_fps
        self._last_cell = -1
        self._reformatter = VideoReformatter()
        self._views_of = views_of
        self._croppers: list[ViewCropper] = []
        self._fit_px: tuple[int, int] | None = None

    def wants(self, media_time_s: float) -> bool:
        """Tell whether a frame is to be sampled, once for each grid cell; call with the times in order."""
        cell = int(media_time_s * self._fps + GRID_SLACK)
        if cell < self._last_cell - JUMP_BACK_S * self._fps:
            self._last_cell = cell - 1  # the stream began anew, or its clock was set back
        if cell <= self._last_cell:
            return False
        self._last_cell = cell
        return True

    def begin_anew(self) -> None:
        """Forget earlier times: the stream was opened again and its times start over."""
        self._last_cell = -1

    def skip_to(self, media_time_s: float) -> None:
        """Take everything up to that time as done."""
        self._last_cell = int(media_time_s * self._fps + GRID_SLACK)

    def sample(
        self,
        frame: VideoFrame,
        time_base: Fraction,
        media_time_s: float,
        at: datetime,
        wall_at: datetime | None = None,
    ) -> SampledFrame:
        """Shrink a frame to the detector's square; a picture stored sideways is turned upright.

        `at` is event time, `wall_at` what the wall's clock said then (None: the same).
        """
        # AREA averages all pixels: at 0.4 times the size others skip some, and small people flicker
        square: np.ndarray = self._reformatter.reformat(
            frame, self._side_px, self._side_px, "rgb24", interpolation="AREA"
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
            wall_ahead_s=0.0 if wall_at is None else (wall_at - at).total_seconds(),
            run=self._run,
        )
        looks = tuple(
            cropper.look(frame, quarter_turns)
            for cropper in self._croppers_for(width_px, height_px)
        )
        return SampledFrame(stamp=stamp, image_rgb=square, close_looks=looks)

    def _croppers_for(self, width_px: int, height_px: int) -> list[ViewCropper]:
        if self._fit_px != (width_px, height_px):  # the camera may change its size
            views = self._views_of(width_px, height_px)
            self._croppers = [ViewCropper(view, self._side_px) for view in views]
            self._fit_px = width_px, height_px
        return self._croppers
