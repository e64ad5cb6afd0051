"""Searching by words with a pair that a site brings; a tiny one that knows three colours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from domain.errors import PutAside, Stop
from models.direct import DirectInference
from models.serving.connection import Connection, connect
from models.serving.server import TritonServer
from models.text_search.client import MODELS, TextSearch, square
from models.text_search.install import install_pair
from models.text_search.installed import InstalledPair, installed_pair
from models.text_search.pair import read_pair
from tests.support.tiny_pair import SIZE, make_pair

COLOURS = {"red": (200, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> InstalledPair:
    folder = tmp_path_factory.mktemp("pair")
    return install_pair(make_pair(folder / "source"), folder / "models" / "pair")


@pytest.fixture(scope="module")
def served(tiny: InstalledPair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Start a real Triton server with forewarn's own models and the pair's."""
    folder = tmp_path_factory.mktemp("triton")
    with TritonServer(
        folder, more_repos=[tiny.triton_repo], models=("embedder", *MODELS)
    ) as server:
        server.wait_ready(timeout_s=120)
        with connect(server.address, deadline_s=20.0) as connection:
            yield connection


def picture(colour: tuple[int, int, int], height: int = 90, width: int = 40) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


@pytest.mark.triton
def test_a_text_is_nearest_to_the_picture_that_it_tells_of(
    served: Connection, tiny: InstalledPair
) -> None:
    served.check_models_ready(("embedder", *MODELS))
    search = TextSearch(served, tiny)
    pictures = search.describe_pictures([picture(each) for each in COLOURS.values()] * 5)
    assert pictures.shape == (15, SIZE) and pictures.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(pictures, axis=1), 1, atol=1e-5)
    for number, words in enumerate((("red", "一个人 红"), ("a GREEN coat", "绿"), ("blue", "蓝"))):
        for text in words:
            cosines = pictures[:3] @ search.describe_text(text)
            assert int(np.argmax(cosines)) == number, text
    assert np.allclose(pictures[:3], pictures[12:], atol=1e-6), "whatever else it is sent with"


@pytest.mark.triton
def test_a_text_without_words_is_refused_and_a_long_one_is_cut(
    served: Connection, tiny: InstalledPair
) -> None:
    search = TextSearch(served, tiny)
    with pytest.raises(PutAside, match="a word at least"):
        search.describe_text(" \n")
    long = search.describe_text("red " * 500)
    assert long @ search.describe_text("red") > 0.99


@pytest.mark.parametrize("fit", ["crop", "pad", "squeeze"])
def test_a_picture_becomes_a_square_in_the_pairs_way(tiny: InstalledPair, fit: str) -> None:
    pictures = tiny.pair.pictures.model_copy(update={"fit": fit})
    pair = tiny.pair.model_copy(update={"pictures": pictures})
    tall = picture((0, 0, 0), 90, 30)
    tall[:30] = 255  # its upper third
    squared = square(tall, pair)
    assert squared.shape == (16, 16, 3)
    middle = squared[:, 8, 0]
    if fit == "crop":
        assert middle.max() == 0, "the upper third is cut off"
    else:
        assert middle[:4].min() == 255 and middle[-4:].max() == 0
    assert (squared[8, 0, 0] == 127) == (fit == "pad")
    with pytest.raises(PutAside):
        square(np.zeros((0, 3, 3), np.uint8), pair)


def test_without_a_mask_and_with_other_weights_it_is_another_pair(
    tiny: InstalledPair, tmp_path: Path
) -> None:
    other = install_pair(make_pair(tmp_path / "a", gain=2.0, mask=False), tmp_path / "pair")
    assert other.pair.pair_id.table_name != tiny.pair.pair_id.table_name
    again = read_pair(make_pair(tmp_path / "b"))
    assert again.pair_id == tiny.pair.pair_id, "where the files lie makes no difference"
    side = again.pictures.model_copy(update={"side_px": 24})
    assert again.model_copy(update={"pictures": side}).pair_id != again.pair_id


def test_what_fills_up_counts_only_where_it_ends_the_text(
    tiny: InstalledPair, tmp_path: Path
) -> None:
    spec = make_pair(tmp_path / "a", end_is_pad=True)
    ending = install_pair(spec, tmp_path / "pair")
    alone, ended = (
        TextSearch(DirectInference(each.triton_repo), each).describe_text("red")
        for each in (tiny, ending)
    )
    assert alone[3] == pytest.approx(0, abs=1e-3)
    # once: (1, -.5, -.5, 3), not six times more
    assert ended[3] == pytest.approx(3 / np.sqrt(1.5 + 9), abs=1e-3)


def test_a_pair_replaces_the_one_before_and_a_bad_one_does_not(tmp_path: Path) -> None:
    folder = tmp_path / "pair"
    assert installed_pair(folder) is None
    install_pair(make_pair(tmp_path / "a"), folder)
    spec = make_pair(tmp_path / "b", name="other")
    good = spec.read_text()
    for wrong, message in (
        (good.replace("size = 4", "size = 5"), "vectors of 5"),
        (good.replace('input = "pixels"', 'input = "images"'), "pixels"),
        (good.replace("sha256 = ", 'sha256 = "' + "0" * 64 + '" # ', 1), "should have sha256"),
        (good.replace('licence = "Apache-2.0"', ""), "licence"),
        (good.replace('name = "other"', 'name = "other"\nprompt = "a photo"'), "prompt"),
    ):
        spec.write_text(wrong)
        with pytest.raises(Stop, match=message):
            install_pair(spec, folder)
        assert installed_pair(folder).pair.name == "tiny"  # type: ignore[union-attr]
    spec.write_text(good)
    assert install_pair(spec, folder).pair.name == "other"
    assert installed_pair(folder).pair.name == "other"  # type: ignore[union-attr]
    leftovers = {path.name for path in tmp_path.iterdir()}
    assert leftovers == {"a", "b", "pair", "text_search_files"}
