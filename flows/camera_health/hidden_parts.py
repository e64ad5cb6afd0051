"""Find the parts of a picture that show nothing of the scene: a cloth, paint, a leaf or a drop before the lens.

What is that near a lens is out of focus: where the scene had detail there is none, over a patch that is
blank throughout and differs from what lies around it. A vehicle or a person brings edges of its own;
lamps, shadows and dusk leave the scene's edges where they were; what a thing uncovers when it goes was
there before it came, or goes on from its surroundings without a step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import cv2
import numpy as np

from domain.picture_digest import CELL_SIDE, LAYOUT_SIDE, PictureDigest
from domain.saved_state import SavedArray

LEARN_S = 2.0  # of pictures make the first usual view
ADAPT_S = 60.0  # what stays becomes usual in about this time
FORGET_S = 6 * 3600.0  # how long a view is remembered that something standing there has replaced
MOVING_LEVELS = 4.0  # a cell that changes more from look to look is learnt a tenth as fast
MISSED_S = 5.0  # without a picture: what was suspected is forgotten

# detail that is left, as a share of what the light leaves one to expect: blank, or certainly not
BLANK, SHOWN = 0.35, 0.75
BLANK_DETAIL = 8.0  # more than noise makes, or a drop leaves; grass has 10 to 20
LITTLE, RICH = (
    1.5,
    3.0,
)  # detail of bare tarmac or walls: what is blank there says little, or something
SAME_PLACE = 0.6  # cosine of gradients: the same structure
SAME_LEVEL, SAME_LEVEL_SHARE = 8.0, 0.15  # brightness that counts as unchanged
WEAK = 0.8  # evidence by a changed level alone
GLARE_LEVEL = 238.0  # so bright that nothing can be seen there, without anything before the lens
BROAD_PATCHES = 2.5  # light that changes over more of the picture than this has no edge

SETTLE_S = 1.5  # in which evidence counts: persists through single pictures, not through passers-by
CERTAIN, UNCERTAIN, HARDLY = 0.45, 0.2, 0.1
RECOVER_S = 1.0  # of pictures that show nothing of it, and it is taken back
FEWEST_CELLS = 8  # of 400, and a block among them
OUTLINED = 0.45  # share of a region's outline along which it differs from what is around it
UNDOUBTED_CORE = 60  # cells well inside a region: so large a blank needs no outline
STEP_LEVELS, STEP_SHARE = 1.5, 0.1  # what counts as an edge that was not there
EDGED, EDGED_CORE = 0.5, 16  # an outline of new sharp detail is a thing's, unless it is large

Cells = Annotated[np.ndarray, SavedArray("float32", (CELL_SIDE, CELL_SIDE))]
Mask = Annotated[np.ndarray, SavedArray("bool", (CELL_SIDE, CELL_SIDE))]
_BLOCK = np.ones((3, 3), np.uint8)
_WIDE_BLOCK = np.ones((5, 5), np.uint8)


@dataclass(slots=True)
class UsualView:
    """Remember what a camera usually shows, and what it showed before that; 15 kB with the evidence."""

    layout: Annotated[np.ndarray, SavedArray("float32", (LAYOUT_SIDE, LAYOUT_SIDE))]
    detail: Cells
    level_before: Cells
    detail_before: Cells


def _none_hidden() -> np.ndarray:
    return np.zeros((CELL_SIDE, CELL_SIDE), bool)


@dataclass(slots=True)
class HiddenState:
    """Hold what a restart needs."""

    usual: UsualView | None = None
    learned_s: float = 0.0
    # how much speaks for each cell being hidden, in [-1, 1], over the last seconds
    evidence: Cells = field(default_factory=lambda: np.zeros((CELL_SIDE, CELL_SIDE), np.float32))
    hidden: Mask = field(default_factory=_none_hidden)
    doubted: Mask = field(
        default_factory=_none_hidden
    )  # look so now, those that are hidden included
    # for so long something speaks for each cell being hidden
    looked_so_s: Cells = field(default_factory=lambda: np.zeros((CELL_SIDE, CELL_SIDE), np.float32))
    unseen_s: float = 0.0  # since what is hidden last looked so


class HiddenParts:
    """Judges the cells of one camera's pictures, in order; a plain class."""

    def __init__(self, state: HiddenState | None = None) -> None:
        self.state = state or HiddenState()

    def step(
        self,
        look: PictureDigest,
        before: PictureDigest | None,
        passed_s: float,
        *,
        may_be_whole: bool = False,
        occupied: np.ndarray | None = None,
    ) -> None:
        """Take one picture.

        Args:
            look: the picture; one without `detail` is passed over.
            before: the one before it.
            passed_s: seconds between them.
            may_be_whole: whether something looks wrong with the picture as a whole: then nothing is
                learnt, and nothing new is said of its parts.
            occupied: (20, 20) bool, cells in which somebody or something known is seen: neither
                judged nor learnt.
        """
        if look.detail is None:
            return
        state = self.state
        layout = look.layout.astype(np.float32)
        if state.usual is None:
            level, detail = _by_cell(layout), look.detail.copy()
            state.usual = UsualView(layout, detail, level, detail.copy())
            return
        if passed_s > MISSED_S:
            state.evidence[~state.hidden] = 0.0
        passed_s = min(passed_s, 1.0)
        if state.learned_s >= LEARN_S:
            self._judge(state.usual, layout, look.detail, passed_s, occupied, may_be_whole)
        if not may_be_whole:
            self._get_used_to(layout, look.detail, before, passed_s, occupied)

    def _judge(
        self,
        usual: UsualView,
        layout: np.ndarray,
        detail: np.ndarray,
        passed_s: float,
        occupied: np.ndarray | None,
        may_be_whole: bool,
    ) -> None:
        state, share = self.state, min(1.0, passed_s / SETTLE_S)
        may_be_blank = (detail < SHOWN * usual.detail) | (
            (detail < RICH) & (np.abs(_by_cell(layout) - _by_cell(usual.layout)) > SAME_LEVEL)
        )
        if occupied is not None:
            may_be_blank &= ~occupied
        crowded = cv2.blur(may_be_blank.astype(np.float32), (3, 3), borderType=cv2.BORDER_REPLICATE)
        if crowded.max() < 0.5 and not state.hidden.any():
            # most pictures: no block of cells is blank, so there is no need to look closer
            state.evidence += (np.where(may_be_blank, 0.0, -WEAK) - state.evidence) * share
            state.looked_so_s[:] = 0.0
            state.doubted = state.hidden
            return
        scene = _Scene(usual, layout, detail)
        found = scene.evidence
        if occupied is not None:
            found[occupied] = 0.0
        state.evidence += (found - state.evidence) * share
        state.looked_so_s += passed_s
        state.looked_so_s[state.evidence < HARDLY] = 0.0
        self._bring_up_to_date(scene, passed_s, may_be_whole=may_be_whole)
        likely = state.evidence + (CERTAIN - UNCERTAIN)
        state.doubted = scene.regions(found) | scene.regions(likely) | state.hidden

    def _bring_up_to_date(self, scene: _Scene, passed_s: float, *, may_be_whole: bool) -> None:
        """Say what is hidden by now; what was stays so until clearly less speaks for it."""
        state = self.state
        lenient = state.evidence + (CERTAIN - UNCERTAIN) * state.hidden
        found = scene.regions(lenient)
        if may_be_whole:
            found &= state.hidden
        is_gone = state.hidden.any() and not (found & state.hidden).any()
        state.unseen_s = state.unseen_s + passed_s if is_gone else 0.0
        if state.unseen_s < RECOVER_S:
            found = found | (state.hidden & (state.evidence > UNCERTAIN))
        state.hidden = found

    def forget(self) -> None:
        """Take back what is said of parts: all of the picture is wrong, or nobody can tell."""
        self.state.evidence[:] = self.state.looked_so_s[:] = 0.0
        self.state.hidden, self.state.doubted = _none_hidden(), _none_hidden()

    def _get_used_to(
        self,
        layout: np.ndarray,
        detail: np.ndarray,
        before: PictureDigest | None,
        passed_s: float,
        occupied: np.ndarray | None,
    ) -> None:
        """Learn what is usual, where nothing looks hidden and nobody stands."""
        state = self.state
        assert state.usual is not None
        state.learned_s += passed_s
        first = passed_s / max(state.learned_s, passed_s, 1e-3)
        share = max(first, passed_s / ADAPT_S)
        weight = 1.0 - cv2.dilate(state.doubted.astype(np.uint8), _BLOCK).astype(np.float32)
        if before is not None:
            change = np.abs(layout - before.layout.astype(np.float32))
            weight[_by_cell(cv2.blur(change, (3, 3))) > MOVING_LEVELS] *= 0.1
        if occupied is not None:
            weight[occupied] = 0.0
        usual, slow = state.usual, first if state.learned_s < LEARN_S else passed_s / FORGET_S
        by_patch = cv2.resize(weight, layout.shape[::-1], interpolation=cv2.INTER_NEAREST)
        # whoever walks by brings much more detail than there was: that is no reason to expect it
        detail = np.minimum(detail, 1.3 * usual.detail + 1.0)
        usual.layout += share * by_patch * (layout - usual.layout)
        usual.detail += share * weight * (detail - usual.detail)
        usual.level_before += slow * weight * (_by_cell(layout) - usual.level_before)
        usual.detail_before += slow * weight * (detail - usual.detail_before)


class _Scene:
    """Compares one picture with the usual view, cell by cell; all arrays are (20, 20)."""

    def __init__(self, usual: UsualView, layout: np.ndarray, detail: np.ndarray) -> None:
        as_is = _Gradients(usual.layout, layout)
        # a lamp's light, or a shadow's, adds a slope of its own
        without_slopes = _Gradients(_without_slopes(usual.layout), _without_slopes(layout))
        is_better = as_is.agreement >= without_slopes.agreement
        self._agreement = np.where(is_better, as_is.agreement, without_slopes.agreement)
        both = np.where(is_better, as_is.both, without_slopes.both)
        was = np.where(is_better, as_is.was, without_slopes.was)
        self._level = _by_cell(layout)
        self._detail = detail
        gain = both / np.maximum(was, 1e-6)
        kept = (self._agreement > 0.7) & (was > 4.0)
        light = float(np.clip(middle(gain[kept]), 0.2, 1.5)) if kept.sum() >= 12 else 1.0
        local = np.where(self._agreement > SAME_PLACE, np.clip(gain, 0.2, 1.5), light)
        self._expected = local * usual.detail
        self._new_edges = without_slopes.unexplained > np.maximum(
            STEP_LEVELS, STEP_SHARE * self._level
        )
        self.evidence = self._judge(usual, light)

    def _judge(self, usual: UsualView, light: float) -> np.ndarray:
        """Return what speaks for each cell being hidden, in [-1, 1]."""
        detail, expected, level = self._detail, self._expected, self._level
        left = detail / np.maximum(expected, 0.1)
        by_detail = np.clip(2 * (SHOWN - left) / (SHOWN - BLANK) - 1, -1, 1)
        is_same = _is_level(level, light * _by_cell(usual.layout))
        is_replaced = (
            (detail < np.maximum(LITTLE, 0.9 * expected))
            & ~is_same
            & (self._agreement < SAME_PLACE)
        )
        by_level = np.where(is_same, -WEAK, np.where(detail > 2 * LITTLE, -1.0, 0.0))
        by_level = np.where(is_replaced, WEAK, by_level)
        is_blank = (expected > LITTLE) & (left < BLANK)
        evidence = np.where(expected > RICH, by_detail, np.where(is_blank, 1.0, by_level))
        detail_before = light * usual.detail_before
        is_as_before = (
            _is_level(level, light * usual.level_before)
            & (detail <= np.maximum(1.6 * detail_before, LITTLE))
            & (detail >= 0.5 * detail_before)
        )
        evidence[is_as_before] = -1.0
        evidence[level > GLARE_LEVEL] = np.minimum(evidence[level > GLARE_LEVEL], 0.0)
        return evidence.astype(np.float32)

    def regions(self, evidence: np.ndarray) -> np.ndarray:
        """Return the cells of those connected regions that look like something before the lens."""
        is_on = evidence > CERTAIN
        found = np.zeros(is_on.shape, bool)
        if int(is_on.sum()) < FEWEST_CELLS:
            return found
        around = cv2.blur(is_on.astype(np.float32), (3, 3), borderType=cv2.BORDER_REPLICATE)
        is_on |= (evidence > -0.2) & (around > 0.5)  # cells that say nothing, in its midst
        count, labels, stats, _ = cv2.connectedComponentsWithStats(
            is_on.astype(np.uint8), connectivity=4
        )
        for label in range(1, count):
            region = labels == label
            if stats[label, cv2.CC_STAT_AREA] >= FEWEST_CELLS and self._looks_near(region):
                found |= region
        return found

    def _looks_near(self, region: np.ndarray) -> bool:
        """Tell whether a blank region is something near the lens, by its inside and its outline."""
        plain = region.astype(np.uint8)
        share = cv2.blur(plain.astype(np.float32), (3, 3), borderType=cv2.BORDER_REPLICATE)
        inside = region & (share > 0.85)  # a block of three by three, one cell of it may be missing
        core = int(inside.sum())
        outside = cv2.dilate(plain, _BLOCK).astype(bool) & ~region
        # what a thing uncovers when it goes has less detail than the thing, but some
        if core == 0 or middle(self._detail[inside]) > BLANK_DETAIL:
            return False
        if not outside.any():
            return True
        has_edges = (self._agreement < SAME_PLACE) & (
            self._detail > np.maximum(1.3 * self._expected, 2 * LITTLE)
        )
        if has_edges[outside].mean() > EDGED and core < EDGED_CORE:
            return False
        blank = max(middle(self._detail[region]), 0.6)
        is_richer = (self._detail > 2.5 * blank) & ~region
        band = cv2.dilate(plain, _WIDE_BLOCK).astype(bool) & ~inside
        differs = cv2.dilate(((self._new_edges | is_richer) & band).astype(np.uint8), _BLOCK)
        return core >= UNDOUBTED_CORE or float((differs[outside] > 0).mean()) >= OUTLINED


class _Gradients:
    """Compares the gradients of two layouts in a window around each cell."""

    def __init__(self, usual: np.ndarray, layout: np.ndarray) -> None:
        was_x, was_y = gradients(usual)
        is_x, is_y = gradients(layout)
        self.both = _in_windows(was_x * is_x + was_y * is_y)
        self.was = _in_windows(was_x * was_x + was_y * was_y)
        self._now = _in_windows(is_x * is_x + is_y * is_y)

    @property
    def agreement(self) -> np.ndarray:
        """Return the cosine between what was and what is, in [-1, 1]."""
        agreement: np.ndarray = self.both / np.sqrt(np.maximum(self.was * self._now, 1e-6))
        return agreement

    @property
    def unexplained(self) -> np.ndarray:
        """Return the strength of gradients that the usual ones do not account for."""
        explained = np.maximum(self.both, 0.0) ** 2 / np.maximum(self.was, 1e-6)
        return np.asarray(np.sqrt(np.maximum(self._now - explained, 0.0)))


def middle(values: np.ndarray) -> float:
    """Return the median of a plain array with something in it; for a few numbers np.median takes long."""
    low, high = (values.size - 1) // 2, values.size // 2
    parted = np.partition(values, (low, high), axis=None)
    return float((parted[low] + parted[high]) / 2)


def gradients(layout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the slopes of a float32 layout to the right and downwards, in levels a patch."""
    return (
        cv2.Sobel(layout, cv2.CV_32F, 1, 0, ksize=3, scale=0.25),
        cv2.Sobel(layout, cv2.CV_32F, 0, 1, ksize=3, scale=0.25),
    )


def _without_slopes(layout: np.ndarray) -> np.ndarray:
    broad = cv2.GaussianBlur(layout, (0, 0), BROAD_PATCHES, borderType=cv2.BORDER_REFLECT)
    return np.asarray(layout - broad)


def _in_windows(values: np.ndarray) -> np.ndarray:
    return _by_cell(cv2.blur(values, (3, 3), borderType=cv2.BORDER_REFLECT))


def _by_cell(values: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.resize(values, (CELL_SIDE, CELL_SIDE), interpolation=cv2.INTER_AREA))


def _is_level(level: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return np.asarray(
        np.abs(level - expected) <= np.maximum(SAME_LEVEL, SAME_LEVEL_SHARE * expected)
    )
