"""Who comes back: one number goes on only where hardly anybody else could be meant; in doubt it is said so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from clothed_people import Colour, Walker, follow, links_of, numbers_of, views_of, walk_through
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.tracks import LinkKind
from flows.tracking.colours import SIZE
from flows.tracking.likelihood import COLOURS, LikenessKind, Spread, UsualLikeness, likelihood_ratio
from flows.tracking.matching import similarities
from flows.tracking.relink import BestMatch, best_match
from flows.tracking.seen_lately import SeenLately
from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject
from flows.tracking.track import TRACKER_FORMAT, CameraTracker

YELLOW: Colour = (230, 200, 30)
BLUE: Colour = (40, 90, 200)
RED: Colour = (200, 40, 40)
GREY: Colour = (120, 120, 125)
DARK: Colour = (40, 40, 50)

# likenesses that tell people apart who are dressed alike, as those of a model do
TELLING = replace(
    COLOURS,
    name="model",
    doubles=Spread(0.7, 0.15),
    doubles_share=0.01,
    says=lambda subjects: np.ones(len(subjects)),
)


# in clothes of their own
STANDS_BY = Walker(walk_through(10, 99, 600, 420), views_of(YELLOW, GREY, seed=9))


def telling() -> CameraTracker:
    return CameraTracker(5.0, 0.3, kinds=(TELLING,))


def test_who_returns_alone_is_perhaps_the_same_by_colours_and_gets_a_new_number() -> None:
    worn = views_of(RED, BLUE, seed=1)
    walkers = [Walker(walk_through(0, 20, 300), worn), Walker(walk_through(50, 70, 320), worn)]
    told = follow(walkers, 65)
    assert numbers_of(walkers, told) == [{1}, {2}]
    assert not links_of(told)
    match = told[-1].matches[2]
    assert (match.number, match.how, match.is_sure) == (1, "return", False)
    assert match.similarity > 0.95
    assert 0.01 < match.error < 0.5
    # nobody else was seen, so it is compared with what strangers usually are, not taken as unrivalled
    assert match.margin < 0.5


def test_who_returns_gets_the_number_back_by_likenesses_that_tell_more_than_clothes() -> None:
    worn = views_of(RED, BLUE, seed=1)
    walkers = [Walker(walk_through(0, 20, 300), worn), STANDS_BY]
    told = follow([*walkers, Walker(walk_through(50, 70, 320), worn)], 65, telling())
    assert 1 in told[-1].track_ids.tolist()
    (link,) = links_of(told)
    assert (link.track_id, link.match.how, link.match.is_sure) == (1, "return", True)
    assert link.was > 1  # told under a new number for the moments before there were clear views
    assert link.match.error <= 0.01
    # said with every frame, so that a stay that begins later knows it, too
    assert told[-1].matches == {1: link.match}


def test_where_nobody_else_was_ever_seen_who_returns_is_perhaps_the_same() -> None:
    """Before: of two cleaners in one uniform who came one after the other, the second paid for the first."""
    worn = views_of(RED, BLUE, seed=1)
    walkers = [Walker(walk_through(0, 20, 300), worn), Walker(walk_through(50, 70, 320), worn)]
    told = follow(walkers, 65, telling())
    assert not links_of(told)
    (match,) = told[-1].matches.values()
    assert (match.number, match.is_sure) == (1, False)
    assert 0.01 < match.error < 0.5


def test_of_a_camera_that_has_shown_strangers_before_nobody_need_be_there_beside_who_returns() -> (
    None
):
    wanted, usual = SubjectSettings(), UsualLikeness()
    one, again = (_dressed(number, at_s) for number, at_s in ((1, 0.0), (0, 60.0)))
    parts = np.array([[0, 0, 768, 576]], np.float32)
    lately = SeenLately([one], [again], [again], parts, TELLING, wanted)
    alone = best_match(again, lately, usual, wanted)
    usual.note(0.3)
    later = best_match(again, lately, usual, wanted)
    assert alone is not None and later is not None
    assert (alone.is_sure(wanted), later.is_sure(wanted)) == (False, True)


def _dressed(number: int, at_s: float) -> Subject:
    subject = Subject.begin(at_s, np.array([300, 240, 340, 360]), 0.8, 1, SubjectSettings())
    subject.number = number
    for worn in views_of(RED, BLUE, seed=1):
        subject.look_at(worn, SubjectSettings())
    return subject


def test_somebody_else_is_not_even_perhaps_the_same() -> None:
    walkers = [
        Walker(walk_through(0, 20, 300), views_of(RED, BLUE, seed=1)),
        Walker(walk_through(50, 70, 320), views_of(YELLOW, GREY, seed=2)),
    ]
    told = follow(walkers, 65)
    assert numbers_of(walkers, told) == [{1}, {2}]
    assert not any(each.matches for each in told)


@pytest.mark.parametrize("x", [310, 610])
@pytest.mark.parametrize("bystanders", [0, 1, 2])
def test_a_courier_in_the_same_jacket_does_not_become_the_one_before(
    x: float, bystanders: int
) -> None:
    walkers = [
        Walker(walk_through(0, 20, 300), views_of(YELLOW, DARK, seed=1)),
        Walker(walk_through(80, 100, x), views_of(YELLOW, DARK, seed=2, light=0.97)),
        *(
            Walker(walk_through(-99, 999, x, y), views_of(YELLOW, DARK, seed=3))
            for x, y in [(100.0, 60.0), (600.0, 420.0)][:bystanders]
        ),
    ]
    told = follow(walkers, 95)
    one, other = numbers_of(walkers, told)[:2]
    assert one and other
    assert not one & other


def test_whoever_stands_there_in_the_same_clothes_makes_a_return_doubtful() -> None:
    worn = views_of(YELLOW, DARK, seed=1)
    walkers = [Walker(walk_through(0, 20, 300), worn), Walker(walk_through(50, 70, 320), worn)]
    unlike = follow([*walkers, STANDS_BY], 65, telling())
    assert [link.track_id for link in links_of(unlike)] == [1]
    witness = Walker(walk_through(10, 99, 660, 60), views_of(YELLOW, DARK, seed=3))
    told = follow([*walkers, STANDS_BY, witness], 65, telling())
    assert not links_of(told)
    one, other, *_ = numbers_of([*walkers, STANDS_BY, witness], told)
    assert not one & other


@pytest.mark.parametrize(("alike", "goes_on"), [(0.97, True), (0.93, True), (0.84, False)])
def test_how_alike_somebody_must_be_after_an_occlusion(alike: float, goes_on: bool) -> None:
    worn = np.eye(SIZE, dtype=np.float32)[[3, 200]]  # of one colour each, both light
    other = alike * worn[0] + np.sqrt(1 - alike**2) * worn[1]

    def hidden(from_s: float, to_s: float) -> Callable[[float], tuple[float, ...] | None]:
        return lambda at_s: (300, 200, 340, 320) if from_s <= at_s < to_s else None

    walkers = [
        Walker(hidden(0, 6), worn[:1].astype(np.float16)),  # type: ignore[arg-type]
        Walker(hidden(9, 15), other[None].astype(np.float16)),  # type: ignore[arg-type]
    ]
    told = follow(walkers, 15)
    assert ({link.match.how for link in links_of(told)} == {"occlusion"}) is goes_on
    assert (int(told[-1].track_ids[0]) == 1) is goes_on


def test_somebody_across_the_room_was_not_hidden() -> None:
    worn = views_of(RED, BLUE, seed=1)

    def stands(x: float, from_s: float, to_s: float) -> Walker:
        box = (x, 300.0, x + 20, 350.0)
        return Walker(lambda at_s: box if from_s <= at_s < to_s else None, worn)

    near, far = (
        [stands(100, 0, 6), stands(x, 9, 15)]  # three seconds later, one or six heights away
        for x in (150, 400)
    )
    assert [link.match.how for link in links_of(follow(near, 15))] == ["occlusion"]
    assert not links_of(follow(far, 15))


def test_in_the_dark_likeness_says_nothing() -> None:
    stays = [(300.0, 0.0, 8.0), (310.0, 11.0, 19.0)]

    def play(light: float) -> list[Walker]:
        worn = views_of(RED, BLUE, 1, light=light), views_of(BLUE, DARK, 2, light=light)
        return [
            Walker(lambda at_s, stay=stay: _standing(at_s, *stay), views)  # type: ignore[misc]
            for stay, views in zip(stays, worn, strict=True)
        ]

    for light in (1.0, 0.2, 0.1):
        walkers = play(light)
        told = follow(walkers, 19)
        assert not links_of(told), light
        one, other = numbers_of(walkers, told)
        assert not one & other, light


def _standing(
    at_s: float, x: float, from_s: float, to_s: float
) -> tuple[float, float, float, float] | None:
    return (x, 200.0, x + 40, 320.0) if from_s <= at_s < to_s else None


def test_in_the_dark_smaller_differences_count() -> None:
    def apart(light: float) -> float:
        one, other = (
            views_of(top, legs, seed, light=light)
            for seed, (top, legs) in enumerate([(RED, GREY), (BLUE, GREY)])
        )
        subject = Subject.begin(0, np.array([0, 0, 40, 120]), 0.8, 1, SubjectSettings())
        subject.looks = one[0]
        same, different = similarities([subject], np.array([one[1], other[1]]), 2)[0].tolist()
        assert same > different
        plain = float(one[0].astype(np.float32) @ other[1].astype(np.float32))
        return float(different) / plain

    assert apart(1.0) == pytest.approx(1, abs=0.01)
    assert apart(0.2) < 0.9


def test_the_numbers_of_two_who_pass_each_other_at_night_stay_theirs() -> None:
    def crossing(begin: float, speed: float, y: float) -> Callable[[float], tuple[float, ...]]:
        return lambda at_s: (begin + speed * at_s, y, begin + speed * at_s + 40, y + 120)

    walkers = [
        Walker(crossing(100, 30, 200), views_of(RED, GREY, 1, light=0.25)),  # type: ignore[arg-type]
        Walker(crossing(400, -30, 204), views_of(BLUE, DARK, 2, light=0.25)),  # type: ignore[arg-type]
    ]
    told = follow(walkers, 10)
    assert numbers_of(walkers, told[:15]) == numbers_of(walkers, told[-15:])


def test_somebody_who_is_seen_clearly_only_later_is_still_compared() -> None:
    worn = views_of(RED, BLUE, seed=1)
    before = Walker(walk_through(0, 20, 300), worn)
    # who comes back stands behind somebody for ten seconds first
    companion = Walker(walk_through(47, 62, 340), views_of(YELLOW, GREY, seed=2))
    again = Walker(walk_through(47.1, 90, 330), worn)
    told = follow([before, companion, again], 85, CameraTracker(5.0, 0.3, kinds=(TELLING,)))
    assert [link.track_id for link in links_of(told)] == [1]
    assert links_of(told)[0].match.how == "return"


def test_a_return_is_looked_for_as_long_as_it_is_asked_for() -> None:
    def undecided_s(**asked: float) -> float:
        tracker = CameraTracker(5.0, 0.3, **asked)  # type: ignore[arg-type]
        walker = Walker(walk_through(0, 99, 300), views_of(RED, BLUE, seed=1))
        for second in range(1, 60):
            follow([walker], second, tracker, from_s=second - 1)
            (subject,) = TRACKER_FORMAT.restore(tracker.save()).subjects.here
            if subject.is_decided:
                return second
        return 60

    assert undecided_s() < 6
    assert undecided_s(decide_within_s=30) >= 30


def test_no_more_people_are_remembered_than_the_settings_say() -> None:
    tracker = CameraTracker(5.0, 0.3, settings=SubjectSettings(max_remembered=3))
    walkers = [
        Walker(walk_through(12 * turn, 12 * turn + 10, 300), views_of(RED, BLUE, seed=turn))
        for turn in range(6)
    ]
    follow(walkers, 80, tracker)
    remembered = TRACKER_FORMAT.restore(tracker.save()).subjects.gone
    assert [each.number for each in remembered] == [4, 5, 6]  # the last who came


def test_how_alike_strangers_are_here_is_learnt_from_those_seen_together() -> None:
    def usual(worn: list[np.ndarray]) -> UsualLikeness:
        tracker = CameraTracker(5.0, 0.3)
        walkers = [
            Walker(walk_through(row, 14 + 2 * row, 300, 20 + 180 * row), views)
            for row, views in enumerate(worn)
        ]
        follow(walkers, 30, tracker)
        return TRACKER_FORMAT.restore(tracker.save()).subjects.usual[COLOURS.name]

    uniforms = usual([views_of(YELLOW, DARK, seed=seed) for seed in range(3)])
    mixed = usual([views_of(RED, BLUE, 1), views_of(YELLOW, GREY, 2), views_of(BLUE, DARK, 3)])
    assert uniforms.pairs == mixed.pairs == 3
    assert uniforms.typical(COLOURS) > UsualLikeness().typical(COLOURS) > mixed.typical(COLOURS)


def test_evidence_is_weaker_in_the_dark_in_uniform_and_where_others_look_the_same() -> None:
    usual = UsualLikeness()
    plain = likelihood_ratio(0.97, TELLING, usual)
    assert plain > 50
    assert likelihood_ratio(0.97, TELLING, usual, says=0.1) < 2
    assert likelihood_ratio(0.97, TELLING, usual, says=0.0) == pytest.approx(1.0)
    assert likelihood_ratio(0.93, TELLING, usual, as_alike=2, asked=4) < (
        likelihood_ratio(0.93, TELLING, usual, as_alike=0, asked=4) / 1.5
    )
    assert likelihood_ratio(0.97, COLOURS, usual) <= 1 / COLOURS.doubles_share
    for _ in range(200):
        usual.note(0.9)  # everybody here wears the same
    assert likelihood_ratio(0.97, TELLING, usual) < plain / 3
    ratios = [likelihood_ratio(alike, COLOURS, UsualLikeness()) for alike in (0.3, 0.7, 0.9, 0.99)]
    assert ratios == sorted(ratios)


@st.composite
def squads(draw: st.DrawFn) -> list[tuple[float, float, float]]:
    """Draw when people in one uniform come to one of three places, how long they stay, and where."""
    people, free_at = [], [0.0, 0.0, 0.0]
    for _ in range(draw(st.integers(2, 6))):
        lane = draw(st.integers(0, 2))
        begin = free_at[lane] + draw(st.sampled_from([0.6, 1.0, 2.2, 5.0, 20.0]))
        end = begin + draw(st.integers(9, 15))
        free_at[lane] = end
        people.append((begin, end, 20.0 + 180 * lane))
    return people


@pytest.mark.parametrize("kind", [COLOURS, TELLING], ids=lambda kind: kind.name)
@settings(max_examples=12, deadline=None)
@given(squads(), st.integers(0, 1000), st.sampled_from([300.0, 420.0]))
def test_nobody_in_uniform_pays_for_another(
    kind: LikenessKind, squad: list[tuple[float, float, float]], seed: int, x: float
) -> None:
    walkers = [
        Walker(walk_through(begin, end, x, y), views_of(YELLOW, DARK, seed + row, count=3))
        for row, (begin, end, y) in enumerate(squad)
    ]
    if kind is TELLING:  # by which people in one uniform differ
        walkers = [
            replace(each, views=_of_a_person(each.views, seed + 7 * row))
            for row, each in enumerate(walkers)
        ]
    told = follow(walkers, max(end for _, end, _ in squad), CameraTracker(5.0, 0.3, kinds=(kind,)))
    numbers = numbers_of(walkers, told)
    for row, one in enumerate(numbers):
        for other in numbers[:row]:
            assert not one & other


def _of_a_person(views: np.ndarray, seed: int) -> np.ndarray:
    """Add to a uniform what is a person's own: about .6 alike remain."""
    own = np.abs(np.random.default_rng(seed).normal(size=(1, SIZE))) * 0.07
    worn = views.astype(np.float32) + own
    return np.asarray(worn / np.linalg.norm(worn, axis=1, keepdims=True), np.float16)


@pytest.mark.parametrize("how", ["occlusion", "return"])
def test_a_rival_who_looks_as_much_like_it_makes_a_match_doubtful_or_not_worth_saying(
    how: LinkKind,
) -> None:
    wanted = SubjectSettings()
    earlier = Subject.begin(0, np.array([0, 0, 40, 120]), 0.8, 1, wanted)

    def match(margin: float, error: float) -> BestMatch:
        return BestMatch(earlier, how, 0.93, margin, error)

    assert match(margin=0.09, error=0.009).is_sure(wanted)
    assert not match(margin=0.07, error=0.009).is_sure(wanted)
    assert match(margin=0.03, error=0.3).is_worth_saying(wanted)
    assert not match(margin=-0.1, error=0.009).is_worth_saying(wanted)


def test_a_colleague_in_view_is_enough_that_nobody_is_known_by_the_uniform_after_an_occlusion() -> (
    None
):
    """Before: whoever came up near somebody hidden got their number, however many stood there dressed alike."""
    one, other, colleague = (views_of(YELLOW, DARK, seed=seed) for seed in (1, 2, 3))
    hidden = Walker(lambda at_s: _standing(at_s, 300, 0, 8), one)
    comes_up = Walker(lambda at_s: _standing(at_s, 320, 11, 19), other)
    stands_by = Walker(lambda at_s: _standing(at_s, 600, 0, 19), colleague)
    assert [each.match.how for each in links_of(follow([hidden, comes_up], 19))] == ["occlusion"]
    walkers = [hidden, comes_up, stands_by]
    told = follow(walkers, 19)
    assert not links_of(told)
    numbers = numbers_of(walkers, told)
    assert not numbers[0] & numbers[1]
