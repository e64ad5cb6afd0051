from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.frames import FrameStamp
from domain.tracks import Track
from flows.conditions.condition import Holding
from flows.conditions.verdict import Verdict
from flows.escalation.stays.track_samples import FIRST_STEP_S, MOST_POINTS, TrackNotes

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def note(notes: TrackNotes, number: int, fps: float) -> None:
    at_s = number / fps
    at = START + timedelta(seconds=at_s)
    stamp = FrameStamp("gate", round(at_s * 90000), Fraction(1, 90000), at_s, at, 768, 576)
    box = (float(number), 0.0, number + 10.0, 20.0)
    notes.note(stamp, Holding(Track(1), "lawn", Verdict.HOLDS, 0.5, box))


@given(st.integers(1, 4000), st.sampled_from([2.0, 5.0, 25.0]))
def test_a_track_covers_the_whole_stay_in_order_and_stays_small(count: int, fps: float) -> None:
    notes = TrackNotes()
    for number in range(count):
        note(notes, number, fps)
    points = notes.points()
    assert len(points) <= MOST_POINTS + 1
    assert points[0].at == START and points[0].box_xyxy[0] == 0
    assert points[-1].box_xyxy[0] == count - 1
    times = [each.at for each in points]
    assert times == sorted(set(times))
    gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
    frames_late = 1 / (fps * FIRST_STEP_S)  # a step ends with the first frame after it
    assert max(gaps, default=0) <= notes.step_s * (1 + frames_late) + 1e-6
