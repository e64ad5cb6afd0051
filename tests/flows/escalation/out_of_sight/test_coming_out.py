"""Who came out is told by place, time, size and colours: each limit by plain boxes on both of its sides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from people import at, stamp

from domain.events.base import Box, CameOut
from domain.offence_states import State
from domain.tracks import Resemblances, Track, TrackedFrame
from flows.conditions.condition import Holding
from flows.conditions.verdict import Verdict
from flows.escalation.out_of_sight.coming_out import ComingOut, coming_out
from flows.escalation.out_of_sight.outlook import Outlook
from flows.escalation.out_of_sight.renumbering import give_back, wrongly_taken
from flows.escalation.out_of_sight.unseen import tolerance
from flows.escalation.stays.offence import Offence, Taken
from flows.escalation.stays.stay import OffenceKey
from flows.escalation.stays.whereabouts import Whereabouts
from flows.tracking.ways_out import AHEAD_S, LEAST_SPEED

LAST_S = 10.0
X, TOP, HEIGHT = 384.0, 230.0, 100.0
NEWCOMER = Track(9)


def box(away_px: float = 0.0, height: float = HEIGHT) -> Box:
    return (X + away_px - 20, TOP, X + away_px + 20, TOP + height)


@dataclass
class Hidden:
    """Somebody 100 pixels high who was seen from `since_s` until second 10."""

    number: int = 1
    away_px: float = 0.0
    speed: tuple[float, float] = (0.0, 0.0)
    since_s: float = 0.0
    is_missing: bool = False  # the program was away

    def offence(self) -> Offence:
        where = box(self.away_px)
        held = Holding(Track(self.number), "lawn", Verdict.HOLDS, 0.8, where)
        offence = Offence.begin(stamp(self.since_s), held)
        offence.stay.note(stamp(LAST_S), held)
        offence.stay.is_missing = self.is_missing
        offence.stay.whereabouts = Whereabouts(at(LAST_S), where, self.speed, 1)
        return offence


def came_out(
    *hidden: Hidden,
    after_s: float = 1.0,
    seen_for_s: float = 1.0,
    where: Box | None = None,
    alike: dict[int, float] | None = None,
    margin: float = 0.5,
    verdict: Verdict = Verdict.HOLDS,
    young: Offence | None = None,
    threshold_s: float = 60.0,
    class_id: int = 1,
) -> ComingOut | None:
    """Return for whom somebody is taken who came some seconds after the hidden were seen last."""
    came_s, where, alike = LAST_S + after_s, where or box(), alike or {}
    offences: dict[OffenceKey, Offence] = {
        Track(each.number): each.offence() for each in hidden or (Hidden(),)
    }
    if young is not None:
        offences[NEWCOMER] = young
    boxes = np.array([where], np.float32)
    tracked = TrackedFrame(
        stamp(came_s + seen_for_s),
        boxes,
        np.ones(1, np.float32),
        np.array([class_id]),
        np.array([NEWCOMER.number]),
        came_at_s=np.array([at(came_s).timestamp()]),
        came_xyxy=boxes,
        resemblances=Resemblances(
            (9,),
            tuple(alike),
            np.array(list(alike.values()))[:, None],
            np.full((len(alike), 1), margin),
        ),
    )
    seen: dict[OffenceKey, Holding] = {NEWCOMER: Holding(NEWCOMER, "lawn", verdict, 0.8, where)}
    out = coming_out(offences, seen, Outlook(tracked, lambda _: []), threshold_s)
    return out[0] if out else None


@pytest.mark.parametrize(
    ("after_s", "inside_px", "outside_px"),
    [
        (0.0, 74, 76),  # three quarters of a height at once,
        (1.0, 154, 156),  # .8 more for each second,
        (2.5, 274, 276),
        (4.0, 299, 301),  # three at most
    ],
)
def test_they_come_out_near_where_they_were(
    after_s: float, inside_px: float, outside_px: float
) -> None:
    near = came_out(after_s=after_s, where=box(inside_px))
    assert near is not None
    assert (near.was, near.now, near.gap_s) == (Track(1), NEWCOMER, after_s)
    assert near.away == pytest.approx(inside_px / HEIGHT, abs=0.01)
    assert came_out(after_s=after_s, where=box(outside_px)) is None


def test_who_was_walking_comes_out_anywhere_on_the_way() -> None:
    walks = Hidden(speed=(60.0, 0.0))
    for where_px, away in ((0, 0), (120, 0), (-50, 0.5), (170, 0.5)):
        out = came_out(walks, after_s=2.0, where=box(where_px))
        assert out is not None and out.away == pytest.approx(away, abs=0.01)
    # nobody is foreseen for more than three seconds
    late = came_out(walks, after_s=5.0, where=box(300))
    assert late is not None and late.away == pytest.approx(1.2, abs=0.01)


@pytest.mark.parametrize(
    ("height", "is_taken"), [(37, False), (39, True), (259, True), (261, False)]
)
def test_half_of_somebody_may_come_out_and_nobody_of_another_size(
    height: float, is_taken: bool
) -> None:
    assert (came_out(where=box(height=height)) is not None) == is_taken


@pytest.mark.parametrize(
    ("after_s", "alike", "is_taken"),
    [(1.9, 0.1, True), (2.1, 0.59, False), (2.1, 0.61, True), (2.1, None, True)],
)
def test_colours_speak_against_it_after_two_seconds(
    after_s: float, alike: float | None, is_taken: bool
) -> None:
    looks = {} if alike is None else {1: alike}
    assert (came_out(after_s=after_s, alike=looks) is not None) == is_taken


@pytest.mark.parametrize(("alike", "is_taken"), [(0.87, False), (0.89, True), (None, False)])
def test_where_the_condition_does_not_hold_they_have_to_look_the_same(
    alike: float | None, is_taken: bool
) -> None:
    looks = {} if alike is None else {1: alike}
    out = came_out(alike=looks, verdict=Verdict.DOES_NOT_HOLD)
    assert (out is not None) == is_taken


def test_in_uniforms_nobody_is_known_outside_by_their_clothes() -> None:
    outside = Verdict.DOES_NOT_HOLD
    for margin, is_taken in ((0.07, False), (0.09, True)):
        out = came_out(alike={1: 0.95}, margin=margin, verdict=outside)
        assert (out is not None) == is_taken
    assert came_out(alike={1: 0.95}, margin=0.0) is not None  # inside, the place says more


@pytest.mark.parametrize(("after_s", "is_taken"), [(-0.6, False), (-0.4, True)])
def test_two_boxes_at_once_are_two_people_after_half_a_second(
    after_s: float, is_taken: bool
) -> None:
    assert (came_out(after_s=after_s, seen_for_s=2.0) is not None) == is_taken


@pytest.mark.parametrize(
    ("seen_for_s", "is_taken"), [(0.9, False), (1.1, True), (2.9, True), (3.1, False)]
)
def test_it_is_decided_between_the_first_and_the_third_second(
    seen_for_s: float, is_taken: bool
) -> None:
    assert (came_out(seen_for_s=seen_for_s) is not None) == is_taken


def test_it_is_decided_at_once_where_an_offence_is_about_to_open() -> None:
    held = Holding(NEWCOMER, "lawn", Verdict.HOLDS, 0.8, box())

    def young() -> Offence:
        return Offence.begin(stamp(LAST_S + 1), held)

    assert came_out(seen_for_s=0.6, young=young(), threshold_s=0.5) is not None
    assert came_out(seen_for_s=0.4, young=young(), threshold_s=0.5) is None


def test_of_several_who_are_hidden_it_is_the_likeliest() -> None:
    here, beside = Hidden(1), Hidden(2, away_px=40)

    def taken(*hidden: Hidden, **more: Any) -> Track | None:
        out = came_out(*hidden, **more)
        return out.was if out else None

    assert taken(here, beside) == Track(1)  # by place
    assert taken(here, beside, alike={1: 0.65, 2: 0.95}) == Track(2)  # by looks
    # unless it is much farther
    assert taken(here, Hidden(2, away_px=150), alike={1: 0.65, 2: 0.95}) == Track(1)
    brief, long = Hidden(1, since_s=9.0), Hidden(2, away_px=40)
    assert taken(brief, long) == Track(2)  # a box around nobody, perhaps


def test_nobody_is_taken_for_a_thing_or_for_who_is_looked_for_after_a_restart() -> None:
    assert came_out(class_id=3) is None
    assert came_out(Hidden(is_missing=True)) is None


def test_at_a_border_only_who_comes_out_at_once_at_the_same_spot_did_not_come_in_there() -> None:
    at_the_edge, there = Hidden(away_px=360), box(360)
    assert came_out(at_the_edge, after_s=0.4, where=there) is not None
    assert came_out(at_the_edge, after_s=0.6, where=there) is None
    assert came_out(Hidden(away_px=284), after_s=0.4, where=there) is None  # .76 heights away


def test_for_who_was_leaving_the_picture_nobody_is_taken() -> None:
    assert came_out(Hidden(away_px=340, speed=(60.0, 0.0)), where=box(300)) is None
    assert came_out(Hidden(away_px=340), where=box(300)) is not None


@pytest.mark.parametrize(
    ("back_for_s", "taken_for_s", "is_wrong"),
    [(0.4, 2.0, False), (0.5, 2.0, True), (0.6, 2.0, True), (0.6, 4.9, True), (0.6, 5.1, False)],
)
def test_it_was_wrong_where_the_number_before_is_back_for_half_a_second_within_five(
    back_for_s: float, taken_for_s: float, is_wrong: bool
) -> None:
    now_s = 20.0
    offence = Hidden().offence()
    stay = offence.stay
    offence.taken = Taken(
        3, at(now_s - taken_for_s), None, stay.last, stay.last_seen_at, stay.whereabouts, None, 0.0
    )
    offence.taken.back_at = at(now_s - back_for_s)
    tracked = TrackedFrame(
        stamp(now_s),
        np.array([box()], np.float32),
        np.ones(1, np.float32),
        np.ones(1, np.int64),
        np.array([3]),
    )
    wrong = wrongly_taken({Track(1): offence}, Outlook(tracked, lambda _: []))
    assert wrong == ([Track(1)] if is_wrong else [])
    assert (offence.taken is None) == (taken_for_s > 5)
    if is_wrong:
        # unless that one has an offence of their own by now, which events told of
        other = Hidden(3).offence()
        other.state = State.WARNED
        both: dict[OffenceKey, Offence] = {Track(1): offence, Track(3): other}
        assert wrongly_taken(both, Outlook(tracked, lambda _: [])) == []


def test_what_was_wrong_is_undone_and_goes_on_with_what_the_number_before_did_since() -> None:
    def taken_for_3() -> Offence:
        offence = Hidden().offence()
        stay = offence.stay
        offence.taken = Taken(
            3, at(LAST_S), None, stay.last, stay.last_seen_at, stay.whereabouts, None, 0.0
        )
        stay.came_out.append(CameOut(gap_s=1.0, away=0.0, similarity=0.9))
        return offence

    alone: dict[OffenceKey, Offence] = {Track(1): taken_for_3()}
    assert give_back(alone, Track(1)) == Track(3)
    assert [*alone] == [Track(3)] and alone[Track(3)].stay.last.at == at(LAST_S)
    back = Hidden(3).offence()
    back.stay.note(stamp(LAST_S + 5), Holding(Track(3), "lawn", Verdict.HOLDS, 0.8, box()))
    both: dict[OffenceKey, Offence] = {Track(1): taken_for_3(), Track(3): back}
    assert give_back(both, Track(1)) == Track(3)
    assert [*both] == [Track(3)] and both[Track(3)].stay.last.at == at(LAST_S + 5)


def test_who_hardly_moves_is_expected_where_they_were() -> None:
    slow_px = LEAST_SPEED * HEIGHT

    def moved_px(speed_px: float) -> float:
        where = Whereabouts(at(LAST_S), box(), (speed_px, 0.0), 1)
        return where.foresee()[0] - box()[0]

    assert moved_px(slow_px - 1) == 0
    assert moved_px(slow_px + 1) == pytest.approx((slow_px + 1) * AHEAD_S)


@pytest.mark.parametrize(
    ("seen_s", "is_told", "waits_s"),
    [(4.0, False, 12.0), (0.5, False, 2.0), (20.0, False, 30.0), (4.0, True, 30.0)],
)
def test_a_stay_that_is_no_offence_yet_waits_three_times_as_long_as_it_was_seen(
    seen_s: float, is_told: bool, waits_s: float
) -> None:
    """And never shorter than the rule's own gap, nor longer than half a minute."""
    offence = Hidden(since_s=LAST_S - seen_s).offence()
    if is_told:
        offence.state = State.WARNED
    assert tolerance(offence, timedelta(seconds=2)) == timedelta(seconds=waits_s)
