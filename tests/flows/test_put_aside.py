"""Whatever a step raises on costs itself and nothing else: no other frame, camera, call or program."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml_site
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSink, TestingSource, cluster_main
from people import BEGAN, stamp
from plain_frames import detections, sampled

from domain.cameras.status import CameraNotice, ReadCounts
from domain.detections import Detections
from domain.errors import PutAside
from domain.events.catalog import Event, ItemPutAside
from domain.frames import SampledFrame
from domain.site.cameras import Camera
from domain.site.loading import load_site
from domain.site.site import Site
from flows.camera_health.fitness import FitnessWatch
from flows.detection.detect import DetectStep
from flows.escalation.ladder import RuleLadder
from flows.put_aside import TROUBLE_AFTER, Asides
from flows.sources.camera_reader import Playback
from flows.sources.camera_shard import CameraShard, ShardSettings
from flows.tracking.track import CameraTracker
from flows.watch import WatchParts, build_watch_flow

FPS = 5
BAD_S = (6.0, 6.2, 9.4, 14.0)  # of camera north
HERE = (400.0, 200.0, 430.0, 280.0)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    urls = {"north": "a.mp4", "south": "b.mp4"}
    return load_site(yaml_site.write(tmp_path_factory.mktemp("site") / "site.yaml", urls))


@pytest.fixture(scope="module")
def without(site: Site, tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """Return what comes of it where the bad frames did not come."""
    events = run(site, frames(BAD_S), tmp_path_factory.mktemp("without") / "store")
    kinds = [each.split()[0] for each in story(events, "north")]
    assert kinds == ["opened", "warned", "escalated"]
    return events


def frames(bad_s: Sequence[float] = ()) -> list[Detections]:
    """Somebody stands in the zone before both cameras, and walks off after 20 s."""
    shown = []
    for number in range(25 * FPS):
        at_s = number / FPS
        for camera_id in ("north", "south"):
            boxes = [HERE] if at_s < 20 else []
            if camera_id == "south" or at_s not in bad_s:
                shown.append(detections(at_s, boxes, camera_id))
    return shown


def run(
    site: Site, items: list[Any], store: Path, told: Callable[[Event], Any] = lambda event: None
) -> list[Event]:
    """Run the watch flow over detections, with recovery, and return its events."""
    written: list[tuple[str, Event]] = []
    asides = Asides("test", "watch", told)
    parts = WatchParts(
        site=site,
        cameras=TestingSource(items, batch_size=7),
        detect=lambda given: given,  # type: ignore[arg-type, return-value]
        events=TestingSink(written),
        asides=asides,
    )
    store.mkdir()
    init_db_dir(store, 1)
    cluster_main(
        build_watch_flow(parts),
        [],
        0,
        epoch_interval=timedelta(milliseconds=5),  # so that there are many saves between
        recovery_config=RecoveryConfig(str(store)),
    )
    unique = {event.id: event for _, event in written}  # as the log keeps them
    return list(unique.values())


def story(events: list[Event], camera_id: str) -> list[str]:
    return [
        f"{event.type.split('.')[-2]} {(event.time - BEGAN).total_seconds():g}"
        for event in events
        if getattr(event.data, "camera_id", "") == camera_id
    ]


def raises_after(
    monkeypatch: pytest.MonkeyPatch, kind: type, name: str, is_bad: Callable[[Any], bool]
) -> None:
    """Let a method raise on bad input when it has done its work: the state is changed already."""
    does = getattr(kind, name)

    def faulty(self: Any, given: Any, *more: Any) -> Any:
        made = does(self, given, *more)
        if is_bad(getattr(given, "frame", given)):
            raise ZeroDivisionError("division by zero")
        return made

    monkeypatch.setattr(kind, name, faulty)


STEPS = {
    "fitness": (FitnessWatch, "step"),
    "track": (CameraTracker, "update"),
    "ladder": (RuleLadder, "step"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_frame_that_a_step_raises_on_is_as_if_it_had_not_come(
    step: str,
    site: Site,
    without: list[Event],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Event] = []
    raises_after(
        monkeypatch,
        *STEPS[step],
        lambda frame: frame.camera_id == "north" and frame.media_time_s in BAD_S,
    )
    events = run(site, frames(), tmp_path / "with", told.append)
    assert story(events, "north") == story(without, "north")
    assert story(events, "south") == story(without, "south")
    (event,) = told  # one a minute
    data = event.data
    assert isinstance(data, ItemPutAside)
    assert (data.step, data.camera_id, data.media_time_s, data.count) == (step, "north", 6.0, 1)
    assert "north: the frame at 6.000 s was put aside" in data.reason
    assert "ZeroDivisionError: division by zero" in data.reason


def test_a_step_that_raises_on_every_frame_is_a_trouble_of_its_camera(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raises_after(monkeypatch, CameraTracker, "update", lambda frame: frame.camera_id == "north")
    told: list[Event] = []
    events = run(site, frames(), tmp_path / "with", told.append)
    assert story(events, "north") == [] and len(story(events, "south")) == 3
    first, later = (event.data for event in told)
    assert isinstance(first, ItemPutAside) and isinstance(later, ItemPutAside)
    assert (first.in_a_row, later.in_a_row, later.count) == (1, TROUBLE_AFTER, TROUBLE_AFTER - 1)
    assert "nobody is watched here" in later.reason and later.reason_zh


def test_the_camera_is_said_to_have_failed_and_to_be_well_again() -> None:
    title = {"zh": "相机", "en": "Camera"}
    nobody = {"id": "north", "title": title, "url": "rtsp://127.0.0.1:9/none"}
    asides = Asides("test", "watch")
    track, ladder = asides.step("track", blinds=True), asides.step("ladder")
    settings = ShardSettings(
        (Camera.model_validate(nobody),),
        Path(),
        Playback(until_end=False),
        threading.Event(),
        blinded=asides.look,
    )
    shard = CameraShard(settings, settings.positions(), lambda: False)
    shard._watched["north"].reader.stop()
    shard._watched["north"].reader.join()

    def said() -> list[str]:
        return [
            f"{item.status} {'step track' in item.reason}"
            for item in shard.next_batch()
            if isinstance(item, CameraNotice) and (item.status == "up" or "step" in item.reason)
        ]

    for number in range(TROUBLE_AFTER):
        assert said() == []
        ladder.note(detections(number, []), ValueError("odd"), "north|keep-off")
        track.note(detections(number, []), ValueError("odd"))
    assert said() == ["failed True"] and said() == []
    failed = CameraNotice("north", "failed", None, BEGAN, ReadCounts(), 0.0)
    track.went_well(failed)  # news of a camera goes through any step
    assert said() == []
    track.went_well(detections(21, []))
    assert said() == ["up False"] and said() == []
    shard.close()


def test_after_a_setting_of_the_clock_a_frame_is_told_of_by_the_new_time() -> None:
    told: list[Event] = []
    seen = detections(1, [])
    frame = replace(seen.frame, wall_ahead_s=-3600.0)
    step = Asides("test", "watch", told.append).step("track")
    step.note(replace(seen, frame=frame), ValueError("odd"))
    (event,) = told
    assert event.time == BEGAN + timedelta(seconds=1 - 3600)


def test_telling_that_fails_ends_nothing() -> None:
    def full(event: Event) -> None:
        raise OSError("no space")

    Asides("test", "watch", full).step("track").note(detections(1, []), ValueError("odd"))


def test_only_one_a_minute_is_told_and_the_others_are_counted() -> None:
    told: list[Event] = []
    step = Asides("test", "watch", told.append).step("track")
    for second in range(0, 150, 10):
        step.note(detections(second, []), ValueError("odd"))
        step.went_well(detections(second + 1, []))
        step.note(detections(second, [], "south"), ValueError("odd"))
        step.went_well(detections(second + 1, [], "south"))
    counts = [
        (each.data.camera_id, (each.time - BEGAN).total_seconds(), each.data.count)
        for each in told
        if isinstance(each.data, ItemPutAside)
    ]
    assert counts == [
        (camera_id, at_s, count)
        for at_s, count in ((0, 1), (60, 6), (120, 6))
        for camera_id in ("north", "south")
    ]


class OneBadFrame:
    """A detector that fails on any batch that holds a frame at 0.4 s."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def detect(self, pictures: Sequence[SampledFrame]) -> list[Detections]:
        if any(each.stamp.media_time_s == 0.4 for each in pictures):
            raise self.error
        return [detections(each.stamp.media_time_s, []) for each in pictures]


@pytest.mark.parametrize("error", [ValueError("cannot reshape"), PutAside("4 boxes for 3 scores")])
def test_a_frame_that_the_detector_fails_on_does_not_cost_its_neighbours(error: Exception) -> None:
    told: list[Event] = []
    aside = Asides("test", "watch", told.append).step("detect", blinds=True)
    step = DetectStep(OneBadFrame(error), threading.Event(), waits=True, aside=aside)
    ended = CameraNotice("north", "ended", None, BEGAN, ReadCounts(5, 0), 0.8)
    seen = step([*(sampled(number / 5) for number in range(5)), ended])
    times = [each.frame.media_time_s for each in seen if isinstance(each, Detections)]
    assert times == [0.0, 0.2, 0.6, 0.8] and seen[-1] is ended
    (event,) = told
    assert isinstance(event.data, ItemPutAside)
    assert (event.data.step, event.data.media_time_s) == ("detect", 0.4)


def test_a_picture_that_cannot_be_digested_does_not_cost_its_neighbours() -> None:
    told: list[Event] = []
    aside = Asides("test", "watch", told.append).step("detect", blinds=True)
    step = DetectStep(OneBadFrame(ValueError()), threading.Event(), waits=True, aside=aside)
    odd = replace(sampled(1.0), image_rgb=np.zeros((0, 0, 3), np.uint8))
    seen = step([sampled(0.0), odd, sampled(2.0)])
    assert [each.frame for each in seen if isinstance(each, Detections)] == [stamp(0.0), stamp(2.0)]
    assert len(told) == 1
