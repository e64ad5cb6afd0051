"""Building is skipped where nothing changed, and never leaves half a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import Stop
from models.building import GRAPH, NOTE, WEIGHTS, build, built_folder, why_not_built
from models.person_detector import build as person_detector_build
from models.registry import ModelEntry, read_registry
from models.sources import fetch

pytestmark = pytest.mark.slow


@pytest.fixture
def embedder() -> ModelEntry:
    return read_registry().model("embedder")


def test_a_built_model_is_up_to_date_until_something_changes(embedder, tmp_path: Path) -> None:
    assert why_not_built(embedder, tmp_path) == "not built"
    note = build(embedder, fetch(embedder), tmp_path)
    assert note.source_sha256 == embedder.sha256
    assert why_not_built(embedder, tmp_path) is None

    folder = built_folder(embedder, tmp_path)
    assert sorted(p.name for p in folder.iterdir()) == sorted([NOTE, WEIGHTS, GRAPH])

    newer = embedder.model_copy(update={"sha256": "0" * 64})
    assert why_not_built(newer, tmp_path) == "built from another source file"
    larger = embedder.inputs[0].model_copy(update={"shape": (-1, 320, 320, 3)})
    assert why_not_built(embedder.model_copy(update={"inputs": (larger,)}), tmp_path) == (
        "built for other inputs, outputs or classes"
    )

    with (folder / WEIGHTS).open("r+b") as weights:
        weights.write(b"\x00\x01\x02\x03")
    assert "changed after it was built" in str(why_not_built(embedder, tmp_path))
    (folder / WEIGHTS).unlink()
    assert "missing" in str(why_not_built(embedder, tmp_path))
    (folder / NOTE).write_text('{"model": "emb')
    assert why_not_built(embedder, tmp_path) == "not built"


def test_a_source_that_is_no_model_stops_and_leaves_nothing(embedder, tmp_path: Path) -> None:
    junk = tmp_path / "model.tflite"
    junk.write_bytes(b"\x00" * 64)
    with pytest.raises(Stop, match="embedder"):
        build(embedder, junk, tmp_path / "repo")
    assert list(built_folder(embedder, tmp_path / "repo").iterdir()) == []


def test_a_size_that_the_face_detector_cannot_take_is_refused(tmp_path: Path) -> None:
    entry = read_registry().model("face_detector")
    odd = entry.inputs[0].model_copy(update={"shape": (-1, 500, 700, 3)})
    with pytest.raises(Stop, match="multiples of 32"):
        build(entry.model_copy(update={"inputs": (odd,)}), fetch(entry), tmp_path)


def test_a_detector_is_built_again_when_rules_may_name_another_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    detector = read_registry().model("detector")
    of_another = "built for other inputs, outputs or classes"
    assert why_not_built(detector) not in (
        "not built",
        of_another,
    )  # it is built for the whole suite
    monkeypatch.setattr(person_detector_build, "BUILT_FOR", {"classes": (1, 2)})
    assert why_not_built(detector) == of_another
