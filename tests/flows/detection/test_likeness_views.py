"""Whose likeness is asked for: a few views of whoever is new, one now and then, none of the rest."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from plain_frames import detections

from domain.detections import Detections
from flows.detection.likeness_views import LikenessViews
from flows.tracking.likeness_times import ENOUGH_VIEWS

Box = tuple[float, float, float, float]
HERE: Box = (100, 200, 130, 280)
THERE: Box = (400, 200, 430, 280)


def times(fps: float, from_s: float, to_s: float) -> list[float]:
    return [n / fps for n in range(round(from_s * fps), round(to_s * fps))]


def chosen(seen: Detections, views: LikenessViews | None = None) -> list[int]:
    """Return whom is asked about once they have been there for half a second."""
    views = views or LikenessViews()
    for at_s in (0, 0.5):
        later = detections(at_s, [], seen.frame.camera_id).frame
        rows = views.choose(replace(seen, frame=later))
    return sorted(rows.tolist())


def asked_at(views: LikenessViews, seen: list[Detections]) -> list[float]:
    return [each.frame.media_time_s for each in seen if len(views.choose(each))]


@pytest.mark.parametrize("fps", [1, 2.5, 5, 10, 25])
def test_somebody_who_stands_is_asked_about_five_times_and_then_each_ten_seconds(fps) -> None:
    asked = asked_at(LikenessViews(), [detections(t, [HERE]) for t in times(fps, 0, 60)])
    assert len(asked) == 10
    assert asked[0] >= 0.4 and asked[4] <= max(2.9, 5 / fps)
    assert [at_s // 10 for at_s in asked[5:]] == [1, 2, 3, 4, 5]


def test_everybody_in_a_picture_counts_for_themselves_and_cameras_do_not_mix() -> None:
    views = LikenessViews()
    counts: Counter[int] = Counter()
    for at_s in times(5, 0, 4):
        for camera_id in ("north", "south"):
            counts.update(views.choose(detections(at_s, [HERE, THERE], camera_id)).tolist())
    assert counts == {0: 10, 1: 10}


def test_a_walker_is_the_same_from_frame_to_frame() -> None:
    """0.75 of their height each second, also where they are looked at twice a second only."""
    for fps in (2.5, 5, 10, 25):
        walk = [detections(t, [(50 + 60 * t, 200, 82 + 60 * t, 280)]) for t in times(fps, 0, 9)]
        assert len(asked_at(LikenessViews(), walk)) == 5, fps


def test_who_was_away_for_some_seconds_is_new_again() -> None:
    views = LikenessViews()
    asked_at(views, [detections(t, [HERE]) for t in times(5, 0, 4)])
    assert asked_at(views, [detections(t, []) for t in times(5, 4, 7)]) == []
    assert len(asked_at(views, [detections(t, [HERE]) for t in times(5, 7, 9.9)])) == 5


def test_whoever_comes_where_somebody_was_a_moment_ago_is_asked_about_as_well() -> None:
    """Before: nobody asked for ten seconds, and who came back there was never known again."""
    views = LikenessViews()
    assert len(asked_at(views, [detections(t, [HERE]) for t in times(5, 0, 4)])) == 5
    assert asked_at(views, [detections(t, []) for t in times(5, 4, 4.6)]) == []
    assert len(asked_at(views, [detections(t, [HERE]) for t in times(5, 4.6, 9.9)])) >= ENOUGH_VIEWS


def test_whoever_comes_out_of_a_group_is_asked_about_as_well() -> None:
    views, beside = LikenessViews(), (115, 200, 145, 280)
    assert len(asked_at(views, [detections(t, [HERE]) for t in times(5, 0, 4)])) == 5
    assert asked_at(views, [detections(t, [HERE, beside]) for t in times(5, 4, 5)]) == []
    assert len(asked_at(views, [detections(t, [HERE]) for t in times(5, 5, 9.9)])) >= ENOUGH_VIEWS


@pytest.mark.parametrize("fps", [2.5, 5, 10])
def test_who_is_missed_in_a_frame_is_not_somebody_else(fps: float) -> None:
    views = LikenessViews()
    seen = [detections(t, [HERE] if n % 3 else []) for n, t in enumerate(times(fps, 0, 9.9))]
    assert len(asked_at(views, seen)) == 5


def test_only_clear_views_of_people_are_asked_about() -> None:
    overlapped = detections(0, [HERE, (115, 200, 145, 280), THERE])
    assert chosen(overlapped) == [2]
    cut = detections(0, [(0, 200, 30, 280), THERE, (740, 200, 768, 280)])
    assert chosen(cut) == [1]
    van = replace(detections(0, [HERE, THERE]), class_ids=np.array([3, 1]))
    assert chosen(van) == [1]
    weak = replace(detections(0, [HERE, THERE]), scores=np.array([0.25, 0.8], np.float32))
    assert chosen(weak) == [1]
    assert chosen(detections(0, [])) == []


def test_who_is_there_for_a_moment_only_is_not_asked_about() -> None:
    views = LikenessViews()
    assert asked_at(views, [detections(t, [HERE]) for t in times(10, 0, 0.4)]) == []
    assert asked_at(views, [detections(0.4, [HERE])]) == [0.4]


def test_only_who_stands_where_a_rule_looks_or_near_it_is_asked_about() -> None:
    """HERE stands at (.15, .49) of the picture, THERE at (.54, .49)."""
    for area, rows in (
        ((0.1, 0.4, 0.3, 0.6), [0]),
        ((0.19, 0.4, 0.3, 0.6), [0]),  # a step away
        ((0.25, 0.4, 0.3, 0.6), []),
        ((0.5, 0.0, 0.6, 0.4), []),  # where the body is and the feet are not
        ((0.0, 0.0, 1.0, 1.0), [0, 1]),
    ):
        asked = LikenessViews(lambda camera_id, area=area: [area] if camera_id == "north" else [])
        assert chosen(detections(0, [HERE, THERE]), asked) == rows, area
    elsewhere = LikenessViews(
        lambda camera_id: [(0.8, 0.8, 0.9, 0.9)] if camera_id == "north" else []
    )
    assert chosen(detections(0, [HERE, THERE], "south"), elsewhere) == [0, 1]


def test_a_view_becomes_due_when_somebody_comes_free() -> None:
    views = LikenessViews()
    hidden = [detections(t, [HERE, (115, 200, 145, 280)]) for t in times(5, 0, 2)]
    assert asked_at(views, hidden) == []
    assert asked_at(views, [detections(2, [HERE])]) == [2]


def test_of_a_group_that_comes_in_some_are_asked_about_in_each_frame_until_all_were() -> None:
    views, group = LikenessViews(), [(x, 200.0, x + 30, 280.0) for x in range(40, 740, 70)]
    asked = [views.choose(detections(t, group)).tolist() for t in times(10, 0, 0.8)]
    assert [len(each) for each in asked[:7]] == [0, 0, 0, 0, 3, 3, 3]
    assert {row for rows in asked for row in rows} == set(range(10))


def test_another_run_of_a_reader_begins_anew() -> None:
    views = LikenessViews()
    seen = [detections(t, [HERE]) for t in times(5, 0, 4)]
    assert len(asked_at(views, seen)) == 5
    later = [replace(each, frame=replace(each.frame, run="b")) for each in seen]
    assert len(asked_at(views, later)) == 5
