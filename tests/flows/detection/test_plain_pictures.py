"""Pictures of nothing: white, grey, black, noise, fog. The real detector answers no box at all to some of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import yaml_site
from fake_detector import FakeDetector
from people import BEGAN

from domain.detections import Detections
from domain.frames import SampledFrame
from domain.site.loading import load_site
from domain.site.site import Site
from domain.site.views import View
from flows.camera_health.fitness import FitnessWatch
from flows.detection.detect import DetectStep
from flows.escalation.watched_rule import watch_keys, watch_of
from flows.sources.automatic_views import views_around
from flows.sources.sampler import Sampler
from flows.watch import tracker_for
from models.serving.client import Detector, connect

WIDTH_PX, HEIGHT_PX = 640, 480


def picture(kind: str) -> np.ndarray:
    """Return one plain picture of WIDTH_PX x HEIGHT_PX."""
    match kind:
        case "white" | "grey" | "black":
            level = {"white": 255, "grey": 128, "black": 0}[kind]
            return np.full((HEIGHT_PX, WIDTH_PX, 3), level, np.uint8)
        case "noise":
            rng = np.random.default_rng(7)
            return rng.integers(0, 256, (HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)
        case _:  # fog: a hardly visible slope of brightness
            down = np.linspace(180, 200, HEIGHT_PX).astype(np.uint8)
            return np.ascontiguousarray(
                np.broadcast_to(down[:, None, None], (HEIGHT_PX, WIDTH_PX, 3))
            )


KINDS = ("white", "grey", "black", "noise", "fog")
VIEWS: dict[str, tuple[View, ...]] = {
    "automatic": views_around([(0.42, 0.28, 0.6, 0.58)], WIDTH_PX, HEIGHT_PX),
    "whole": (),
    "one": ((0.1, 0.1, 0.6, 0.8),),
    "two": ((0.0, 0.1, 0.5, 0.8), (0.4, 0.1, 1.0, 0.8)),
}


@pytest.fixture(scope="module")
def detector(triton_address: str) -> Iterator[Detector]:
    with connect(triton_address, deadline_s=60) as connection:
        yield Detector(connection)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return load_site(yaml_site.write(tmp_path / "site.yaml", {"north": "none.mp4"}))


def frame_of(kind: str, views: tuple[View, ...], number: int) -> SampledFrame:
    """Sample a plain picture as the reader of a camera with these views does."""
    frame = av.VideoFrame.from_ndarray(picture(kind), "rgb24").reformat(format="yuv420p")
    sampler = Sampler("north", 5, lambda width_px, height_px: views)
    return sampler.sample(frame, Fraction(1, 1000), number / 5, BEGAN.replace(second=number))


def test_a_camera_of_one_zone_has_one_view_of_its_own() -> None:
    assert len(VIEWS["automatic"]) == 1


@pytest.mark.triton
@pytest.mark.parametrize("views", VIEWS)
def test_plain_pictures_go_through_all_steps_that_a_frame_takes(
    views: str, detector: Detector, site: Site
) -> None:
    frames = [frame_of(kind, VIEWS[views], number) for number, kind in enumerate(KINDS)]
    seen = DetectStep(detector, threading.Event(), waits=True)([*frames])
    assert [each.frame for each in seen if isinstance(each, Detections)] == [
        frame.stamp for frame in frames
    ]
    fitness, tracker = FitnessWatch(site, "north"), tracker_for(site, "north")
    (key,) = watch_keys(site)["north"]
    rule = watch_of(site, key)
    for each in seen:
        assert isinstance(each, Detections)
        (believed,) = (made for made in fitness.step(each) if isinstance(made, Detections))
        tracked = tracker.update(believed)
        assert tracked is not None
        assert not [event for event in rule.step(tracked) if ".offence." in event.type]


@pytest.mark.parametrize("views", VIEWS)
def test_no_box_in_any_view_is_an_answer(views: str) -> None:
    frames = [frame_of(kind, VIEWS[views], number) for number, kind in enumerate(KINDS)]
    seen = DetectStep(FakeDetector(), threading.Event(), waits=True)([*frames])
    assert [len(each) for each in seen if isinstance(each, Detections)] == [0] * len(KINDS)
