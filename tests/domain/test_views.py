"""Views in the site file: what is refused, and what a camera without them does."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from domain.site import Camera, Site

TITLE = {"zh": "路口", "en": "Crossing"}


def site_with(views: list[list[float]]) -> Site:
    zone = {"id": "square", "title": TITLE, "polygon": [[0.4, 0.5], [0.6, 0.5], [0.6, 0.8]]}
    camera = {"id": "north", "title": TITLE, "url": "a.mp4", "zones": [zone], "views": views}
    return Site.model_validate({"site": {"id": "town", "title": TITLE}, "cameras": [camera]})


def test_without_views_the_whole_picture_is_looked_at() -> None:
    assert Camera.model_validate({"id": "a", "title": TITLE, "url": "a.mp4"}).views == ()


def test_a_zone_may_lie_in_any_of_the_views() -> None:
    site = site_with([[0.3, 0.2, 0.55, 0.9], [0.5, 0.2, 0.7, 0.9]])
    assert len(site.cameras[0].views) == 2


def test_a_zone_out_of_view_is_refused_and_the_corner_is_named() -> None:
    with pytest.raises(ValidationError, match=r"\[0.6, 0.5\] is in none of them"):
        site_with([[0.3, 0.2, 0.55, 0.9]])


@pytest.mark.parametrize(
    "view", [[0.5, 0.2, 0.4, 0.9], [0.1, 0.1, 0.12, 0.9], [0, 0, 1, 1.2], [0, 0, 1]]
)
def test_a_view_that_is_no_part_of_the_picture_is_refused(view: list[float]) -> None:
    with pytest.raises(ValidationError, match="views"):
        site_with([view])
