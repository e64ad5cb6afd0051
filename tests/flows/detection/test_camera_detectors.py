"""Each camera is looked at by its own detector, and one that cannot be used is told of, not silently blind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from domain.detections import Detections
from domain.errors import Stop, TryAgain
from domain.events.base import Sighting
from domain.frames import CloseLook, FrameStamp, SampledFrame
from domain.site.site import Site
from flows.detection.camera_detectors import (
    GONE_AFTER_S,
    CameraDetectors,
    ChosenDetector,
    choose_detectors,
)
from flows.detection.zoomed_views import detect_closely
from flows.preservation.seal import _versions
from flows.site_checks.detectors import detector_faults, detector_notes
from flows.sources.sampler import Sampler
from models.registry import USUAL_DETECTOR, Registry, read_registry

STREET = "person_vehicle_bike"
A_SIGHTING = Sighting(
    at=datetime(2026, 3, 2, tzinfo=UTC),
    media_time_s=0,
    pts=0,
    time_base="1/10",
    box_xyxy=(0, 0, 10, 30),
    score=0.9,
    frame_width_px=768,
    frame_height_px=576,
)
BOTH = {"zh": "门口", "en": "Gate"}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return read_registry()


def site_of(*classes: str, **settings: Any) -> Site:
    zone = {"id": "door", "title": BOTH, "polygon": [[0, 0], [1, 0], [1, 1]]}
    camera = {"id": "gate", "title": BOTH, "url": "gate.mp4", "zones": [zone]}
    plain = {"id": "yard", "title": BOTH, "url": "yard.mp4"}
    rung = {"id": "please", "text": BOTH, "after_s": 0}
    rule = {
        "id": "stays",
        "title": BOTH,
        "condition": {"present": {"zones": ["door"], "classes": list(classes)}},
        "threshold_s": 5,
        "ladder": "usual",
    }
    return Site.model_validate(
        {
            "site": {"id": "s", "title": BOTH, "timezone": "Asia/Shanghai", "country": "CN"},
            "cameras": [camera, plain],
            "ladders": [{"id": "usual", "rungs": [rung], "escalate_after_s": 60}],
            "rules": [rule] if classes else [],
            **settings,
        }
    )


@pytest.mark.parametrize(
    ("classes", "chosen"),
    [
        (("person",), STREET),
        (("car", "truck", "bus"), STREET),
        (("person", "bicycle", "motorcycle"), STREET),
        (("car",), USUAL_DETECTOR),  # a bus would be one
        (("person", "suitcase"), USUAL_DETECTOR),
        ((), STREET),
    ],
)
def test_a_camera_keeps_the_usual_detector_where_its_rules_mean_more_than_another_tells_apart(
    registry: Registry, classes: tuple[str, ...], chosen: str
) -> None:
    site = site_of(*classes, detector=STREET)
    gate, yard = choose_detectors(site, registry, [STREET])
    assert (gate.name, yard.name) == (chosen, STREET)
    assert bool(gate.why_not_wanted) is (chosen == USUAL_DETECTOR)
    notes = [words for _, words in detector_notes(site, registry, [STREET])]
    assert any("gate keeps" in words for words in notes) is (chosen == USUAL_DETECTOR)


def test_a_detector_that_cannot_be_used_is_replaced_on_those_cameras_that_ask_for_it(
    registry: Registry,
) -> None:
    asked = site_of("person", detector=STREET)
    cameras = (asked.cameras[0], asked.cameras[1].model_copy(update={"detector": USUAL_DETECTOR}))
    gate, yard = choose_detectors(asked.model_copy(update={"cameras": cameras}), registry, [])
    assert gate.name == yard.name == USUAL_DETECTOR
    assert gate.why_not_wanted and not yard.why_not_wanted


def test_a_detector_that_there_is_not_is_a_fault_with_its_place(registry: Registry) -> None:
    site = site_of("person", detector="likeness")
    assert [place for place, _ in detector_faults(site, registry)] == [("detector",)]
    with pytest.raises(Stop, match="these are: detector, person_vehicle_bike"):
        choose_detectors(site, registry, [])
    assert not [*detector_faults(site_of("person"), registry)]


def test_scores_that_are_not_calibrated_are_told_of(registry: Registry, tmp_path) -> None:
    bare = registry.model(STREET).model_copy(update={"folder": tmp_path})
    others = tuple(each for each in registry.models if each.name != STREET)
    uncalibrated = Registry(models=(*others, bare))
    site = site_of("person", detector=STREET)
    assert "not calibrated" in str([*detector_notes(site, uncalibrated, [STREET])])
    assert "not calibrated" not in str([*detector_notes(site, registry, [STREET])])
    assert "forewarn models build" in str([*detector_notes(site, registry, [])])


class Counts:
    """Sees nothing, and notes how many pictures it was shown at once."""

    def __init__(self, side_px: int) -> None:
        self.side_px, self.asked = side_px, list[int]()

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        assert all(frame.image_rgb.shape[0] == self.side_px for frame in frames)
        self.asked.append(len(frames))
        none = np.empty(0)
        return [Detections(f.stamp, none.reshape(0, 4), none, none.astype(int)) for f in frames]


def frame_of(camera_id: str, side_px: int) -> SampledFrame:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    stamp = FrameStamp(camera_id, 0, Fraction(1, 10), 0.0, at, 768, 576)
    return SampledFrame(stamp, np.zeros((side_px, side_px, 3), np.uint8))


def test_frames_of_one_activation_go_to_their_cameras_detectors_and_come_back_in_order() -> None:
    usual, street = Counts(300), Counts(256)
    chosen = [ChosenDetector("gate", STREET), ChosenDetector("yard", USUAL_DETECTOR)]
    detectors = CameraDetectors(chosen, {USUAL_DETECTOR: usual, STREET: street})
    sides = {"gate": 256, "yard": 300}
    assert {each: detectors.side_px_of(each) for each in sides} == sides
    names = ["gate", "yard", "gate", "gate", "yard"]
    seen = detectors.detect([frame_of(each, sides[each]) for each in names])
    assert [each.frame.camera_id for each in seen] == names
    assert (usual.asked, street.asked) == ([2], [3])
    assert detectors.detect([]) == []


class Away(Counts):
    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        raise TryAgain("not loaded (now)")


def test_a_detector_that_a_server_has_lost_for_good_blinds_no_camera_for_longer() -> None:
    chosen = [ChosenDetector("gate", STREET), ChosenDetector("yard", USUAL_DETECTOR)]
    gone, now = [True], [100.0]
    detectors = CameraDetectors(
        *(chosen, {USUAL_DETECTOR: Counts(300), STREET: Away(256)}),
        *(lambda name: gone[0], lambda: now[0]),
    )
    frames = [frame_of("yard", 300), frame_of("gate", 256)]
    # it comes back in between: what counts begins anew
    for gone[0], after_s in ((True, 0), (True, GONE_AFTER_S - 1), (False, 2), (True, 0)):
        now[0] += after_s
        with pytest.raises(TryAgain):
            detectors.detect(frames)
    now[0] += GONE_AFTER_S
    with pytest.raises(Stop, match=STREET):
        detectors.detect(frames)


def test_pictures_are_shrunk_to_the_side_that_the_cameras_detector_takes() -> None:
    import av

    frame = av.VideoFrame(768, 576, "yuv420p")
    sampler = Sampler("gate", 5, lambda *size_px: [(0.5, 0.0, 1.0, 1.0)], side_px=256)
    sampled = sampler.sample(frame, Fraction(1, 10), 0.0, datetime(2026, 3, 2, tzinfo=UTC))
    assert sampled.image_rgb.shape == (256, 256, 3)
    assert sampled.close_looks[0].image_rgb.shape == (256, 256, 3)


def test_what_is_joined_of_views_and_what_is_sealed_say_which_detector_saw_it() -> None:
    version = "person-vehicle-bike=0123456789ab"

    def detect(pictures: Sequence[SampledFrame]) -> list[Detections]:
        stamps = [replace(each.stamp, seen_by=version) for each in pictures]
        none = np.empty(0)
        return [Detections(each, none.reshape(0, 4), none, none.astype(int)) for each in stamps]

    whole = frame_of("gate", 256)
    looks = tuple(CloseLook(left, 0, 384, 576, whole.image_rgb) for left in (0, 384))
    for frame in (whole, replace(whole, close_looks=looks)):
        (seen,) = detect_closely(detect, [frame])
        assert seen.frame == replace(frame.stamp, seen_by=version)
    sightings = [SimpleNamespace(seen_by=each) for each in (version, "", version)]
    outcome = SimpleNamespace(first_sighting=sightings[0], rung_sightings=sightings[1:])
    assert _versions(outcome, "detector=ab") == f"detector=ab {version}"


def test_a_sighting_leaves_the_usual_detector_out() -> None:
    assert "seen_by" not in A_SIGHTING.model_dump(mode="json")
    named = A_SIGHTING.model_copy(update={"seen_by": "person-vehicle-bike=0123456789ab"})
    assert Sighting.model_validate(named.model_dump(mode="json")) == named
