"""Views in the site file: what is refused, and what a camera that names none is looked at by."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from domain.site.cameras import Camera
from domain.site.site import Site

TITLE = {"zh": "路口", "en": "Crossing"}
SQUARE = {"id": "square", "title": TITLE, "polygon": [[0.4, 0.5], [0.6, 0.5], [0.6, 0.8]]}
KERB = {"id": "kerb", "title": TITLE, "points": [[0.1, 0.5], [0.9, 0.5]]}
LADDER = {
    "id": "calls",
    "rungs": [{"id": "ask", "after_s": 0, "text": {"zh": "请离开", "en": "Please leave"}}],
}


def site_with(views: Any, condition: dict[str, Any] | None = None) -> Site:
    camera = {"id": "north", "title": TITLE, "url": "a.mp4", "zones": [SQUARE], "lines": [KERB]}
    rule = {"id": "r", "title": TITLE, "threshold_s": 5, "ladder": "calls", "condition": condition}
    return Site.model_validate(
        {
            "site": {"id": "town", "title": TITLE},
            "cameras": [camera | {"views": views}],
            "ladders": [LADDER],
            "rules": [rule] if condition else [],
        }
    )


def watched(condition: dict[str, Any]) -> tuple[Any, ...]:
    return site_with("automatic", condition).watched_areas("north")


def test_a_camera_that_says_nothing_has_automatic_views() -> None:
    camera = Camera.model_validate({"id": "a", "title": TITLE, "url": "a.mp4"})
    assert camera.views == "automatic"


def test_an_empty_list_is_the_whole_picture_as_in_older_site_files() -> None:
    given = {"id": "a", "title": TITLE, "url": "a.mp4", "views": []}
    assert Camera.model_validate(given).views == "whole"


def test_a_zone_in_which_a_rule_looks_for_people_is_looked_at_closely() -> None:
    assert watched({"present": {"zones": ["square"]}}) == ((0.4, 0.5, 0.6, 0.8),)
    assert watched({"any": [{"absent": {"zones": ["square"]}}]}) == ((0.4, 0.5, 0.6, 0.8),)


@pytest.mark.parametrize(
    "condition",
    [
        {"present": {"zones": ["square"], "classes": ["car"]}},
        {"present": {"zones": ["square"], "classes": ["person", "car"]}},
        {"present": {"zones": ["square"], "by": "share"}},
        {"stationary": {"zones": ["square"], "classes": ["car"]}},
        {"line_crossed": {"lines": ["kerb"]}},
        {"all": [{"present": {"zones": ["square"]}}, {"line_crossed": {"lines": ["kerb"]}}]},
    ],
)
def test_what_may_reach_beyond_a_zone_is_looked_for_in_the_whole_picture(
    condition: dict[str, Any],
) -> None:
    assert watched(condition) == ()


def test_a_zone_that_no_rule_names_is_not_looked_at_closely() -> None:
    assert site_with("automatic").watched_areas("north") == ()


def test_a_zone_may_lie_in_any_of_the_views() -> None:
    site = site_with([[0.0, 0.2, 0.55, 0.9], [0.5, 0.2, 1.0, 0.9]])
    assert len(site.cameras[0].views) == 2


def test_a_zone_out_of_view_is_refused_and_the_corner_is_named() -> None:
    with pytest.raises(ValidationError, match=r"\[0.6, 0.5\] is in none of them"):
        site_with([[0.3, 0.2, 0.55, 0.9]])


@pytest.mark.parametrize(
    "view",
    [[[0.5, 0.2, 0.4, 0.9]], [[0.1, 0.1, 0.12, 0.9]], [[0, 0, 1, 1.2]], [[0, 0, 1]], "closely"],
)
def test_what_is_no_part_of_the_picture_is_refused(view: Any) -> None:
    with pytest.raises(ValidationError, match="views"):
        site_with(view)
