"""Rules that look for people's feet name the areas around which automatic views are drawn."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from site_values import LAWN, TITLE, camera, rule, site

from domain.site.watched_areas import watched_areas

fractions = st.floats(0, 1)
polygons = st.lists(st.tuples(fractions, fractions), min_size=3, max_size=8)
POND = {"id": "pond", "title": TITLE, "polygon": [[0.0, 0.2], [0.05, 0.2], [0.05, 0.3]]}
AROUND_LAWN, AROUND_POND = (0.1, 0.5, 0.9, 0.9), (0.0, 0.2, 0.05, 0.3)


def looks(**condition: Any) -> Any:
    return rule(condition=condition)


@given(polygons)
def test_an_area_is_the_smallest_that_holds_every_corner(
    polygon: list[tuple[float, float]],
) -> None:
    zone = LAWN | {"polygon": polygon}
    ((left, top, right, bottom),) = watched_areas(camera(zones=[zone]), [rule()])
    assert all(left <= x <= right and top <= y <= bottom for x, y in polygon)
    assert {left, right} <= {x for x, _ in polygon} and {top, bottom} <= {y for _, y in polygon}


@pytest.mark.parametrize(
    ("rules", "areas"),
    [
        ([], ()),
        ([looks(present={"zones": ["lawn"]})], (AROUND_LAWN,)),
        ([looks(absent={"zones": ["pond"]})], (AROUND_POND,)),
        ([looks(at_least={"zones": ["lawn", "pond"], "count": 3})], (AROUND_LAWN, AROUND_POND)),
        (
            [looks(present={"zones": ["pond"]}), looks(present={"zones": ["lawn"]})],
            (AROUND_LAWN, AROUND_POND),  # in the order of the camera's zones
        ),
        ([looks(present={"zones": ["far-away"]})], ()),
        (
            [looks(present={"zones": ["lawn"]}), looks(line_crossed={"lines": ["far-away"]})],
            (AROUND_LAWN,),  # what another camera's rules need is no matter of this one
        ),
        ([looks(present={"zones": ["lawn"]}), looks(line_crossed={"lines": ["kerb"]})], ()),
        ([looks(present={"zones": ["lawn"]}), looks(stationary={"zones": ["pond"]})], ()),
        ([looks(present={"zones": ["lawn"], "by": "share"})], ()),
        ([looks(present={"zones": ["lawn"], "classes": ["person", "car"]})], ()),
        (
            [looks(all=[{"present": {"zones": ["lawn"]}}, {"absent": {"zones": ["pond"]}}])],
            (AROUND_LAWN, AROUND_POND),
        ),
        (
            [looks(any=[{"present": {"zones": ["lawn"]}}, {"line_crossed": {"lines": ["kerb"]}}])],
            (),
        ),
    ],
)
def test_areas_are_named_only_where_nobody_is_looked_for_beyond_them(
    rules: list[Any], areas: tuple[Any, ...]
) -> None:
    assert watched_areas(camera(zones=[LAWN, POND]), rules) == areas


def test_a_site_tells_the_areas_of_each_of_its_cameras() -> None:
    both = site(cameras=[camera("north"), camera("south", zones=[POND])])
    assert both.watched_areas("north") == (AROUND_LAWN,)
    assert both.watched_areas("south") == ()
    with pytest.raises(KeyError, match="west"):
        both.watched_areas("west")
