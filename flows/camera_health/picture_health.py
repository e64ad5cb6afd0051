"""Judge whether a camera still sees: covered, out of focus, turned away and frozen pictures are distinguished.

Each picture is compared with what this camera used to show: which structure is where, and how sharp
it is. Light changes the strength of edges, not where they run, so dusk and lamps pass. People who walk
through change some cells, a tampered picture nearly all. A view that has changed for good stays
"turned away": it becomes usual only when its state is dropped (after a technical review).
All times are counted on the frames' own clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

import cv2
import numpy as np
from pydantic import AwareDatetime

from domain.fitness import Unfit
from domain.picture_digest import PictureDigest
from domain.saved_state import SavedArray
from flows.camera_health.hidden_parts import HiddenParts, HiddenState, gradients, middle

LEARN_S = 2.0  # of pictures that are not empty make the first picture of what is usual
ADAPT_S = 60.0  # dusk, clouds and parked cars become usual in about this time
MISSED_S = 5.0  # without a picture: what was suspected is forgotten, the silence has its own event

# an empty picture: next to no detail in nine of ten tiles and next to no contrast. Smooth tarmac
# from above (1.6, 9) is the emptiest real scene tried
EMPTY_SHARPNESS = 0.8
EMPTY_CONTRAST = 8.0
# cells of the layout whose structure still lies where it lay; a lane filled by two cars keeps .33
MIN_MATCH = 0.3
DOUBTED_MATCH = 0.8  # below it, the structure is looked for elsewhere on the picture
MOVED_PATCHES = 2.5  # of 40: 6 % of the picture
MOVED_BETTER = 0.1
COVERED_CONTRAST = 0.35  # structure that is left behind a hand or a cloth; another view has as much
CELL_MATCH = 0.5  # cosine of the gradients
CELLS = 5
TEXTURED_CELL = 4.0  # weaker cells (sky, bare walls) say nothing
# detail that is left, at the same contrast; exposure that jumps keeps .55, a mild blur .3
MIN_SHARPNESS = 0.42
TEXTURED_TILE = 2.0
FEWEST_TEXTURED = 8  # of 100 tiles; a picture with fewer cannot be judged for focus

# how long it has to look so before it is said, and how long well before it is taken back
HOLD_S = {
    Unfit.COVERED: 1.0,
    Unfit.OUT_OF_FOCUS: 2.0,
    Unfit.TURNED_AWAY: 2.5,
    Unfit.FROZEN: 3.0,
}
RECOVER_S = 1.0
# something wrong all the time, now this, now that: reported as what it looks like last
HOLD_ANY_S = 4.0


@dataclass(slots=True)
class HealthState:
    """What is remembered of one camera; about 24 kB."""

    layout: Annotated[np.ndarray, SavedArray("float32", (40, 40))] | None = None  # usual brightness
    sharpness: Annotated[np.ndarray, SavedArray("float32", (10, 10))] | None = None  # usual
    learned_s: float = 0.0
    last: PictureDigest | None = None
    last_at: AwareDatetime | None = None
    run: str = ""  # of the last frame
    suspected_since: dict[Unfit, AwareDatetime] = field(default_factory=dict)
    unwell_since: AwareDatetime | None = None  # something was suspected in every picture since
    well_since: dict[Unfit, AwareDatetime] = field(default_factory=dict)  # of those in `faults`
    faults: tuple[Unfit, ...] = ()
    parts: HiddenState = field(default_factory=HiddenState)


class PictureHealth:
    """Judges the pictures of one camera, in order; a plain class, callable with no stream."""

    def __init__(self, state: HealthState | None = None) -> None:
        self.state = state or HealthState()
        self._parts = HiddenParts(self.state.parts)

    @property
    def faults(self) -> tuple[Unfit, ...]:
        """Return what is wrong with the picture now, in the order of HOLD_S; () if nothing is."""
        return self.state.faults

    @property
    def is_in_doubt(self) -> bool:
        """Tell whether something looks wrong or is wrong: nobody should be judged by such pictures."""
        return bool(self.state.suspected_since or self.state.faults)

    @property
    def hidden(self) -> np.ndarray:
        """Return (20, 20) bool: cells that show nothing of the scene; all else may be fine."""
        return self.state.parts.hidden

    @property
    def looked_so_s(self) -> np.ndarray:
        """Return (20, 20), seconds for which cells have looked hidden by now; 0 where they do not."""
        return self.state.parts.looked_so_s

    @property
    def doubted(self) -> np.ndarray:
        """Return (20, 20) bool: cells that look so now, those that are hidden included."""
        return self.state.parts.doubted

    def step(
        self, look: PictureDigest, at: datetime, run: str = "", occupied: np.ndarray | None = None
    ) -> tuple[Unfit, ...]:
        """Take one picture; the faults after it. Of one run, pictures at or before the last are ignored.

        `occupied` is (20, 20) bool: cells in which somebody or something known is seen.
        """
        state = self.state
        if run != state.run:
            state.run = run
            if state.last_at is not None and at <= state.last_at:
                self._forget_times(at)
        passed_s = 0.0 if state.last_at is None else (at - state.last_at).total_seconds()
        if state.last_at is not None and passed_s <= 0:
            return state.faults
        if passed_s > MISSED_S:
            state.suspected_since.clear()
            state.unwell_since = None
        suspected = self._suspect(look)
        self._count(suspected, at)
        if state.faults:
            self._parts.forget()
        else:
            # a moment later it is known whether all of the picture is hidden
            is_whole = suspected is not None
            self._parts.step(look, state.last, passed_s, may_be_whole=is_whole, occupied=occupied)
        self._get_used_to(look, min(passed_s, 1.0), suspected)
        state.last, state.last_at = look, at
        return state.faults

    def _forget_times(self, at: datetime) -> None:
        """Begin to count anew: what is remembered would lie in the future."""
        state = self.state
        state.last_at = state.unwell_since = None
        state.suspected_since.clear()
        state.well_since = dict.fromkeys(state.well_since, at)

    def _suspect(self, look: PictureDigest) -> Unfit | None:
        """Return what this one picture looks like, by itself."""
        state = self.state
        if is_empty(look):
            return Unfit.COVERED
        is_frozen = state.last is not None and is_same(look, state.last)
        if state.layout is None or state.sharpness is None or state.learned_s < LEARN_S:
            return Unfit.FROZEN if is_frozen else None
        found = compare_layouts(state.layout, look.layout)
        if found.match < MIN_MATCH:
            return Unfit.COVERED if found.contrast < COVERED_CONTRAST else Unfit.TURNED_AWAY
        if is_frozen:
            return Unfit.FROZEN
        if detail_left(state.sharpness, look.sharpness) / found.gain < MIN_SHARPNESS:
            return Unfit.OUT_OF_FOCUS
        if found.match < DOUBTED_MATCH and has_moved(state.layout, look.layout, found.match):
            return Unfit.TURNED_AWAY
        return None

    def _count(self, suspected: Unfit | None, at: datetime) -> None:
        """Bring the faults up to date with how long it has looked so."""
        state, faults = self.state, []
        state.unwell_since = (state.unwell_since or at) if suspected is not None else None
        for fault, hold_s in HOLD_S.items():
            if fault is suspected:
                since = state.suspected_since.setdefault(fault, at)
                state.well_since.pop(fault, None)
                has_lasted = _lasted(since, at, hold_s) or _lasted(
                    state.unwell_since, at, HOLD_ANY_S
                )
                if fault in state.faults or has_lasted:
                    faults.append(fault)
                continue
            state.suspected_since.pop(fault, None)
            if fault in state.faults:
                since = state.well_since.setdefault(fault, at)
                if _lasted(since, at, RECOVER_S):
                    del state.well_since[fault]
                else:
                    faults.append(fault)
        state.faults = tuple(faults)

    def _get_used_to(self, look: PictureDigest, passed_s: float, suspected: Unfit | None) -> None:
        """Learn what is usual, from pictures in which nothing looks wrong."""
        state = self.state
        if suspected is not None or state.faults:
            return
        if state.layout is None or state.sharpness is None:
            state.layout = look.layout.astype(np.float32)
            state.sharpness = look.sharpness.copy()
            return
        state.learned_s += passed_s
        share = passed_s / min(ADAPT_S, max(state.learned_s, passed_s, 1e-3))
        shown = 1.0 - self.doubted.astype(np.float32)
        state.layout += share * _to(shown, state.layout) * (look.layout - state.layout)
        state.sharpness += share * _to(shown, state.sharpness) * (look.sharpness - state.sharpness)


def _to(cells: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Return values of cells on another grid."""
    return cv2.resize(cells, like.shape[::-1], interpolation=cv2.INTER_AREA)


def _lasted(since: datetime | None, at: datetime, seconds: float) -> bool:
    return since is not None and (at - since).total_seconds() >= seconds


def is_empty(look: PictureDigest) -> bool:
    """Tell whether the picture shows nothing: black, white, or a cloth over the lens."""
    return (
        float(look.layout.std()) < EMPTY_CONTRAST
        and float(np.percentile(look.sharpness, 90)) < EMPTY_SHARPNESS
    )


def is_same(one: PictureDigest, other: PictureDigest) -> bool:
    """Tell whether it is the same picture: any pixel that differs changes the sharpness of its tile."""
    return np.array_equal(one.sharpness, other.sharpness) and np.array_equal(
        one.layout, other.layout
    )


@dataclass(frozen=True, slots=True)
class LayoutMatch:
    """How a picture's structure compares with the usual, over the cells that have any."""

    match: float  # share of cells whose gradients agree, in [0, 1]; 1 where no cell has texture
    gain: float  # how strong the usual structure still is, in [0.2, 1.2]: follows the exposure
    contrast: float  # strength of whatever structure there is now, as a share of the usual


def compare_layouts(usual: np.ndarray, layout: np.ndarray) -> LayoutMatch:
    """Compare gradients cell by cell: light changes their strength, not where they point.

    Both are (40, 40); `usual` is float32, `layout` uint8.
    """
    was_x, was_y = gradients(usual)
    is_x, is_y = gradients(layout.astype(np.float32))
    both = _by_cell(was_x * is_x + was_y * is_y)
    was, now = _by_cell(was_x * was_x + was_y * was_y), _by_cell(is_x * is_x + is_y * is_y)
    textured = was > TEXTURED_CELL**2
    if not textured.any():
        return LayoutMatch(1.0, 1.0, 1.0)
    both, was, now = both[textured], was[textured], now[textured]
    agree = both / np.sqrt(np.maximum(was * now, 1e-6))
    return LayoutMatch(
        match=float((agree > CELL_MATCH).mean()),
        gain=min(max(middle(both / was), 0.2), 1.2),
        contrast=float(np.sqrt(middle(now / was))),
    )


def has_moved(usual: np.ndarray, layout: np.ndarray, match: float) -> bool:
    """Tell whether the usual structure is found elsewhere on the picture, and better than in place."""
    side = np.hypot(*gradients(usual)), np.hypot(*gradients(layout.astype(np.float32)))
    (x, y), _ = cv2.phaseCorrelate(*side, cv2.createHanningWindow(layout.shape[::-1], cv2.CV_32F))
    if np.hypot(x, y) < MOVED_PATCHES:
        return False
    back = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
    put_back = cv2.warpAffine(layout, back, layout.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return compare_layouts(usual, put_back).match > match + MOVED_BETTER


def detail_left(usual: np.ndarray, sharpness: np.ndarray) -> float:
    """Return detail as a share of the usual, in the middle of all textured tiles; 1 where few have any."""
    textured = usual > TEXTURED_TILE
    if int(textured.sum()) < FEWEST_TEXTURED:
        return 1.0
    return middle(sharpness[textured] / usual[textured])


def _by_cell(values: np.ndarray) -> np.ndarray:
    return cv2.resize(values, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
