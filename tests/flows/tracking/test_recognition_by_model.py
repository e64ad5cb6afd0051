"""Who comes back is known by the likeness model, where it was asked: also in a uniform; and the record says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from clothed_people import FPS, Walker, links_of, numbers_of, show, views_of, walk_through

from domain.tracks import TrackedFrame
from flows.escalation.out_of_sight.subject_numbers import recognition_by
from flows.tracking.track import CameraTracker

GREEN = views_of((60, 110, 60), (60, 110, 60), seed=3)  # everybody's
ALIKE = 0.3  # the cosine of two strangers, about
NOISE = 0.5


def drawn(seed: int) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=256)
    return np.asarray(made / np.linalg.norm(made))


def vector_of(person: int, view: int) -> np.ndarray:
    """Return what the model would say of one view of somebody."""
    own = (
        ALIKE**0.5 * drawn(0)
        + (1 - ALIKE) ** 0.5 * drawn(person)
        + NOISE * drawn(1000 * person + view)
    )
    return np.asarray(own / np.linalg.norm(own), np.float16)


def follow(
    walkers: Sequence[Walker],
    people: Mapping[int, int],
    until_s: float,
    asked: set[int] | None = None,
    at_turns: set[int] | None = None,
) -> list[TrackedFrame]:
    """Let a tracker follow walkers; `people`: who each walker is.

    `asked`: the walkers the model was asked about, `at_turns`: and in which frames; None: all.
    """
    tracker, told = CameraTracker(FPS, 0.3), []
    for turn in range(round(until_s * FPS)):
        there = [n for n, each in enumerate(walkers) if each.path(turn / FPS) is not None]
        said = [
            vector_of(people[n], turn)
            if (asked is None or n in asked) and (at_turns is None or turn in at_turns)
            else np.zeros(256, np.float16)
            for n in there
        ]
        likeness = np.array(said, np.float16).reshape(-1, 256)
        tracked = tracker.update(replace(show(walkers, turn / FPS, turn), likeness=likeness))
        assert tracked is not None
        told.append(tracked)
    return told


def test_who_returns_in_a_uniform_gets_the_number_back_and_the_record_says_by_what() -> None:
    walkers = [Walker(walk_through(begin, begin + 20, 300), GREEN) for begin in (0, 25, 50)]
    told = follow(walkers, {0: 1, 1: 2, 2: 1}, 65)
    (link,) = links_of(told)
    assert (link.track_id, link.match.how, link.match.is_sure) == (1, "return", True)
    assert link.match.by == "model" and link.match.error <= 0.01
    assert int(told[-1].track_ids[0]) == 1
    assert recognition_by(link.match, "gate").by == "model"


def test_somebody_else_in_the_same_uniform_is_not_even_perhaps_the_same() -> None:
    walkers = [Walker(walk_through(0, 20, 300), GREEN), Walker(walk_through(50, 70, 320), GREEN)]
    told = follow(walkers, {0: 1, 1: 2}, 65)
    assert numbers_of(walkers, told)[0].isdisjoint(numbers_of(walkers, told)[1])
    assert not links_of(told) and not told[-1].matches


def test_of_two_who_left_the_right_one_is_recognised() -> None:
    walkers = [
        Walker(walk_through(0, 20, 250), GREEN),
        Walker(walk_through(2, 22, 500), GREEN),
        Walker(walk_through(50, 70, 320), GREEN),
    ]
    told = follow(walkers, {0: 1, 1: 2, 2: 2}, 65)
    first, second, third = numbers_of(walkers, told)
    assert second & third and not first & third


def test_where_the_model_was_asked_too_seldom_colours_say_it() -> None:
    """Before: one view by the model was enough that colours counted no more, and it says nothing yet."""
    red = views_of((200, 40, 40), (40, 90, 200), seed=1)
    walkers = [Walker(walk_through(0, 20, 300), red), Walker(walk_through(50, 70, 320), red)]
    told = follow(walkers, {0: 1, 1: 1}, 65, at_turns={50, 280})
    (match,) = told[-1].matches.values()
    assert (match.number, match.by, match.is_sure) == (1, "colours", False)


def test_where_one_of_them_was_not_asked_about_colours_say_it_and_the_record_says_so() -> None:
    red = views_of((200, 40, 40), (40, 90, 200), seed=1)
    walkers = [Walker(walk_through(0, 20, 300), red), Walker(walk_through(50, 70, 320), red)]
    for asked in (set(), {0}, {1}):
        told = follow(walkers, {0: 1, 1: 1}, 65, asked)
        assert not links_of(told)
        (match,) = told[-1].matches.values()
        assert (match.by, match.is_sure) == ("colours", False)
        assert recognition_by(match, "gate").by == "colours"
