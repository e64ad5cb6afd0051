"""The foot of the box decides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from people import stamp

from domain.errors import Stop
from domain.site import Site
from domain.site_file import load_site
from domain.tracks import TrackedFrame
from flows.steps.zones import ZoneWatch


def tracked(boxes: list[list[float]], scores: list[float] | None = None) -> TrackedFrame:
    n = len(boxes)
    return TrackedFrame(
        frame=stamp(1.0, "gate-early"),
        boxes_xyxy=np.array(boxes, np.float32).reshape(n, 4),
        scores=np.array(scores or [0.8] * n, np.float32),
        class_ids=np.ones(n, np.int64),
        track_ids=np.arange(1, n + 1),
    )


@pytest.fixture
def site(sample_site_file: Path) -> Site:
    site = load_site(sample_site_file)
    square = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
    return with_polygon(site, square)


def with_polygon(site: Site, polygon: tuple[tuple[float, float], ...]) -> Site:
    raw = site.model_dump(mode="json")
    raw["cameras"][0]["zones"][0]["polygon"] = polygon
    return Site.model_validate(raw)


def test_the_foot_of_the_box_decides_not_its_middle(site: Site) -> None:
    head_in, foot_in = [370, 300, 400, 500], [370, 100, 400, 300]
    (presence,) = ZoneWatch(site).look(tracked([head_in, foot_in]))
    assert [person.is_inside for person in presence.people] == [False, True]
    assert presence.key == "gate-early|no-lingering|forecourt-early"


def test_a_frame_without_people_is_still_a_presence(site: Site) -> None:
    (presence,) = ZoneWatch(site).look(tracked([]))
    assert presence.people == ()


def test_people_below_the_rules_score_are_not_seen(site: Site) -> None:
    (presence,) = ZoneWatch(site).look(tracked([[370, 100, 400, 300]], [0.1]))
    assert presence.people == ()


def test_a_camera_without_zones_gives_nothing(site: Site) -> None:
    frame = tracked([[370, 100, 400, 300]])
    other = TrackedFrame(
        stamp(1.0, "elsewhere"), frame.boxes_xyxy, frame.scores, frame.class_ids, frame.track_ids
    )
    assert ZoneWatch(site).look(other) == []


@pytest.mark.parametrize(
    "polygon",
    [((0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)), ((0.1, 0.1), (0.5, 0.5), (0.9, 0.9))],
)
def test_a_zone_that_crosses_itself_or_has_no_area_is_refused(
    site: Site, polygon: tuple[tuple[float, float], ...]
) -> None:
    with pytest.raises(Stop, match="does not cross"):
        ZoneWatch(with_polygon(site, polygon))
