"""Measure whether the machine keeps up with its live cameras: frames analysed of those offered, and how late.

A live camera that gives too many frames for the machine goes on giving some, so nobody would notice
but by warnings that come late. Measured in windows of the wall's clock, for each camera. What a
camera does not send is no fault of the machine: it is held against what its own stream offers,
on the stream's own clock; so a reader that falls behind its stream is noticed as well.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import TypeVar

from domain.cameras.status import CameraNotice
from domain.detections import Detections
from flows.sources.sample_queue import Offered

WINDOW_S = 10.0
FEWEST_FRAMES = 20  # asked for in a window: with fewer, one more or less would count too much
LEAST_SHARE = 0.8  # of the frames asked for
MOST_LAG_S = 3.0  # a call that is begun 5 s after its frame has lost its use
SLOW_FOR_S = 10.0  # four lost seconds are out of the window by then
WELL_FOR_S = 10.0
LOOK_EVERY_S = 0.5

_Item = TypeVar("_Item")
_Seen = Detections | CameraNotice


@dataclass(frozen=True, slots=True)
class Measured:
    """How one camera is kept up with."""

    asked_fps: float  # what the stream offers of what the site file asks for
    analysed_fps: float
    lag_s: float  # from the frame's time to its detections

    @property
    def is_slow(self) -> bool:
        """Tell whether warnings come late, or miss what happened."""
        return self.analysed_fps < LEAST_SHARE * self.asked_fps or self.lag_s > MOST_LAG_S


@dataclass(frozen=True, slots=True)
class _Mark:
    at_s: float  # monotonic
    offered: Offered
    analysed: int


@dataclass(slots=True)
class Pace:
    """One camera. `look` is called often, `note` with each frame that was analysed."""

    analyse_fps: float
    is_slow: bool = False
    _marks: deque[_Mark] = field(default_factory=deque)
    _lags: deque[tuple[float, float]] = field(default_factory=deque)  # monotonic, seconds
    _analysed: int = 0
    _turned_s: float | None = None  # since when it is otherwise than last reported

    @property
    def window_s(self) -> float:
        """Return the seconds that are measured at a time."""
        return max(WINDOW_S, FEWEST_FRAMES / self.analyse_fps)

    def note(self, now_s: float, lag_s: float) -> None:
        """Count a frame that came out of the detector."""
        self._analysed += 1
        self._lags.append((now_s, lag_s))

    def begin_anew(self) -> None:
        """Drop what was measured: the stream was opened again, or stood still."""
        self._marks.clear()
        self._lags.clear()
        self._turned_s = None
        self.is_slow = False

    def look(self, now_s: float, offered: Offered) -> Measured | None:
        """Return what was measured, once, when it turned slow or well again; `is_slow` says which."""
        if self._marks and now_s - self._marks[-1].at_s < LOOK_EVERY_S:
            return None
        if self._marks and offered.media_time_s < self._marks[-1].offered.media_time_s:
            self._marks.clear()  # the stream's clock was set back
        self._marks.append(_Mark(now_s, offered, self._analysed))
        while len(self._marks) > 1 and now_s - self._marks[1].at_s >= self.window_s:
            self._marks.popleft()
        while self._lags and now_s - self._lags[0][0] > self.window_s:
            self._lags.popleft()
        measured = self._measure()
        if measured is None or measured.is_slow == self.is_slow:
            self._turned_s = None
            return None
        if self._turned_s is None:
            self._turned_s = now_s
        if now_s - self._turned_s < (WELL_FOR_S if self.is_slow else SLOW_FOR_S):
            return None
        self.is_slow, self._turned_s = measured.is_slow, None
        return measured

    def _measure(self) -> Measured | None:
        """Measure the window; None while it is not full, or the stream gave nothing."""
        first, last = self._marks[0], self._marks[-1]
        wall_s = last.at_s - first.at_s
        media_s = last.offered.media_time_s - first.offered.media_time_s
        frames = last.offered.frames - first.offered.frames
        if wall_s < self.window_s or media_s <= 0 or frames <= 0:
            return None
        asked_fps = min(self.analyse_fps, frames / media_s)
        analysed_fps = (last.analysed - first.analysed) / wall_s
        lag_s = median(lag for _, lag in self._lags) if self._lags else wall_s
        return Measured(asked_fps, analysed_fps, lag_s)


@dataclass(eq=False)
class Paces:
    """All live cameras of a shard: shared by the source, which looks, and by what notes frames."""

    now_s: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _paces: dict[str, Pace] = field(default_factory=dict)

    def watch(self, camera_id: str, analyse_fps: float) -> None:
        """Measure this camera from now on."""
        self._paces[camera_id] = Pace(analyse_fps)

    def noting(
        self, detect: Callable[[list[_Item]], Iterable[_Seen]]
    ) -> Callable[[list[_Item]], Iterator[_Seen]]:
        """Wrap a step so that what comes out of it is noted."""

        def noted(items: list[_Item]) -> Iterator[_Seen]:
            for seen in detect(items):
                if isinstance(seen, Detections):
                    self._note(seen)
                yield seen

        return noted

    def begin_anew(self, camera_id: str) -> None:
        """Drop what was measured of a camera that came, went or stood still."""
        if camera_id in self._paces:
            self._paces[camera_id].begin_anew()

    def look(self, camera_id: str, offered: Offered) -> tuple[bool, Measured] | None:
        """Return whether a camera turned slow (True) or well again (False), once each; None: no change."""
        pace = self._paces.get(camera_id)
        measured = pace.look(self.now_s(), offered) if pace else None
        return (pace.is_slow, measured) if pace and measured else None

    def _note(self, seen: Detections) -> None:
        pace = self._paces.get(seen.frame.camera_id)
        if pace is not None:
            lag_s = (self.now() - seen.frame.captured_at).total_seconds()
            pace.note(self.now_s(), lag_s)
