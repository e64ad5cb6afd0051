"""A zone that something hides is not judged: its rules hold their tongue, absence there is unknown; others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tampering
from plain_frames import detections

from benchmarks.tampering import PARTLY
from domain.detections import Detections
from domain.events.catalog import CameraFitness, Event, OffenceUnknown, OffenceWithheld
from domain.frames import SampledFrame
from domain.picture_digest import PictureTrust
from domain.rule_key import RuleKey
from domain.site.cameras import Camera
from domain.site.loading import load_site
from domain.site.site import Site
from domain.tracks import TrackedFrame
from flows.camera_health.cells import cells_by_place, occupied_cells
from flows.camera_health.fitness import FITNESS_FORMAT, FitnessState, FitnessWatch
from flows.camera_health.warn_gate import WarnGate
from flows.detection.picture_digest import look_at
from flows.escalation.watched_rule import watch_of

CAMERA = "gate-early"
FROM_S, UNTIL_S = 9.0, 16.0
# the leaf lies before the first of them only
LAWN = [[0.4, 0.5], [0.62, 0.5], [0.62, 0.7], [0.4, 0.7]]
PATH = [[0.02, 0.02], [0.2, 0.02], [0.2, 0.2], [0.02, 0.2]]
Sees = Callable[[float], list[tuple[float, float, float, float]]]
ON_LAWN, ON_PATH = (370.0, 250.0, 420.0, 350.0), (60.0, 20.0, 90.0, 90.0)


@pytest.fixture(scope="module")
def frames(sample_clip: Path) -> list[SampledFrame]:
    return list(tampering.read_frames(sample_clip, 5, UNTIL_S))


@pytest.fixture
def site(sample_site_file: Path) -> Site:
    sample = load_site(sample_site_file)
    camera = _with(
        sample.cameras[0],
        zones=[_place("lawn", polygon=LAWN), _place("path", polygon=PATH)],
        lines=[_place("fence", points=[[0.3, 0.6], [0.7, 0.6]])],
    )
    rules = [
        ("lawn-empty", {"absent": {"zones": ["lawn"]}}),
        ("path-empty", {"absent": {"zones": ["path"]}}),
        ("off-lawn", {"present": {"zones": ["lawn"]}}),
        ("off-path", {"present": {"zones": ["path"]}}),
    ]
    return _with(
        sample,
        cameras=[camera.model_dump()],
        rules=[
            sample.rules[0].model_dump() | {"id": name, "condition": condition, "threshold_s": 5}
            for name, condition in rules
        ],
    )


def _with(model: Any, **changes: object) -> Any:
    return type(model).model_validate(model.model_dump() | changes)


def _place(name: str, **shape: object) -> dict[str, object]:
    return {"id": name, "title": {"zh": name, "en": name}, **shape}


def judged(
    site: Site, frames: Iterable[SampledFrame], sees: Sees
) -> tuple[list[Detections], list[CameraFitness]]:
    watch = FitnessWatch(site, CAMERA)
    seen, news = [], []
    for frame in frames:
        found = detections(frame.stamp.media_time_s, sees(frame.stamp.media_time_s), CAMERA)
        for item in watch.step(replace(found, look=look_at(frame.image_rgb))):
            if isinstance(item, Event):
                assert isinstance(item.data, CameraFitness)
                news.append(item.data)
            else:
                seen.append(item)
    return seen, news


def told(site: Site, rule_id: str, seen: Iterable[Detections]) -> list[tuple[float, str, Event]]:
    """Seconds, kind and event of a rule; everybody seen is subject 1."""
    watch = watch_of(site, RuleKey(CAMERA, rule_id))
    events: list[tuple[float, str, Event]] = []
    for found in seen:
        ids = np.ones(len(found), np.int64)
        tracked = TrackedFrame(
            found.frame, found.boxes_xyxy, found.scores, found.class_ids, ids, found.sight
        )
        for event in watch.step(tracked):
            began = found.frame.captured_at.timestamp() - found.frame.media_time_s
            at_s = round(event.time.timestamp() - began, 1)
            events.append((at_s, event.type.split(".")[2], event))
    return events


def nobody(_: float) -> list[tuple[float, float, float, float]]:
    return []


def test_the_event_names_the_zones_and_lines_that_are_hidden_and_no_others(
    site: Site, frames: list[SampledFrame]
) -> None:
    leaf = tampering.tamper(frames, PARTLY["a leaf"], 5, 11)
    seen, news = judged(site, leaf, nobody)
    hidden, *_, fit = news
    assert not hidden.is_fit and hidden.reasons == ("picture-partly-covered",)
    assert set(hidden.places) <= {"lawn", "fence"} and "lawn" in hidden.places
    assert fit.is_fit and fit.places == ()
    doubted = next(each for each in seen if each.sight.doubted_areas)
    assert 5 <= doubted.frame.media_time_s < 6 and not doubted.sight.unfit_areas
    assert not any("path" in each.sight.unfit_areas for each in seen)


def test_absence_is_not_known_from_the_moment_on_at_which_a_leaf_hides_the_zone(
    site: Site, frames: list[SampledFrame]
) -> None:
    """It ends as unknown where the leaf came, and none begins behind the leaf."""
    seen, _ = judged(site, tampering.tamper(frames, PARTLY["a leaf"], FROM_S, UNTIL_S), nobody)
    *_, (ended_s, kind, ended) = told(site, "lawn-empty", seen)
    assert kind == "unknown" and FROM_S - 0.5 <= ended_s <= FROM_S + 0.4
    assert isinstance(ended.data, OffenceUnknown) and "hides a part" in ended.data.reason
    assert "unknown" not in {kind for _, kind, _ in told(site, "path-empty", seen)}
    early, _ = judged(site, tampering.tamper(frames, PARTLY["a leaf"], 3, UNTIL_S), nobody)
    assert told(site, "lawn-empty", early) == []
    assert told(site, "path-empty", early) != []


def test_a_covered_lens_makes_absence_unknown_everywhere(
    site: Site, frames: list[SampledFrame]
) -> None:
    early, _ = judged(site, tampering.tamper(frames, tampering.black, 3, UNTIL_S), nobody)
    assert told(site, "lawn-empty", early) == told(site, "path-empty", early) == []


def test_only_rules_on_hidden_zones_hold_their_tongue(
    site: Site, frames: list[SampledFrame]
) -> None:
    # a man whom the detector is not sure of does not keep his cells from being judged
    seen, _ = judged(site, tampering.tamper(frames, PARTLY["a leaf"], 3, UNTIL_S), nobody)

    def with_somebody(box: tuple[float, float, float, float]) -> list[Detections]:
        who = detections(0.0, [box], CAMERA)
        return [
            replace(who, frame=each.frame, sight=each.sight)
            for each in seen
            if each.frame.media_time_s > 6
        ]

    on_lawn = told(site, "off-lawn", with_somebody(ON_LAWN))
    assert [kind for _, kind, _ in on_lawn] == ["opened", "withheld"]
    (_, _, withheld) = on_lawn[-1]
    assert isinstance(withheld.data, OffenceWithheld)
    assert withheld.data.reasons == ("picture-partly-covered",)
    assert "warned" in [kind for _, kind, _ in told(site, "off-path", with_somebody(ON_PATH))]


def test_who_is_last_seen_where_something_hides_the_picture_has_not_left(site: Site) -> None:
    """The zone itself is seen; the way out of it is not."""

    def ends(hidden_cells: tuple[int, ...]) -> list[str]:
        shown = []
        for n in range(60):
            boxes = [ON_PATH] if n < 40 else []
            found = detections(n / 5, boxes, CAMERA)
            sight = replace(found.sight, hidden_cells=hidden_cells if n > 38 else ())
            shown.append(replace(found, sight=sight))
        return [kind for _, kind, _ in told(site, "off-path", shown)]

    assert ends(())[-1] != "unknown"
    beside = 20 * 1 + 2  # x .10 to .15, y .05 to .10: his middle
    assert ends((beside,))[-1] == "unknown"
    assert ends((20 * 15 + 15,))[-1] != "unknown"


def test_a_place_takes_up_the_cells_that_it_lies_in(site: Site) -> None:
    by_place = cells_by_place(site.camera(CAMERA))
    rows, columns = np.nonzero(by_place["lawn"])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 13, 8, 12)
    rows, columns = np.nonzero(by_place["fence"])
    assert set(rows) <= {11, 12} and (columns.min(), columns.max()) == (5, 14)


def test_cells_are_occupied_by_people_and_vehicles_that_are_surely_there() -> None:
    found = detections(0, [ON_LAWN, ON_PATH, (700, 500, 768, 576)])
    unsure = replace(
        found,
        scores=np.array([0.8, 0.3, 0.9], np.float32),
        class_ids=np.array([3, 1, 16], np.int64),
    )
    rows, columns = np.nonzero(occupied_cells(unsure))
    assert (rows.min(), rows.max(), set(columns)) == (9, 11, {10})
    assert not occupied_cells(detections(0, [])).any()


def test_a_state_of_before_parts_were_judged_is_read() -> None:
    saved = FITNESS_FORMAT.save(FitnessState(logged=("picture-frozen",)))
    assert FITNESS_FORMAT.restore(saved).logged_places == ()


def test_a_camera_without_places_is_judged_all_the_same() -> None:
    camera = Camera.model_validate({**_place("bare"), "url": "clip.mp4"})
    assert cells_by_place(camera) == {}


def test_a_rung_waits_while_one_of_its_rules_zones_looks_hidden(site: Site) -> None:
    gate = WarnGate(site, CAMERA, "off-lawn")
    assert gate.is_doubtful(PictureTrust(doubted_areas=("lawn",)))
    assert not gate.is_doubtful(PictureTrust(doubted_areas=("path",)))
    assert gate.is_doubtful(PictureTrust(is_in_doubt=True))


def test_a_zone_that_looks_half_hidden_for_long_is_judged_again(site: Site) -> None:
    """Before: a smear that was never certain kept it in doubt; no call came due and no stay ended, unsaid."""
    watch = FitnessWatch(site, CAMERA)
    parts = watch._health.state.parts

    def doubted(at_s: float) -> tuple[str, ...]:
        (seen,) = watch.step(detections(at_s, [], CAMERA))
        assert isinstance(seen, Detections)
        return seen.sight.doubted_areas

    own = cells_by_place(site.camera(CAMERA))["path"]
    parts.doubted = own.copy()
    assert [doubted(at_s) for at_s in (0, 2.5, 5)] == [("path",)] * 3
    assert doubted(5.2) == doubted(600) == ()
    parts.doubted = np.zeros_like(own)
    assert doubted(601) == ()
    parts.doubted = own.copy()
    assert doubted(602) == ("path",)
    again = FitnessWatch(site, CAMERA)
    again.restore(watch.save())
    watch = again
    assert doubted(606.9) == ("path",)
    assert doubted(607.1) == ()
