"""The watch process leaves masked pictures only in the live folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame

from domain.cameras.live_view import LiveView, read_live_view
from domain.detections import Detections
from domain.frames import FrameStamp
from domain.picture_digest import CLEAR, PictureTrust
from domain.rule_key import RuleKey
from domain.tracks import TrackedFrame
from flows.escalation.logic import RuleStandings, SubjectStanding
from flows.live_view.board import LiveBoard
from flows.masks.live import mask_whole

START = datetime(2026, 3, 2, tzinfo=UTC)


def _frame(clip: Path) -> VideoFrame:
    with av.open(str(clip)) as container:
        return next(container.decode(video=0))


def _stamp(number: int) -> FrameStamp:
    at = START + timedelta(seconds=0.2 * number)
    return FrameStamp("gate", number, Fraction(1, 5), 0.2 * number, at, 768, 576)


def _nobody(stamp: FrameStamp) -> Detections:
    return Detections(
        stamp, np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, int)
    )


def _until(is_so: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s and not is_so():
        time.sleep(0.05)
    return is_so()


def _is_coarse(jpeg: Path, frame: VideoFrame) -> bool:
    shown = cv2.imread(str(jpeg)).astype(int)
    small = cv2.resize(frame.to_ndarray(format="bgr24"), shown.shape[1::-1], interpolation=3)
    coarse, sharp = np.abs(shown - mask_whole(small)).mean(), np.abs(shown - small).mean()
    return bool(coarse < 3 < sharp)


def test_a_picture_is_written_once_somebody_has_looked_and_coarse_until_the_scene_is_known(
    tmp_path: Path, sample_clip: Path
):
    board, frame = LiveBoard(tmp_path, updates_per_s=1e9), _frame(sample_clip)
    board.show_frame(_stamp(1), frame)
    assert not list(tmp_path.iterdir())
    board.take(_nobody(_stamp(1)))
    board.close()
    assert [path.name for path in tmp_path.iterdir()] == ["gate.jpg"]
    assert _is_coarse(tmp_path / "gate.jpg", frame)


def test_the_scene_is_shown_once_it_is_known(tmp_path: Path, sample_clip: Path):
    board, frame = LiveBoard(tmp_path, updates_per_s=1e9), _frame(sample_clip)
    for number in range(100):
        stamp = _stamp(number)
        board.show_frame(stamp, frame)
        board.take(_nobody(stamp))
    board.take(_tracked(_stamp(100)))
    board.close()
    assert not _is_coarse(tmp_path / "gate.jpg", frame)


def _tracked(stamp: FrameStamp, sight: PictureTrust = CLEAR) -> TrackedFrame:
    none = np.empty(0, np.int64)
    boxes, scores = np.empty((0, 4), np.float32), np.empty(0, np.float32)
    return TrackedFrame(stamp, boxes, scores, none, none, sight)


def test_a_page_is_told_why_everything_is_coarse(tmp_path: Path, sample_clip: Path):
    board = LiveBoard(tmp_path)
    board.show_frame(_stamp(1), _frame(sample_clip))
    board.take(_nobody(_stamp(1)))
    board.take(_tracked(_stamp(1)))
    board.close()
    view = read_live_view(tmp_path, "gate")
    assert view is not None
    assert view.is_learning


def test_where_no_detector_answers_pictures_are_coarse_all_over(tmp_path: Path, sample_clip: Path):
    board, frame = LiveBoard(tmp_path), _frame(sample_clip)
    board.show_frame(_stamp(1), frame)
    assert _until((tmp_path / "gate.jpg").exists)
    board.close()
    assert _is_coarse(tmp_path / "gate.jpg", frame)


def test_an_answer_about_another_frame_shows_nothing(tmp_path: Path, sample_clip: Path):
    board = LiveBoard(tmp_path)
    board.show_frame(_stamp(2), _frame(sample_clip))
    board.take(_nobody(_stamp(1)))
    board.take(_nobody(replace(_stamp(2), camera_id="other")))
    board.close()
    assert not list(tmp_path.iterdir())


def test_pictures_that_an_earlier_version_left_unmasked_are_removed(tmp_path: Path):
    (tmp_path / "gate.jpg").write_bytes(b"unmasked")
    LiveBoard(tmp_path).close()
    assert not list(tmp_path.iterdir())


def _view_of(folder: Path, *items: TrackedFrame | RuleStandings) -> LiveView:
    board = LiveBoard(folder, updates_per_s=1e9)
    for item in items:
        board.take(item)
    board.close()
    view = read_live_view(folder, "gate")
    assert view is not None
    return view


def test_who_is_hidden_is_told_though_nobody_is_seen(tmp_path: Path):
    stood = SubjectStanding(7, "ofc-1", "warned", 1, 13.82, (1.04, 2, 3, 4), hidden_since=START)
    seen = SubjectStanding(8, "ofc-2", "opened", 0, 5.0, (1, 2, 3, 4))
    view = _view_of(
        tmp_path, RuleStandings(RuleKey("gate", "stay"), (stood, seen)), _tracked(_stamp(1))
    )
    (hidden,) = view.hidden
    assert (hidden.offence_id, hidden.track_id, hidden.since) == ("ofc-1", 7, START)
    assert (hidden.state, hidden.rung_number, hidden.dwell_s) == ("warned", 1, 13.8)
    assert hidden.box_xyxy == (1.0, 2, 3, 4)


def test_zones_that_something_hides_are_named_unless_it_is_the_whole_picture(tmp_path: Path):
    partly = PictureTrust(unfit_areas={"lawn": "picture-partly-covered"})
    assert _view_of(tmp_path, _tracked(_stamp(1), partly)).unfit_places == ("lawn",)
    whole = replace(partly, faults=("picture-covered",))
    assert _view_of(tmp_path, _tracked(_stamp(2), whole)).unfit_places == ()
