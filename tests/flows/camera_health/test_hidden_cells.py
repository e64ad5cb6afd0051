"""How large, how blank and for how long: the numbers of hidden cells, on a made-up scene of nothing but texture."""

from __future__ import annotations

import numpy as np
import pytest

from domain.picture_digest import CELL_SIDE, LAYOUT_SIDE, PictureDigest
from flows.camera_health.hidden_parts import HiddenParts

STEP_S = 0.4
DETAIL = 20.0
SCENE = np.random.default_rng(7).normal(120, 25, (LAYOUT_SIDE, LAYOUT_SIDE)).clip(0, 230)


def patch(*rows: str, top: int = 8) -> np.ndarray:
    """Return (20, 20) bool: the cells of a little picture of `#`, from a row and column 8 on."""
    cells = np.zeros((CELL_SIDE, CELL_SIDE), bool)
    for down, row in enumerate(rows):
        for across, sign in enumerate(row):
            cells[top + down, 8 + across] = sign == "#"
    return cells


LEAF = patch("####", "####", "####", "####")
CLEAR = patch()


def look(
    covered: np.ndarray, level: float = 60.0, detail: float = 1.0, around: float = DETAIL
) -> PictureDigest:
    by_patch = covered.repeat(2, axis=0).repeat(2, axis=1)
    return PictureDigest(
        np.where(by_patch, level, SCENE).astype(np.uint8),
        np.zeros((10, 10), np.float32),
        np.where(covered, detail, around).astype(np.float32),
    )


def known_scene(detail: float = DETAIL) -> HiddenParts:
    parts, clear = HiddenParts(), look(CLEAR, around=detail)
    for _ in range(8):
        parts.step(clear, clear, STEP_S)
    assert not parts.state.hidden.any() and not parts.state.doubted.any()
    return parts


def pictures_until_hidden(parts: HiddenParts, shown: PictureDigest, most: int = 10) -> int | None:
    for n in range(1, most + 1):
        parts.step(shown, shown, STEP_S)
        if parts.state.hidden.any():
            return n
    return None


@pytest.mark.parametrize(
    ("cells", "is_hidden"),
    [
        (LEAF, True),
        (patch("###", "###", "##"), True),  # eight, and a block but for one
        (patch("###", "###", "#"), False),
        (patch("####", "####", top=0), True),  # what lies beyond the picture is as at its edge
        (patch("###", "####", top=0), False),
        (patch("######", "######"), False),  # twelve, and no block
    ],
)
def test_eight_cells_with_a_block_among_them_are_hidden(cells: np.ndarray, is_hidden: bool) -> None:
    parts = known_scene()
    assert (pictures_until_hidden(parts, look(cells)) is not None) == is_hidden
    if is_hidden:
        assert not (parts.state.hidden & ~cells).any()


def test_it_takes_between_one_and_two_seconds_to_be_sure() -> None:
    parts = known_scene()
    assert pictures_until_hidden(parts, look(LEAF)) in (3, 4, 5)
    # it looked so from the first picture on that did not speak against it
    looked_so_s = parts.state.looked_so_s[LEAF]
    assert 0.3 < np.median(looked_so_s) < 2.0


def test_after_five_seconds_without_a_picture_what_was_suspected_is_forgotten() -> None:
    told = []
    for missed_s in (4.9, 5.1):
        parts = known_scene()
        for _ in range(2):
            parts.step(look(LEAF), look(LEAF), STEP_S)
        assert not parts.state.hidden.any()
        before = parts.state.evidence[LEAF].mean()
        parts.step(look(CLEAR), look(LEAF), missed_s)
        told.append((before, parts.state.evidence[LEAF].mean()))
    (suspected, after), (_, forgotten) = told
    assert suspected > 0.15
    # two thirds of the way to what a clear picture says
    assert after == pytest.approx(suspected / 3 + (2 / 3) * -0.8, abs=0.03)
    assert forgotten == pytest.approx((2 / 3) * -0.8, abs=0.03)


def test_it_is_taken_back_when_the_scene_is_back_for_a_second() -> None:
    parts = known_scene()
    assert pictures_until_hidden(parts, look(LEAF)) is not None
    for _ in range(5):
        parts.step(look(LEAF), look(LEAF), STEP_S)
    told = []
    for _ in range(8):
        parts.step(look(CLEAR), look(CLEAR), STEP_S)
        told.append(bool(parts.state.hidden.any()))
    assert told[0] and not any(told[4:])


@pytest.mark.parametrize(
    ("level", "detail", "is_hidden"),
    [
        (60.0, 6.0, True),
        (60.0, 12.0, False),  # more than half of the detail is left
        (245.0, 1.0, False),  # glare: nothing has to be before the lens
    ],
)
def test_what_still_shows_something_and_what_only_dazzles_is_not_hidden(
    level: float, detail: float, is_hidden: bool
) -> None:
    shown = look(LEAF, level, detail)
    assert (pictures_until_hidden(known_scene(), shown) is not None) == is_hidden


def test_nothing_new_is_said_while_the_whole_picture_looks_wrong_and_occupied_cells_are_left_out() -> (
    None
):
    parts = known_scene()
    for _ in range(10):
        parts.step(look(LEAF), look(LEAF), STEP_S, may_be_whole=True)
    assert not parts.state.hidden.any()
    parts = known_scene()
    for _ in range(10):
        parts.step(look(LEAF), look(LEAF), STEP_S, occupied=LEAF)
    assert not parts.state.hidden.any()


def test_beside_somebody_who_is_seen_what_is_blank_is_judged_and_they_are_not() -> None:
    beside = np.roll(LEAF, 6, axis=1)
    parts = known_scene()
    for _ in range(6):
        parts.step(look(LEAF | beside), look(LEAF | beside), STEP_S, occupied=LEAF)
    assert (parts.state.hidden & beside).any() and not (parts.state.hidden & LEAF).any()


def test_half_of_little_detail_is_enough_to_see_by() -> None:
    assert pictures_until_hidden(known_scene(10), look(LEAF, detail=6, around=10)) is None
    assert pictures_until_hidden(known_scene(10), look(LEAF, detail=3, around=10)) is not None


def test_what_is_hidden_never_becomes_usual() -> None:
    parts = known_scene()
    for _ in range(60):
        parts.step(look(LEAF), look(LEAF), 1.0)
    usual = parts.state.usual
    assert usual is not None and parts.state.hidden.any()
    assert usual.detail[LEAF].min() > 0.9 * DETAIL
