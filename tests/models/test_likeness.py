"""The likeness model, and the made-up one that tests use in its place, keep the same promises.

The real one runs where its files are to be had: FOREWARN_MODEL_MIRROR names the folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_likeness import FakeLikeness

from domain.errors import PutAside
from models.building import build, why_not_built
from models.direct import DirectInference
from models.likeness.golden import differences, golden_crops, read_golden
from models.registry import read_registry
from models.serving.check import find_faults
from models.serving.client import LikenessEncoder
from models.serving.connection import connect
from models.serving.server import TritonServer
from models.sources import MIRROR_VARIABLE, fetch


@pytest.fixture(scope="session")
def real_repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the real model, in a repository of its own."""
    mirror = os.environ.get(MIRROR_VARIABLE)
    if not mirror:
        pytest.skip(
            f"the real likeness model is not here: {MIRROR_VARIABLE} names no folder with it"
        )
    folder = tmp_path_factory.mktemp("likeness")
    entry = read_registry().model("likeness")
    build(entry, fetch(entry, folder / "cache", Path(mirror)), folder / "repo")
    assert why_not_built(entry, folder / "repo") is None
    return folder / "repo"


@pytest.fixture(params=["made-up", "real"])
def describer(request: pytest.FixtureRequest) -> FakeLikeness | LikenessEncoder:
    if request.param == "made-up":
        return FakeLikeness()
    return LikenessEncoder(DirectInference(request.getfixturevalue("real_repo")))


def test_vectors_have_unit_length_and_depend_on_their_own_crop_alone(describer) -> None:
    crops = golden_crops()
    together = describer.describe([*crops, crops[0], *crops, *crops])
    assert together.shape == (10, 256) and together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.array_equal(together[0], together[3])
    np.testing.assert_allclose(describer.describe(crops[1:2])[0], together[1], atol=1e-4)


def test_the_same_person_in_other_light_is_more_alike_than_anybody_else(describer) -> None:
    crops = golden_crops()
    vectors = describer.describe(crops)
    darker = describer.describe([(crop * 0.8).astype(np.uint8) for crop in crops])
    alike = vectors @ darker.T
    assert (alike.argmax(axis=1) == np.arange(len(crops))).all()


def test_no_crops_give_no_vectors_and_one_without_pixels_is_put_aside(describer) -> None:
    assert describer.describe([]).shape == (0, 256)
    with pytest.raises(PutAside):
        describer.describe([np.zeros((0, 5, 3), np.uint8)])


def test_the_built_model_answers_as_the_original_did(real_repo: Path) -> None:
    assert find_faults(DirectInference(real_repo), ("likeness",)) == []


def test_another_persons_vector_is_found_out() -> None:
    golden = read_golden()
    assert differences(golden, golden) == []
    assert differences(golden, golden[::-1]) != []


class _Blind:
    """A server under NumPy 2: every answer is zeros."""

    def infer(self, model, given, batches, wanted):
        return [{t.name: np.zeros((len(rows), *t.shape[1:])) for t in wanted} for rows in batches]


def test_a_server_that_sees_nothing_is_found_out() -> None:
    assert any("answered with zeros" in fault for fault in find_faults(_Blind(), ("likeness",)))


@pytest.fixture
def likeness_server(real_repo: Path, tmp_path: Path) -> Iterator[TritonServer]:
    with TritonServer(tmp_path, triton_repo=real_repo) as server:
        server.wait_ready()
        yield server


@pytest.mark.triton
@pytest.mark.slow
def test_a_real_server_answers_as_the_original_did(likeness_server: TritonServer) -> None:
    with connect(likeness_server.address, deadline_s=20.0) as connection:
        assert connection.has_model("likeness") and not connection.has_model("detector")
        assert find_faults(connection, ("likeness",)) == []
        assert connection.uses_shared_memory


def test_its_configuration_comes_with_it_and_without_it_must_be_built_again(
    real_repo: Path,
) -> None:
    config = real_repo / "likeness" / "config.pbtxt"
    content = config.read_bytes()
    config.write_bytes(content + b"# changed by hand\n")
    try:
        why = why_not_built(read_registry().model("likeness"), real_repo)
    finally:
        config.write_bytes(content)
    assert "config.pbtxt" in str(why)
