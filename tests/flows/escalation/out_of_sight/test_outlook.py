"""One frame is asked about somebody who is not seen in it: by plain boxes, speeds and views."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import at, stamp

from domain.events.base import Box
from domain.tracks import Track, TrackedFrame
from flows.conditions.condition import Holding, Scene
from flows.conditions.verdict import Verdict
from flows.escalation.out_of_sight.outlook import Outlook
from flows.escalation.stays.whereabouts import Whereabouts

TWO_VIEWS: tuple[Box, ...] = ((60, 100, 400, 500), (360, 100, 700, 500))
ONE_VIEW = TWO_VIEWS[:1]
RIGHT, STANDS = (60.0, 0.0), (0.0, 0.0)


def outlook(
    *came: Box, speed: tuple[float, float] = STANDS, views: tuple[Box, ...] = ()
) -> Outlook:
    """One frame of 768 x 576 pixels with people who came in these boxes and are still there."""
    count = len(came)
    boxes = np.array(came, np.float32).reshape(-1, 4)
    tracked = TrackedFrame(
        stamp(1.0),
        boxes,
        np.ones(count, np.float32),
        np.ones(count, np.int64),
        np.arange(1, count + 1),
        speeds_px=np.array([speed] * count, np.float32).reshape(-1, 2),
        came_xyxy=boxes,
        looked_at_xyxy=np.array(views) if views else None,
    )
    return Outlook(tracked, lambda _: [])


def last(x1: float, x2: float, speed: tuple[float, float] = RIGHT) -> Whereabouts:
    """Somebody 120 pixels high."""
    return Whereabouts(at(0.8), (x1, 200, x2, 320), speed, 1)


def test_nobody_leaves_by_the_border_between_two_views() -> None:
    """Before: a box that both views show whole was asked of the first alone, and counted as walking out."""
    between = last(350, 390)
    assert outlook(views=ONE_VIEW).was_leaving_the_view(between)
    assert not outlook(views=TWO_VIEWS).was_leaving_the_view(between)
    assert outlook(views=TWO_VIEWS).was_leaving_the_view(last(650, 690))
    back = last(370, 410, (-60.0, 0.0))
    assert outlook(views=TWO_VIEWS[1:]).was_leaving_the_view(back)
    assert not outlook(views=TWO_VIEWS).was_leaving_the_view(back)


# the edge is at 400; a second ahead, a fifth of 40 pixels has to be beyond it
@pytest.mark.parametrize(
    ("x2", "speed", "is_leaving"),
    [
        (348.1, 60.0, True),
        (347.9, 60.0, False),
        (391, 17.9, False),  # slower than .15 heights a second
        (392, 18.1, True),
        (394.5, 9.1, True),  # cut by the edge, 6 pixels before it: twice as fast as it looks
        (393.5, 9.1, False),
        (398, 8.9, False),
    ],
)
def test_on_the_way_out_is_who_will_be_beyond_the_edge_by_a_fifth(
    x2: float, speed: float, is_leaving: bool
) -> None:
    seen = last(x2 - 40, x2, (speed, 0.0))
    assert outlook(views=ONE_VIEW).was_leaving_the_view(seen) == is_leaving


def test_of_who_is_beyond_the_edge_already_only_the_way_counts() -> None:
    """A fifth of 120 pixels is 24; ten are beyond, and twenty more will be."""
    assert not outlook(views=ONE_VIEW).was_leaving_the_view(last(290, 410, (10.0, 0.0)))
    assert outlook(views=ONE_VIEW).was_leaving_the_view(last(290, 410, (12.1, 0.0)))


def test_a_view_within_another_ends_nothing() -> None:
    within: Box = (100, 100, 200, 500)
    assert not outlook(views=(*ONE_VIEW, within)).was_leaving_the_view(last(300, 340))


def test_up_and_down_and_to_the_left_there_are_edges_too() -> None:
    whole = outlook()
    for box, speed in (
        ((5, 200, 45, 320), (-60.0, 0.0)),
        ((300, 5, 340, 125), (0.0, -60.0)),
        ((300, 450, 340, 570), (0.0, 60.0)),
    ):
        assert whole.was_leaving_the_view(Whereabouts(at(0.8), box, speed, 1))
        inwards = (-speed[0], -speed[1])
        assert not whole.was_leaving_the_view(Whereabouts(at(0.8), box, inwards, 1))


# somebody 100 pixels high, so 10 pixels are a tenth of a height; the view ends at 400
@pytest.mark.parametrize(("x2", "has_come_in"), [(389, False), (391, True)])
def test_who_began_nearer_to_the_border_than_a_tenth_of_their_height_came_in_there(
    x2: float, has_come_in: bool
) -> None:
    frame = outlook((x2 - 40, 200, x2, 300), views=ONE_VIEW)
    assert frame.came_over_the_border(0) == has_come_in


def test_who_began_farther_in_and_walks_away_from_the_border_came_in_there_too() -> None:
    box = (330, 200, 370, 300)
    assert outlook(box, speed=(-60.0, 0.0), views=ONE_VIEW).came_over_the_border(0)
    assert not outlook(box, speed=(60.0, 0.0), views=ONE_VIEW).came_over_the_border(0)
    assert not outlook(box, views=ONE_VIEW).came_over_the_border(0)
    assert not outlook(box, speed=(-60.0, 0.0), views=TWO_VIEWS).came_over_the_border(0)


def test_somebody_is_in_a_group_where_another_box_overlaps_theirs_by_a_tenth() -> None:
    seen = last(100, 140)
    assert outlook((132, 200, 172, 320)).was_in_a_group(Track(7), seen)  # 8 of 72 pixels
    assert not outlook((134, 200, 174, 320)).was_in_a_group(Track(7), seen)
    assert not outlook((100, 200, 140, 320)).was_in_a_group(Track(1), seen)  # themselves


def ends_at(x: float, *, of_others: bool) -> Outlook:
    """One empty frame of a rule that holds up to `x`, and for nobody where others do something."""

    def look(tracked: TrackedFrame) -> list[Holding]:
        inside = tracked.boxes_xyxy[0, 2] < x and not of_others
        return [Scene(tracked).holding(0, "lawn", Verdict.of(bool(inside)))]

    return replace(outlook(), look=look)


def test_nobody_was_on_the_way_out_for_what_others_do() -> None:
    """A clerk came to the desk while the car was hidden: the car stood, and was nowhere on its way."""
    walked, stood = last(100, 140), last(100, 140, STANDS)
    assert ends_at(180, of_others=False).was_on_the_way_out(Track(1), walked)
    assert not ends_at(180, of_others=False).was_on_the_way_out(Track(1), stood)
    for seen in (walked, stood):
        assert not ends_at(180, of_others=True).was_on_the_way_out(Track(1), seen)
        assert ends_at(180, of_others=True).was_on_the_way_out(Track(1), seen, is_outside=True)
