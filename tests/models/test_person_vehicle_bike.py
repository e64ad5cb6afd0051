"""The detector for streets, where its files are to be had: FOREWARN_MODEL_MIRROR names the folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from domain.errors import Stop
from models.building import build
from models.calibration import CALIBRATION, read_calibration
from models.direct import DirectInference
from models.registry import ModelEntry, read_registry
from models.serving.check import faults_of
from models.serving.client import Detector
from models.sources import MIRROR_VARIABLE, fetch, named_mirror

STREET = "person_vehicle_bike"


@pytest.fixture(scope="session")
def street_repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it, in a repository of its own."""
    if (mirror := named_mirror()) is None:
        pytest.skip(f"{MIRROR_VARIABLE} names no folder with {STREET}")
    folder, entry = tmp_path_factory.mktemp(STREET), read_registry().model(STREET)
    build(entry, fetch(entry, folder / "cache", mirror), folder / "repo")
    return folder / "repo"


def test_it_answers_as_the_original_did_alone_and_in_batches(street_repo: Path) -> None:
    assert faults_of(DirectInference(street_repo), read_registry().model(STREET)) == []


def test_people_are_seen_with_calibrated_scores_and_by_whom(street_repo: Path, frame_of) -> None:
    entry = read_registry().model(STREET)
    detector = Detector(DirectInference(street_repo), STREET, min_score=0.3)
    frames = [frame_of(picture) for picture in entry.part("golden").questions()]
    for frame, seen in zip(frames, detector.detect(frames), strict=True):
        assert seen.frame.seen_by.startswith("person-vehicle-bike=")
        assert seen.frame.camera_id == frame.stamp.camera_id
        assert ((seen.class_ids == 1) & (seen.scores >= 0.3)).sum() >= 4
        assert seen.scores.dtype == np.float32 and (seen.scores >= 0.3 - 1e-6).all()


@pytest.fixture
def entry_in(tmp_path: Path) -> ModelEntry:
    return read_registry().model(STREET).model_copy(update={"folder": tmp_path})


def test_a_table_turns_scores_into_the_common_scale_and_back(entry_in: ModelEntry) -> None:
    table = {"scores": [[0, 0], [0.2, 0.3], [1, 1]]}
    (entry_in.folder / CALIBRATION).write_text(json.dumps(table))
    calibration = read_calibration(entry_in)
    assert calibration is not None
    np.testing.assert_allclose(calibration.to_common(np.array([0.1, 0.2, 0.6])), [0.15, 0.3, 0.65])
    assert calibration.to_given(0.3) == pytest.approx(0.2)


@pytest.mark.parametrize(
    "table",
    [
        '{"scores": [[0, 0], [0.5, 0.2], [0.4, 0.3], [1, 1]]}',
        '{"scores": [[0, 0], [0.5, NaN], [1, 1]]}',
        "{}",
        "x",
    ],
)
def test_a_table_that_is_none_stops(entry_in: ModelEntry, table: str) -> None:
    (entry_in.folder / CALIBRATION).write_text(table)
    with pytest.raises(Stop, match=CALIBRATION):
        read_calibration(entry_in)


def test_without_a_table_scores_stay_as_they_are(entry_in: ModelEntry) -> None:
    assert read_calibration(entry_in) is None
