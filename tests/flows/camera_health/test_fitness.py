"""A camera's fitness is told once a change, from its pictures and its record."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import tampering
from people import BEGAN
from plain_frames import detections

from domain.base import BothLanguages
from domain.cameras.status import CameraNotice, ReadCounts
from domain.detections import Detections
from domain.events.catalog import CameraFitness, Event
from domain.frames import SampledFrame
from domain.saved_state import Saved
from domain.site.compliance import Review
from domain.site.loading import load_site
from domain.site.site import Site
from flows.camera_health.fitness import FitnessLogic, FitnessWatch
from flows.detection.picture_digest import look_at

CAMERA = "gate-early"


@pytest.fixture(scope="module")
def frames(sample_clip: Path) -> list[SampledFrame]:
    return list(tampering.read_frames(sample_clip, 2.5, 16.0))


@pytest.fixture
def site(sample_site_file: Path) -> Site:
    return load_site(sample_site_file)


def seen(frame: SampledFrame) -> Detections:
    found: Detections = detections(frame.stamp.media_time_s, [(1, 2, 3, 4)], CAMERA)
    return replace(found, look=look_at(frame.image_rgb))


def run(watch: FitnessWatch, frames: list[SampledFrame]) -> list[Detections | Event]:
    return [item for frame in frames for item in watch.step(seen(frame))]


def news(items: list[Detections | Event]) -> list[CameraFitness]:
    found = [item.data for item in items if isinstance(item, Event)]
    return [data for data in found if isinstance(data, CameraFitness)]


def test_a_fit_camera_is_not_told_and_its_detections_pass_without_their_looks(
    site: Site, frames: list[SampledFrame]
) -> None:
    out = run(FitnessWatch(site, CAMERA), frames)
    assert len(out) == len(frames)
    assert all(isinstance(item, Detections) and item.look is None for item in out)


def test_a_covered_lens_is_told_once_before_the_first_detections_that_it_spoils(
    site: Site, frames: list[SampledFrame]
) -> None:
    covered = list(tampering.tamper(frames, tampering.black, 6, 11))
    out = run(FitnessWatch(site, CAMERA), covered)
    assert [(each.is_fit, each.reasons) for each in news(out)] == [
        (False, ("picture-covered",)),
        (True, ()),
    ]
    first = next(row for row, item in enumerate(out) if isinstance(item, Event))
    before, after = out[first - 1], out[first + 1]
    assert isinstance(before, Detections) and isinstance(after, Detections)
    assert (before.sight.faults, before.sight.is_in_doubt) == ((), True)
    assert (after.sight.faults, after.sight.is_in_doubt) == (("picture-covered",), True)


def test_a_lapsed_record_is_told_with_the_first_frame_and_not_mixed_with_the_picture(
    site: Site, frames: list[SampledFrame]
) -> None:
    lapsed = _reviewed(site, date(2026, 2, 1), date(2026, 3, 1))
    out = run(FitnessWatch(lapsed, CAMERA), frames)
    (told,) = news(out)
    assert told.reasons == ("technical-review-lapsed",)
    assert told.explanation == "its technical review has lapsed"
    last = out[-1]
    assert isinstance(last, Detections)
    assert (last.sight.faults, last.sight.shortcomings) == ((), told.reasons)


def test_a_restart_in_the_middle_tells_the_same_with_the_same_ids(
    site: Site, frames: list[SampledFrame]
) -> None:
    tampered = list(tampering.tamper(frames, tampering.shifted, 6, 11))
    whole = [item for item in run(FitnessWatch(site, CAMERA), tampered) if isinstance(item, Event)]
    pieces: list[Event] = []
    state = None
    for frame in tampered:
        logic = FitnessLogic(lambda camera_id: FitnessWatch(site, camera_id), state)
        out, _ = logic.on_batch([seen(frame)])
        pieces += [item for item in out if isinstance(item, Event)]
        state = pickle.loads(pickle.dumps(logic.snapshot()))
    assert pieces == whole
    assert len(whole) == 2


def resumed(site: Site, state: Saved) -> FitnessWatch:
    watch = FitnessWatch(site, CAMERA)
    watch.restore(state)
    return watch


def test_a_new_technical_review_makes_the_camera_learn_its_view_anew(
    site: Site, frames: list[SampledFrame]
) -> None:
    watch = FitnessWatch(site, CAMERA)
    run(watch, frames[:15])
    moved = [
        SampledFrame(frame.stamp, tampering.shifted(frame.image_rgb.copy(), 0))
        for frame in frames[15:]
    ]
    state = watch.save()
    same = news(run(resumed(site, state), moved))
    assert [each.reasons for each in same] == [("picture-turned-away",)]
    reviewed = _reviewed(site, date(2026, 3, 2), date(2036, 3, 2))
    assert news(run(resumed(reviewed, state), moved)) == []


def test_news_of_a_camera_pass_through(site: Site) -> None:
    logic = FitnessLogic(lambda camera_id: FitnessWatch(site, camera_id), None)
    notice = CameraNotice(
        CAMERA, "failed", BothLanguages(zh="断线", en="cable cut"), BEGAN, ReadCounts(), 0.0
    )
    assert logic.on_batch([notice])[0] == [notice]


def _reviewed(site: Site, on: date, until: date) -> Site:
    camera = site.camera(CAMERA)
    assert camera.compliance is not None
    review = Review(date=on, valid_until=until)
    record = camera.compliance.model_copy(update={"technical_review": review})
    cameras = (camera.model_copy(update={"compliance": record}), *site.cameras[1:])
    return site.model_copy(update={"cameras": cameras})
