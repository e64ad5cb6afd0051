"""Reports show what happened, from events and frames."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import BEGAN, stamp
from plain_frames import detections

from domain.data_dir import DataDir
from domain.errors import Stop
from domain.tracks import TrackedFrame
from event_log.log import EventLog
from flows.reports.contact_sheet import caption_moments, head_boxes, spread
from flows.reports.offences import (
    PAGE,
    ReportedOffence,
    fold_offences,
    offence_table,
    pick_most_telling,
    read_offences,
)
from flows.reports.replay import WatchedFrame, count_found_again
from tests.support.example_events import one_of_each, warned_event


def frame(at_s: float, x: float = 100.0) -> WatchedFrame:
    """Return a frame with one person, track 7, at x."""
    seen = detections(at_s, [(x, 100, x + 40, 200)])
    ids = np.array([7])
    tracked = TrackedFrame(seen.frame, seen.boxes_xyxy, seen.scores, seen.class_ids, ids)
    return WatchedFrame(seen, tracked, frozenset())


@pytest.fixture
def story() -> ReportedOffence:
    """Return the example events' one offence."""
    (told,) = fold_offences(one_of_each())
    return told


def test_a_story_has_the_calls_with_their_results_and_the_evidence(story: ReportedOffence) -> None:
    assert [(call.rung_id, call.result) for call in story.calls] == [("persuade", "written")]
    assert story.evidence_id.startswith("evd-")
    assert story.track_id == 7
    assert story.ended_at is not None


def test_sightings_are_told_once_each(story: ReportedOffence) -> None:
    times = [each.at for each in story.sightings]
    assert len(times) == len(set(times)) >= 3


def test_a_folder_without_events_says_what_to_run_and_stays_empty(tmp_path) -> None:
    with pytest.raises(Stop, match="run `make demo`"):
        read_offences(DataDir(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_a_log_of_many_pages_is_read_whole(tmp_path) -> None:
    data = DataDir(tmp_path)
    with EventLog.open(data.events_db) as log:
        log.append([warned_event(number) for number in range(PAGE + 5)])
    assert len(offence_table(read_offences(data))) == PAGE + 5


def test_an_escalated_offence_is_picked_before_a_longer_one(story: ReportedOffence) -> None:
    longer = ReportedOffence(
        "ofc-2", "gate", "z", "r", "gate/8", BEGAN, state="complied", dwell_s=900
    )
    story.state = "escalated"
    assert pick_most_telling([longer, story]) is story
    assert pick_most_telling([]) is None


def test_what_happens_in_one_moment_is_captioned_together(story: ReportedOffence) -> None:
    story.opened_at = story.calls[0].at
    captions = caption_moments(story)
    assert captions[story.calls[0].at] == "opened, call 1: persuade"
    assert captions[story.first_seen_at] == "enters"


@given(
    total=st.integers(0, 40),
    must=st.sets(st.integers(0, 39)),
    count=st.integers(0, 20),
)
def test_a_sheet_has_all_moments_that_must_be_shown_and_fills_up_in_order(
    total: int, must: set[int], count: int
) -> None:
    frames = [frame(float(i)) for i in range(total)]
    moments = {BEGAN + timedelta(seconds=i) for i in must}
    shown = [each.tracked.frame.captured_at for each in spread(frames, moments, count)]
    there = {each.tracked.frame.captured_at for each in frames}
    assert shown == sorted(set(shown))
    assert moments & there <= set(shown)
    assert len(shown) == max(len(moments & there), min(count, total))


def test_an_offence_is_found_again_only_on_its_own_frame_and_place() -> None:
    offence = ReportedOffence("ofc-1", "north", "z", "r", "north/7", BEGAN)
    offence.sightings = [_sighting(1.0)]
    assert count_found_again([offence], [frame(1.0)]) == 1
    assert count_found_again([offence], [frame(1.0, x=300.0)]) == 0  # elsewhere
    assert count_found_again([offence], [frame(2.0)]) == 0  # another time


def _sighting(at_s: float):
    (example,) = fold_offences(one_of_each())
    update = {"at": stamp(at_s).captured_at, "box_xyxy": (100.0, 100.0, 140.0, 200.0)}
    return example.sightings[0].model_copy(update=update)


def test_heads_are_the_upper_quarter_of_every_person() -> None:
    np.testing.assert_allclose(head_boxes(frame(0)), [[100, 100, 140, 125]])


def test_a_box_as_large_as_the_scene_or_lying_flat_has_no_head() -> None:
    for box in ((0, 0, 760, 570), (100, 100, 300, 180)):
        seen = detections(0, [box])
        none = TrackedFrame(seen.frame, *([np.empty((0, 4))] + [np.empty(0)] * 3))
        assert head_boxes(WatchedFrame(seen, none, frozenset())).shape == (0, 4)
