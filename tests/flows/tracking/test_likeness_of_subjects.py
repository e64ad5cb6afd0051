"""What the likeness model says of somebody stays with them, is limited, outlives a restart, and goes."""

from __future__ import annotations

import json
import pickle
from base64 import b64encode
from dataclasses import replace

import numpy as np
import pytest
from plain_frames import detections

from domain.detections import Detections
from domain.errors import PutAside
from flows.tracking.colours import SIZE
from flows.tracking.subject import Subject
from flows.tracking.track import TRACKER_FORMAT, CameraTracker

HERE = (100.0, 200.0, 130.0, 280.0)
WORN = np.eye(SIZE, dtype=np.float16)[3][None]


def vector(number: int) -> np.ndarray:
    drawn = np.random.default_rng(number).normal(size=256)
    return (drawn / np.linalg.norm(drawn)).astype(np.float16)


def seen(at_s: float, likeness: np.ndarray | None) -> Detections:
    given = None if likeness is None else likeness[None]
    return replace(detections(at_s, [HERE]), appearances=WORN, likeness=given)


def subject_of(tracker: CameraTracker) -> Subject:
    (subject,) = TRACKER_FORMAT.restore(tracker.save()).subjects.here
    return subject


def watch(tracker: CameraTracker, times: list[float], number: int = 1) -> CameraTracker:
    for at_s in times:
        tracker.update(seen(at_s, vector(number)))
    return tracker


def every(from_s: float, to_s: float, fps: float = 5) -> list[float]:
    return [n / fps for n in range(round(from_s * fps), round(to_s * fps))]


@pytest.mark.parametrize("fps", [2.5, 5, 25])
def test_five_views_of_somebody_new_count_and_then_one_in_ten_seconds(fps: float) -> None:
    tracker = watch(CameraTracker(fps, 0.3), every(0, 9.6, fps))
    assert subject_of(tracker).likeness_views == 5
    watch(tracker, every(9.6, 60, fps))
    assert subject_of(tracker).likeness_views == 10


def test_it_is_the_mean_of_what_was_said_of_unit_length() -> None:
    tracker = CameraTracker(5, 0.3)
    said = {0.0: vector(1), 0.6: vector(2), 0.8: vector(3)}  # the last one is too soon to count
    for at_s in every(0, 3):
        tracker.update(seen(at_s, said.get(at_s, np.zeros(256, np.float16))))
    kept = subject_of(tracker)
    mean = vector(1).astype(np.float32) + vector(2).astype(np.float32)
    assert kept.likeness is not None and kept.likeness_views == 2
    assert kept.likeness.astype(np.float32) @ mean / np.linalg.norm(mean) > 0.999
    assert np.linalg.norm(kept.likeness.astype(np.float32)) == pytest.approx(1, abs=1e-2)


def test_a_restart_takes_of_what_is_asked_again_what_it_would_have_taken() -> None:
    """After one the detect step takes everybody for new: each view that is clear is asked for."""
    asked = {0, 0.6, 1.2, 1.8, 2.6, 10, 20, 30}
    whole = CameraTracker(5, 0.3)
    for at_s in every(0, 32):
        whole.update(seen(at_s, vector(1) if at_s in asked else None))
    first = CameraTracker(5, 0.3)
    for at_s in every(0, 12):
        first.update(seen(at_s, vector(1) if at_s in asked else None))
    second = CameraTracker(5, 0.3)
    second.restore(pickle.loads(pickle.dumps(first.save())))
    for at_s in every(12, 32):
        second.update(seen(at_s, vector(1)))
    mine, theirs = subject_of(second), subject_of(whole)
    assert mine.likeness_views == theirs.likeness_views == 8
    assert mine.likeness_at_s == theirs.likeness_at_s
    assert np.array_equal(mine.likeness, theirs.likeness)  # type: ignore[arg-type]


def test_nothing_of_it_remains_after_the_window_and_it_stays_small() -> None:
    tracker = watch(CameraTracker(5, 0.3, repeat_window_s=50), every(0, 6))
    kept = b64encode(subject_of(tracker).likeness.tobytes())  # type: ignore[union-attr]
    saved = pickle.dumps(tracker.save())
    assert kept in saved and len(saved) < 3000
    for at_s in every(6, 60):
        tracker.update(detections(at_s, []))
    assert kept not in pickle.dumps(tracker.save())


def test_a_state_of_a_program_without_it_is_gone_on_from() -> None:
    older = watch(CameraTracker(5, 0.3), every(0, 2)).save()
    (state,) = json.loads(older["state"])
    for subject in state["subjects"]["here"]:
        for name in ("likeness", "likeness_views", "likeness_at_s"):
            del subject[name]
    text = json.dumps([state], separators=(",", ":"))
    tracker = CameraTracker(5, 0.3)
    tracker.restore(TRACKER_FORMAT.save(TRACKER_FORMAT._adapter.validate_json(text)[0]))
    assert subject_of(tracker).likeness is None
    watch(tracker, every(2, 3))
    assert subject_of(tracker).number == 1 and subject_of(tracker).likeness_views == 2


def test_rows_of_likeness_belong_to_boxes() -> None:
    with pytest.raises(PutAside, match="1 scores need 1 rows of likeness, got 2"):
        replace(detections(0, [HERE]), likeness=np.zeros((2, 256), np.float16))


def test_classes_that_nobody_looks_for_take_their_rows_along() -> None:
    tracker = CameraTracker(5, 0.3)
    for at_s in (0, 0.2):
        both = detections(at_s, [(400, 200, 500, 280), HERE])
        tracker.update(
            replace(
                both,
                class_ids=np.array([3, 1]),
                appearances=np.concatenate([WORN, WORN]),
                likeness=np.stack([vector(1), vector(2)]),
            )
        )
    kept = subject_of(tracker).likeness
    assert kept is not None and kept.astype(np.float32) @ vector(2).astype(np.float32) > 0.99
