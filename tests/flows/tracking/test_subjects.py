"""One person, one number: through switches, hiding, crossings, restarts; and nobody else's."""

from __future__ import annotations

import pickle
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from people import stamp
from plain_frames import detections

from domain.detections import Detections
from domain.frames import SampledFrame
from domain.tracks import SubjectLink, TrackedFrame
from flows.tracking.colours import SIZE, with_appearances
from flows.tracking.track import TRACKER_FORMAT, CameraTracker

Box = tuple[float, float, float, float]
Person = tuple[str, Callable[[float], Box | None]]  # clothes, where at a time

CLOTHES = {
    "red": np.eye(SIZE, dtype=np.float32)[3] + np.eye(SIZE, dtype=np.float32)[200],
    "blue": np.eye(SIZE, dtype=np.float32)[60] + np.eye(SIZE, dtype=np.float32)[160],
}
CLOTHES = {name: worn / np.linalg.norm(worn) for name, worn in CLOTHES.items()}
FPS = 5


def stands(x: float, *, from_s: float = 0.0, to_s: float = 1e9) -> Callable[[float], Box | None]:
    return lambda at_s: (x, 200, x + 30, 280) if from_s <= at_s < to_s else None


def seen(at_s: float, people: list[Person]) -> Detections:
    """Return what the detector would see: everybody who is there, described by their clothes."""
    there = [(clothes, box) for clothes, where in people if (box := where(at_s)) is not None]
    found = detections(at_s, [box for _, box in there])
    worn = np.array([CLOTHES[clothes] for clothes, _ in there], np.float16).reshape(-1, SIZE)
    return replace(found, appearances=worn)


def watch(
    people: list[Person], times: list[float], tracker: CameraTracker | None = None
) -> list[TrackedFrame]:
    tracker = tracker or CameraTracker(FPS, 0.3)
    told = [tracker.update(seen(at_s, people)) for at_s in times]
    return [each for each in told if each is not None]


def every(from_s: float, to_s: float) -> list[float]:
    return [round(n / FPS, 3) for n in range(round(from_s * FPS), round(to_s * FPS))]


def numbers_at(told: list[TrackedFrame], x: float) -> list[int]:
    """Return the numbers of whoever stood there, in order, each once."""
    numbers = [
        int(number)
        for each in told
        for box, number in zip(each.boxes_xyxy, each.track_ids, strict=True)
        if abs(float(box[0]) - x) < 10
    ]
    return list(dict.fromkeys(numbers))


def links(told: list[TrackedFrame]) -> list[SubjectLink]:
    return [link for each in told for link in each.links]


def test_somebody_hidden_for_some_seconds_keeps_the_number_and_the_record_says_how_sure() -> None:
    def hidden(at_s: float) -> Box | None:
        return None if 4 <= at_s < 8 else (100, 200, 130, 280)

    told = watch([("red", hidden)], every(0, 12))
    assert numbers_at(told, 100) == [1]
    (link,) = links(told)
    assert (link.track_id, link.match.how) == (1, "occlusion")
    assert link.match.gap_s > 3.5
    assert link.match.similarity > 0.99
    assert 0 < link.match.error < 0.01


def test_somebody_else_in_the_same_place_gets_another_number() -> None:
    people = [("red", stands(100, to_s=4)), ("blue", stands(100, from_s=6))]
    told = watch(people, every(0, 10))
    assert numbers_at(told, 100) == [1, 2]
    assert not links(told)


def test_somebody_under_a_lamp_that_goes_on_keeps_the_number() -> None:
    people = [("red", stands(100, to_s=5)), ("blue", stands(100, from_s=5))]
    assert numbers_at(watch(people, every(0, 10)), 100) == [1]


def test_neighbours_who_cross_keep_their_numbers() -> None:
    people: list[Person] = [
        ("red", lambda at_s: (100 + 30 * at_s, 200, 130 + 30 * at_s, 280)),
        ("blue", lambda at_s: (400 - 30 * at_s, 200, 430 - 30 * at_s, 280)),
    ]
    told = watch(people, every(0, 10))
    first = dict(zip(told[5].boxes_xyxy[:, 0] < 250, told[5].track_ids, strict=True))
    last = dict(zip(told[-1].boxes_xyxy[:, 0] > 250, told[-1].track_ids, strict=True))
    assert first == last  # who began on the left ends on the right
    assert set(first) == {True, False}


def test_a_neighbour_passing_in_front_takes_no_number() -> None:
    def walker(at_s: float) -> Box:
        return (40 * at_s, 190, 40 * at_s + 35, 285)

    def covered(at_s: float) -> Box | None:
        return None if abs(40 * at_s - 200) < 30 else (200, 200, 230, 280)

    told = watch([("red", covered), ("blue", walker)], every(0, 12))
    waiting = [
        [int(n) for b, n in zip(each.boxes_xyxy, each.track_ids, strict=True) if b[0] - 200 < 5]
        for each in (told[10], told[-1])
    ]
    assert waiting[0] and waiting[1]
    assert set(waiting[1]) <= set(waiting[0])


def test_who_returns_after_the_window_is_new() -> None:
    people = [("red", stands(100, to_s=5)), ("red", stands(110, from_s=60))]
    told = watch(people, every(0, 70), CameraTracker(FPS, 0.3, repeat_window_s=50))
    assert int(told[-1].track_ids[0]) > 1
    assert not links(told)
    assert not told[-1].matches


def test_nothing_of_people_remains_after_the_window() -> None:
    tracker = CameraTracker(FPS, 0.3, repeat_window_s=50)
    watch([("red", stands(100, to_s=5))], every(0, 6), tracker)
    red = b64encode(CLOTHES["red"].astype(np.float16).tobytes())
    assert red in pickle.dumps(tracker.save())
    watch([], every(6, 60), tracker)
    forgotten = pickle.dumps(tracker.save())
    assert len(forgotten) < 300
    assert red not in forgotten


def test_two_who_look_the_same_are_not_guessed_between() -> None:
    people = [
        ("red", stands(100, to_s=5)),
        ("red", stands(300, to_s=5)),
        ("red", stands(200, from_s=30)),
    ]
    told = watch(people, every(0, 40))
    assert numbers_at(told, 200) == [3]


def test_a_subject_takes_less_than_two_kilobytes() -> None:
    tracker = CameraTracker(FPS, 0.3)
    watch([("red", stands(100))], every(0, 10), tracker)
    one = len(pickle.dumps(tracker.save()))
    watch([("red", stands(100)), ("blue", stands(300))], every(10, 20), tracker)
    assert len(pickle.dumps(tracker.save())) - one < 2048


def test_colours_are_those_of_the_person_and_not_of_the_picture_around() -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    image[50:130, 50:90] = (200, 30, 30)
    image[50:130, 150:190] = (30, 30, 200)
    boxes = [(128.0, 96.0, 230.4, 249.6), (384.0, 96.0, 486.4, 249.6)]  # of 768x576
    found = detections(0, boxes)
    weak = replace(found, scores=np.array([0.8, 0.1], np.float32))
    frame = SampledFrame(stamp(0, "north"), image)
    red, blue = with_appearances(found, frame).appearances.astype(np.float32)  # type: ignore[union-attr]
    assert red @ red > 0.99
    assert red @ blue == 0
    assert not with_appearances(weak, frame).appearances[1].any()  # type: ignore[index]


@st.composite
def crowds(draw: st.DrawFn) -> list[Person]:
    """Draw a few people who come, stand and go, in one of two kinds of clothes."""

    def one() -> Person:
        start = draw(st.integers(0, 20))
        where = stands(
            60 * draw(st.integers(0, 11)), from_s=start, to_s=start + draw(st.integers(1, 15))
        )
        return draw(st.sampled_from(sorted(CLOTHES))), where

    return [one() for _ in range(draw(st.integers(1, 5)))]


@settings(max_examples=30, deadline=None)
@given(crowds(), st.sets(st.integers(0, 149)))
def test_nobody_shares_a_number_with_somebody_seen_at_the_same_time(
    people: list[Person], missed: set[int]
) -> None:
    times = [at_s for row, at_s in enumerate(every(0, 30)) if row not in missed]
    for each in watch(people, times):
        assert len(set(each.track_ids.tolist())) == len(each.track_ids)


@settings(max_examples=30, deadline=None)
@given(crowds(), st.integers(1, 149), st.integers(0, 20))
def test_a_restart_and_a_replay_change_no_number(
    people: list[Person], cut: int, replayed: int
) -> None:
    times = every(0, 30)
    whole = watch(people, times)
    first = CameraTracker(FPS, 0.3)
    told = watch(people, times[:cut], first)
    second = CameraTracker(FPS, 0.3)
    second.restore(pickle.loads(pickle.dumps(first.save())))
    told += watch(people, times[max(0, cut - replayed) :], second)
    assert [each.track_ids.tolist() for each in told] == [e.track_ids.tolist() for e in whole]
    assert [each.links for each in told] == [each.links for each in whole]


def test_a_weak_box_of_somebody_who_looks_otherwise_is_not_taken_for_them() -> None:
    def weak_and_blue(at_s: float) -> Detections:
        found = seen(at_s, [("red" if at_s < 3 else "blue", stands(100))])
        return replace(found, scores=found.scores if at_s < 3 else np.array([0.3], np.float32))

    tracker = CameraTracker(FPS, 0.3)
    told = [
        each for at_s in every(0, 5) if (each := tracker.update(weak_and_blue(at_s))) is not None
    ]
    assert [len(each) for each in told if each.frame.media_time_s >= 3] == [0] * 10


def test_a_box_around_two_teaches_nothing_of_what_one_of_them_looks_like() -> None:
    mixed = CLOTHES["red"] + CLOTHES["blue"]
    worn = (mixed / np.linalg.norm(mixed))[None].astype(np.float16)
    tracker = CameraTracker(FPS, 0.3)
    watch([("red", stands(100)), ("blue", stands(128))], every(0, 3), tracker)
    before = looks(tracker)
    for at_s in every(3, 4.4):
        around_both = replace(detections(at_s, [(102, 200, 142, 280)]), appearances=worn)
        told = tracker.update(around_both)
        assert told is not None and len(told) == 1
    assert sorted(before) == [1, 2]
    assert all(np.array_equal(looks(tracker)[number], worn) for number, worn in before.items())


def looks(tracker: CameraTracker) -> dict[int, np.ndarray]:
    """Return what is kept of everybody's colours."""
    here = TRACKER_FORMAT.restore(tracker.save()).subjects.here
    return {each.number: each.looks for each in here if each.looks is not None}
