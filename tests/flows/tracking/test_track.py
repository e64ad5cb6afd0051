"""People keep their numbers: through a missed frame, a restart, a replay."""

from __future__ import annotations

from plain_frames import detections

from domain.tracks import TrackedFrame
from flows.tracking.track import CameraTracker


def walk(at_s: float, x: float = 100.0) -> tuple[float, float, float, float]:
    """Somebody who walks to the right at 20 px a second."""
    left = x + 20 * at_s
    return left, 200.0, left + 30, 280.0


def ids(frames: list[TrackedFrame | None]) -> list[list[int]]:
    return [frame.track_ids.tolist() for frame in frames if frame is not None]


def run(
    tracker: CameraTracker, times: list[float], missed: set[float]
) -> list[TrackedFrame | None]:
    return [
        tracker.update(detections(t, [] if t in missed else [walk(t), walk(t, 500)])) for t in times
    ]


TIMES = [round(n / 5, 1) for n in range(30)]


def test_numbers_last_from_frame_to_frame() -> None:
    told = ids(run(CameraTracker(5, 0.3), TIMES, set()))
    assert told[2:] == [[1, 2]] * 28


def test_a_person_missed_for_a_second_keeps_their_number() -> None:
    told = ids(run(CameraTracker(5, 0.3), TIMES, {2.0, 2.2, 2.4, 2.6, 2.8}))
    assert told[20:] == [[1, 2]] * 10


def test_a_saved_tracker_goes_on_with_the_same_numbers() -> None:
    whole = run(CameraTracker(5, 0.3), TIMES, set())
    first = CameraTracker(5, 0.3)
    run(first, TIMES[:12], set())
    second = CameraTracker(5, 0.3)
    second.restore(first.save())
    # the last frames come again, as after a crash
    resumed = run(second, TIMES[8:], set())
    assert resumed[:4] == [None] * 4
    assert ids(resumed) == ids(whole)[12:]


def test_weak_detections_and_other_classes_are_left_out() -> None:
    tracker = CameraTracker(5, 0.9)
    assert ids(run(tracker, TIMES[:5], set())) == [[]] * 5


def test_an_empty_frame_still_says_that_time_went_on() -> None:
    tracked = CameraTracker(5, 0.3).update(detections(0, []))
    assert tracked is not None
    assert len(tracked) == 0
    assert tracked.boxes_xyxy.shape == (0, 4)
