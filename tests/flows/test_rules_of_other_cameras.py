"""What a rule asks for is nothing to the cameras that it does not watch: same people, same numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from plain_frames import detections
from site_values import LAWN, TITLE, camera, ladder, rule, site

from domain.detections import Detections
from domain.site.site import Site
from flows.watch import tracker_for

POND = LAWN | {"id": "pond"}
PERSON, CAR = 1, 3
GONE_S = 30.0


def site_with(*others: Any) -> Site:
    """Make a site whose north is watched by one plain rule, and whose other rules watch south."""
    return site(
        cameras=[camera("north"), camera("south", zones=[POND], lines=[])],
        ladders=[ladder(), ladder("remembers", repeat_window_s=3600, repeat_starts_at=1)],
        rules=[rule(), *others],
    )


def south(condition: dict[str, Any] | None = None, **changes: Any) -> Any:
    return rule("other", condition=condition or {"present": {"zones": ["pond"]}}, **changes)


def seen(at_s: float) -> Detections:
    """One person seen well, one seen badly, and a car; the person has gone for half a minute."""
    boxes = [
        (100.0, 200.0, 140.0, 310.0),
        (400.0, 200.0, 440.0, 310.0),
        (550.0, 400.0, 700.0, 480.0),
    ]
    colours = np.zeros((3, 256), np.float16)
    colours[0, 3] = 1  # light: at night nobody is recognised
    found = replace(
        detections(at_s, boxes),
        scores=np.array([0.8, 0.12, 0.9], np.float32),
        class_ids=np.array([PERSON, PERSON, CAR]),
        appearances=colours,
    )
    kept = np.array([not 4 <= at_s < 4 + GONE_S, True, True])
    return replace(
        found,
        boxes_xyxy=found.boxes_xyxy[kept],
        scores=found.scores[kept],
        class_ids=found.class_ids[kept],
        appearances=colours[kept],
    )


def told(watched: Site, camera_id: str = "north") -> list[Any]:
    """Return who is told of frame by frame: numbers, classes, and who was recognised."""
    tracker = tracker_for(watched, camera_id)
    frames = [tracker.update(seen(number / 5)) for number in range(5 * 40)]
    return [
        (each.track_ids.tolist(), each.class_ids.tolist(), each.links, each.matches)
        for each in frames
        if each is not None
    ]


PART = {"present": {"zones": ["pond"], "classes": ["car"]}}
OTHERS = {
    "its score": south(min_score=0.05),
    "its classes": south({"present": {"zones": ["pond"], "classes": ["car"]}}),
    "its repeat window": south(ladder="remembers"),
    "the part of it that another camera judges": south(
        {"any": [{"present": {"zones": ["lawn"]}}, PART]}
    ),
    "a rule that no camera can judge": south(
        {"all": [{"present": {"zones": ["lawn"]}}, PART]}, min_score=0.05
    ),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_rule_changes_nothing_before_cameras_that_it_does_not_watch(other: Any) -> None:
    """Before: the whole site's lowest score, all its classes and its longest window went for each."""
    alone = told(site_with())
    assert {tuple(classes) for _, classes, *_ in alone} == {(), (PERSON,)}
    assert told(site_with(other)) == alone


def test_it_does_before_the_camera_that_it_watches() -> None:
    alone = told(site_with(south()), "south")
    for name in ("its score", "its classes", "its repeat window"):
        assert told(site_with(OTHERS[name]), "south") != alone, name


def test_nobody_is_looked_for_before_a_camera_without_rules_but_people() -> None:
    assert {tuple(classes) for _, classes, *_ in told(site_with(), "south")} == {(), (PERSON,)}


def test_the_views_of_a_camera_are_drawn_for_what_it_judges_itself() -> None:
    """Before: a line before one camera took the close views of another."""
    line = {"id": "gate", "title": TITLE, "points": [[0.1, 0.4], [0.9, 0.4]]}
    any_of = {"any": [{"present": {"zones": ["lawn"]}}, {"line_crossed": {"lines": ["gate"]}}]}
    both = site(
        cameras=[camera("north"), camera("south", zones=[], lines=[line])],
        rules=[rule(condition=any_of)],
    )
    assert both.watched_areas("north") == site().watched_areas("north") != ()
    assert both.watched_areas("south") == ()
