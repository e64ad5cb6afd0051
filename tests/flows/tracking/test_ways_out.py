"""Where people leave: at the edge of the picture and at the border of a view nobody changes numbers."""

from __future__ import annotations

import numpy as np
import pytest
from clothed_people import Box, Walker, follow, links_of, numbers_of, views_of, within_frame

from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject
from flows.tracking.ways_out import was_leaving, was_leaving_the_view, was_walking_out

RED = views_of((200, 40, 40), (120, 120, 125), seed=1)
BLUE = views_of((40, 90, 200), (40, 40, 50), seed=2)
WHOLE: tuple[Box, ...] = ((0, 0, 768, 576),)
VIEW: tuple[Box, ...] = ((300, 100, 620, 500),)
TWO: tuple[Box, ...] = ((60, 100, 400, 500), (360, 100, 700, 500))


def walks(
    x: float, speed: float, parts: tuple[Box, ...], *, from_s: float = 0.0, views: np.ndarray = RED
) -> Walker:
    """Walk along a line from a time on, seen as far as the parts show."""

    def path(at_s: float) -> Box | None:
        now = x + speed * (at_s - from_s)
        return within_frame((now, 200, now + 40, 320), parts) if at_s >= from_s else None

    return Walker(path, views)


@pytest.mark.parametrize("parts", [WHOLE, VIEW], ids=["picture", "view"])
@pytest.mark.parametrize("gap_s", [0.0, 0.4, 0.8, 1.4])
@pytest.mark.parametrize("speed", [40.0, 80.0, 150.0])
def test_who_comes_in_where_somebody_left_is_somebody_else(
    parts: tuple[Box, ...], gap_s: float, speed: float
) -> None:
    edge = parts[0][2]
    begin = edge - 200.0
    out_s = (edge - 8 - begin) / speed
    walkers = [
        walks(begin, speed, parts),
        walks(edge - 8, -speed, parts, from_s=out_s + gap_s, views=BLUE),
    ]
    told = follow(walkers, out_s + gap_s + 3, parts=parts)
    assert numbers_of(walkers, told) == [{1}, {2}]
    assert not links_of(told)


def test_who_walked_out_and_in_again_was_not_hidden() -> None:
    walkers = [
        walks(568, 60, WHOLE),
        walks(760, -60, WHOLE, from_s=4.4),  # in the same clothes: the same person, or not
    ]
    told = follow(walkers, 9)
    assert not links_of(told)
    assert numbers_of(walkers, told) == [{1}, {2}]
    match = told[-1].matches[2]
    assert (match.number, match.how, match.is_sure) == (1, "return", False)


@pytest.mark.parametrize("missed", [3, 5, 7])  # frames in a row, of 10
def test_who_stands_at_a_border_and_is_missed_for_a_while_keeps_their_number(missed: int) -> None:
    def path(at_s: float) -> Box | None:
        sway = 6 * np.sin(at_s)
        turn = round(at_s * 5)
        box = (578 + sway, 200, 622 + sway, 320)
        return None if turn > 10 and turn % 10 < missed else within_frame(box, VIEW)

    # nothing is known of their clothes: the border cuts them
    walker = Walker(path, np.zeros_like(RED))
    assert numbers_of([walker], follow([walker], 30, parts=VIEW)) == [{1}]


def test_who_walks_towards_a_border_and_stops_before_it_keeps_their_number() -> None:
    def path(at_s: float) -> Box | None:
        x = min(360 + 90 * at_s, 520)
        return None if 1.8 < at_s < 3.0 else within_frame((x, 200, x + 40, 320), VIEW)

    walker = Walker(path, RED)
    assert numbers_of([walker], follow([walker], 8, parts=VIEW)) == [{1}]


@pytest.mark.parametrize("speed", [30.0, 60.0, 120.0])
def test_who_walks_from_one_view_into_another_keeps_their_number(speed: float) -> None:
    def path(at_s: float) -> Box | None:
        x = 80 + speed * at_s
        is_missed = 340 < x < 400  # where either view cuts them
        return None if is_missed or x > 600 else within_frame((x, 200, x + 40, 320), TWO)

    walker = Walker(path, RED)
    assert numbers_of([walker], follow([walker], 600 / speed, parts=TWO)) == [{1}]


def test_leaving_is_asked_of_the_last_sighting() -> None:
    settings = SubjectSettings()

    def subject(x: float, speed_x: float, speed_y: float = 0.0) -> Subject:
        made = Subject.begin(10.0, np.array([x - 20, 200, x + 20, 320]), 0.8, 1, settings)
        made.speed_x, made.speed_y = speed_x, speed_y
        return made

    view, two = np.array(VIEW), np.array(TWO)
    assert was_leaving(subject(605, 60), view, settings)
    assert was_leaving(subject(605, 15), view, settings)  # slowly, but the border cuts them
    assert was_leaving(subject(590, 90), view, settings)
    assert not was_leaving(subject(605, 5), view, settings)  # stands there
    assert not was_leaving(subject(605, -60), view, settings)  # comes in
    assert not was_leaving(subject(590, 30), view, settings)  # may turn
    assert was_walking_out(subject(590, 60), view, settings)  # but was not hidden
    assert not was_walking_out(subject(450, 60), view, settings)  # far from it
    assert was_leaving(subject(310, -60), view, settings)
    assert not was_leaving(subject(390, 60), two, settings)  # into the other view
    assert not was_walking_out(subject(390, 60), two, settings)


def ways_of(boxes: list[Box], fps: float) -> list[bool]:
    """Tell for each but the first five seconds whether somebody is about to leave the picture."""
    settings, parts = SubjectSettings(), np.array(WHOLE, np.float32)
    one = Subject.begin(0.0, np.array(boxes[0]), 0.8, 1, settings)
    told = []
    for n, box in enumerate(boxes[1:], start=1):
        one.see(n / fps, np.array(box), 0.8, 1, settings)
        if n >= 5 * fps:
            speed, trembles = (one.speed_x, one.speed_y), one.trembles(settings)
            told.append(was_leaving_the_view(box, speed, parts, trembles=trembles))
    return told


@pytest.mark.parametrize("fps", [10, 5, 2.5])
def test_a_trembling_box_that_the_edge_cuts_is_not_on_its_way_out(fps: float) -> None:
    """Before: in one of 50 frames, and of who stood there and was hidden then it was said that they had left."""
    rng, boxes = np.random.default_rng(1), []
    for off in rng.normal(0, 4, (1000, 2)):
        boxes.append((0.0, 200 + off[0], max(20 + off[1], 4.0), 300.0))
    assert sum(ways_of(boxes, fps)) <= 2


@pytest.mark.parametrize("fps", [10, 5, 2.5])
def test_who_walks_out_in_a_box_that_trembles_is_on_the_way_out(fps: float) -> None:
    rng, left = np.random.default_rng(2), []
    for _ in range(6):
        boxes = []
        for n in range(round(10 * fps)):
            x = 200 - 60 * max(n / fps - 5.5, 0)
            off = rng.normal(0, 2, 3)
            box = (max(x + off[0], 0.0), 200 + off[1], x + 40 + off[2], 300.0)
            if box[2] >= 10:
                boxes.append(box)
        left.append(ways_of(boxes, fps)[-1])
    assert sum(left) >= 5
