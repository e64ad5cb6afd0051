"""Scenes that are made up, and copies that are made: each does what it says."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality.crowd import (
    MISSED,
    OWN_CLOTHES,
    PEOPLE,
    UNIFORM,
    _is_hidden,
    crowd,
    judge,
    people_of,
)
from benchmarks.quality.darkness import GAIN, darken
from benchmarks.quality.trials import SCENES
from benchmarks.quality.uniforms import Actor, in_uniform
from benchmarks.quality.uniforms import judge as judge_pair


def test_every_box_of_the_crowd_is_near_the_person_whom_its_score_names() -> None:
    shown = 0
    for seen, boxes in list(crowd(5.0, OWN_CLOTHES))[:50]:
        people = people_of(seen.scores)
        assert len(set(people.tolist())) == len(people)
        assert np.abs(seen.boxes_xyxy - boxes[people]).max() < 10
        shown += len(people)
    assert (1 - MISSED) * 0.8 < shown / (50 * PEOPLE) < 1 - MISSED


def test_who_stands_behind_somebody_has_no_box() -> None:
    far, near, aside = (100, 100, 124, 160), (106, 110, 130, 170), (300, 100, 324, 160)
    assert _is_hidden(np.array([far, near, aside], float)).tolist() == [True, False, False]


def test_a_crowd_is_judged_the_same_each_time() -> None:
    assert judge(2.5, UNIFORM) == judge(2.5, UNIFORM)


def test_darkness_keeps_a_share_of_the_light_and_is_the_same_each_time() -> None:
    picture = np.full((60, 80, 3), 200, np.uint8)
    assert darken(picture, 3).mean() == pytest.approx(200 * GAIN, abs=1)
    assert darken(picture, 3).std() > 3
    assert (darken(picture, 3) == darken(picture, 3)).all()
    assert (darken(picture, 3) != darken(picture, 4)).any()


def test_paint_hides_the_clothes_and_keeps_the_shading() -> None:
    red = np.zeros((100, 40, 3), np.uint8)
    red[..., 0] = np.linspace(60, 240, 100)[:, None]
    blue = red[..., ::-1]
    one, other = in_uniform(red), in_uniform(blue)
    assert (one[20:90, 8:32] == other[20:90, 8:32]).all()
    assert one[80, 20, 1] > 2 * one[20, 20, 1]
    assert (one[:10] == red[:10]).all()


def test_actors_come_and_go() -> None:
    crop = np.zeros((140, 40, 3), np.uint8)
    actor = Actor(1, [crop], x=300.0, foot_y=400.0, from_s=10.0, to_s=18.0)
    assert actor.box_at(7.9) is None
    assert actor.box_at(10.0) == (280.0, 260.0, 320.0, 400.0) == actor.box_at(18.0)
    at_the_edge = actor.box_at(8.0)
    assert at_the_edge is not None and at_the_edge[0] == 0.0
    assert actor.box_at(20.1) is None


def test_nobody_in_blue_is_taken_for_somebody_in_red() -> None:
    rng = np.random.default_rng(0)
    red, blue = (
        [np.clip(np.array(colour) + rng.normal(0, 9, (120, 40, 3)), 0, 255).astype(np.uint8)]
        for colour in ((200, 40, 40), (40, 40, 200))
    )
    marks = judge_pair(red, blue, (), np.random.default_rng(1))
    assert not marks.is_repeat and not marks.is_linked


def test_scenes_have_an_outcome_or_go_on() -> None:
    for scene in SCENES.values():
        assert set(scene()) <= {"complied", "lapsed", "unknown", "merged"}
