"""Cut a part out of each frame and shrink it, without touching the rest of the picture."""

from __future__ import annotations

from fractions import Fraction

import av.filter
import numpy as np
from av.video.frame import VideoFrame

from domain.frames import CloseLook
from domain.site.views import View

TIME_BASE = Fraction(1, 90_000)  # a filter wants one; nothing here asks for times
Region = tuple[int, int, int, int]  # left, top, width, height; pixels


class ViewCropper:
    """One view of one camera; keeps a filter for the frame size that it saw last."""

    def __init__(self, view: View, side_px: int) -> None:
        self._view = view
        self._side_px = side_px
        self._graph: av.filter.Graph | None = None
        self._fits: tuple[int, int, str] | None = None

    def look(self, frame: VideoFrame, quarter_turns: int = 0) -> CloseLook:
        """Cut the view's part out of a frame as decoded, before it is turned.

        The view is of the upright picture: `quarter_turns` turn the frame so, counter-clockwise.
        """
        image = self._shrink(frame, quarter_turns)
        if quarter_turns:
            image = np.ascontiguousarray(np.rot90(image, quarter_turns))
        width_px, height_px = frame.width, frame.height
        if quarter_turns % 2:
            width_px, height_px = height_px, width_px
        return CloseLook(*_pixels(self._view, width_px, height_px), image)

    def _shrink(self, frame: VideoFrame, quarter_turns: int) -> np.ndarray:
        fits = (frame.width, frame.height, frame.format.name)
        if self._graph is None or self._fits != fits:  # the camera may change its size
            stored = _as_stored(self._view, quarter_turns)
            self._graph = _build(frame, _pixels(stored, *fits[:2]), self._side_px)
            self._fits = fits
        self._graph.vpush(frame)
        small = self._graph.vpull()
        image: np.ndarray = small.to_ndarray()
        return image


def _as_stored(view: View, quarter_turns: int) -> View:
    """Return where a view of the upright picture lies in the picture as stored."""
    for _ in range(quarter_turns):
        left, top, right, bottom = view
        view = (1 - bottom, left, 1 - top, right)
    return view


def _pixels(view: View, width_px: int, height_px: int) -> Region:
    """Return whole, even pixels: colours of most formats are stored for two by two of them."""
    left, right = (2 * round(value * width_px / 2) for value in (view[0], view[2]))
    top, bottom = (2 * round(value * height_px / 2) for value in (view[1], view[3]))
    right, bottom = min(right, width_px), min(bottom, height_px)
    return left, top, max(right - left, 2), max(bottom - top, 2)


def _build(frame: VideoFrame, region: Region, side_px: int) -> av.filter.Graph:
    left, top, width, height = region
    graph = av.filter.Graph()
    given = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=TIME_BASE
    )
    steps = [
        graph.add("crop", f"{width}:{height}:{left}:{top}"),
        # as the whole picture is shrunk: averaging all pixels, or small people flicker
        graph.add("scale", f"{side_px}:{side_px}:flags=area"),
        graph.add("format", "rgb24"),
        graph.add("buffersink"),
    ]
    for before, after in zip([given, *steps], steps, strict=False):
        before.link_to(after)
    graph.configure()
    return graph
