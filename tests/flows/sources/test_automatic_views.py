"""Views that a camera gets by itself: around the zones and whoever may stand in them."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from people import BEGAN

from domain.site.cameras import Camera
from domain.site.views import View
from flows.sources.automatic_views import LEAST_SIDE_PX, MOST_VIEWS, views_around, views_of
from flows.sources.sampler import Sampler

NEAR: View = (0.4, 0.6, 0.6, 0.9)
FAR_LEFT: View = (0.1, 0.2, 0.15, 0.25)
FAR_RIGHT: View = (0.85, 0.2, 0.9, 0.25)

fractions = st.floats(0, 1)
areas = st.tuples(fractions, fractions, fractions, fractions).map(
    lambda sides: (*np.minimum(sides[:2], sides[2:]), *np.maximum(sides[:2], sides[2:]))
)


@given(
    zones=st.lists(areas, min_size=1, max_size=6),
    width=st.integers(64, 4000),
    height=st.integers(64, 3000),
)
def test_whoever_stands_in_a_zone_is_shown_from_the_picture_top_to_their_feet(
    zones: list[View], width: int, height: int
) -> None:
    views = views_around(zones, width, height)
    assert len(views) <= MOST_VIEWS
    for left, _, right, bottom in zones:
        assert not views or any(
            view[0] <= left + 1e-9
            and view[1] == 0
            and view[2] >= right - 1e-9
            and view[3] >= bottom - 1e-9
            for view in views
        )
    for left, top, right, bottom in views:
        assert 0 <= left < right <= 1 + 1e-9 and 0 <= top < bottom <= 1 + 1e-9


def test_one_zone_costs_one_question_and_people_keep_their_shape() -> None:
    ((left, top, right, bottom),) = views_around([NEAR], 1920, 1080)
    assert abs((right - left) * 1920 - (bottom - top) * 1080) < 1


def test_zones_far_apart_are_looked_at_each_and_close_ones_together() -> None:
    assert len(views_around([FAR_LEFT, FAR_RIGHT], 1920, 1080)) == 2
    assert len(views_around([NEAR, (0.45, 0.6, 0.65, 0.9)], 1920, 1080)) == 1


def test_many_zones_still_cost_two_questions_at_most() -> None:
    zones = [FAR_LEFT, FAR_RIGHT, (0.1, 0.5, 0.15, 0.55), (0.3, 0.3, 0.35, 0.35)]
    assert len(views_around(zones, 3840, 2160)) <= MOST_VIEWS


def test_a_zone_across_the_picture_is_looked_at_with_the_whole() -> None:
    assert views_around([(0.05, 0.3, 0.95, 0.95)], 1920, 1080) == ()
    assert views_around([], 1920, 1080) == ()


def test_a_small_picture_is_not_blown_up() -> None:
    for left, _, right, _ in views_around([FAR_LEFT], 1280, 720):
        assert (right - left) * 1280 >= LEAST_SIDE_PX - 1
    assert views_around([FAR_LEFT], 320, 240) == ()


def test_a_camera_on_its_own_has_no_zones_that_rules_name() -> None:
    camera = Camera.model_validate({"id": "a", "title": {"zh": "a", "en": "a"}, "url": "a.mp4"})
    assert views_of(camera, (), 1920, 1080) == ()


def test_views_follow_a_camera_that_changes_its_size() -> None:
    sampler = Sampler("north", 5, lambda wide, high: views_around([NEAR], wide, high))
    for wide, high in ((1600, 400), (400, 1600), (1600, 400)):
        frame = av.VideoFrame.from_ndarray(np.zeros((high, wide, 3), np.uint8), "rgb24")
        looks = sampler.sample(frame, Fraction(1, 1000), 0.0, BEGAN).close_looks
        assert len(looks) == len(views_around([NEAR], wide, high))
        assert all(look.left_px + look.width_px <= wide for look in looks)
