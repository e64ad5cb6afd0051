"""A model is added by one folder, and a broken one takes nothing from the others.

The newcomer is FastestDet; its file is looked for below FOREWARN_MODEL_MIRROR or FOREWARN_EVAL_DATA.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import models
from domain.errors import Stop
from models.building import build, why_not_built
from models.calibration import is_calibrated
from models.direct import DirectInference
from models.registry import ModelEntry, read_registry
from models.serving.check import check_answers, faults_of, usable_detectors
from models.serving.client import Detector
from models.serving.connection import connect
from models.serving.server import TritonServer
from models.sources import MIRROR_VARIABLE, fetch

NEWCOMERS = Path(__file__).parent / "newcomer"
FILE = "FastestDet.onnx"


@pytest.fixture
def newcomer(monkeypatch: pytest.MonkeyPatch) -> ModelEntry:
    """Put the folder where a model's folder lies, and do nothing else."""
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(NEWCOMERS)])
    return read_registry().model("fastest")


@pytest.fixture
def repo(newcomer: ModelEntry, tmp_path: Path) -> Path:
    """Build it, in a repository of its own."""
    folders = filter(None, map(os.environ.get, (MIRROR_VARIABLE, "FOREWARN_EVAL_DATA")))
    mirror = next((Path(each) for each in folders if [*Path(each).rglob(FILE)]), None)
    if mirror is None:
        pytest.skip(f"no {FILE} below {MIRROR_VARIABLE} or FOREWARN_EVAL_DATA")
    build(newcomer, fetch(newcomer, tmp_path / "cache", mirror), tmp_path / "repo")
    assert why_not_built(newcomer, tmp_path / "repo") is None
    return tmp_path / "repo"


def test_a_folder_is_all_that_a_model_needs(newcomer: ModelEntry, repo: Path) -> None:
    inference = DirectInference(repo)
    assert faults_of(inference, newcomer) == []
    assert "fastest" in read_registry().detectors and not is_calibrated(newcomer)
    assert Detector(inference, "fastest").side_px == 352


def test_a_chunk_that_its_network_cannot_take_is_found_out_before_it_serves(
    newcomer: ModelEntry, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunked = newcomer.model_copy(
        update={"served": newcomer.served.model_copy(update={"chunk": 2})}
    )
    inference = DirectInference(repo)
    monkeypatch.setitem(inference._chunks, "fastest", 2)
    assert faults_of(inference, chunked) != []


@pytest.mark.triton
@pytest.mark.slow
def test_a_real_server_serves_it(newcomer: ModelEntry, repo: Path, tmp_path: Path) -> None:
    with TritonServer(tmp_path / "run", triton_repo=repo) as server:
        server.wait_ready()
        with connect(server.address, deadline_s=20.0) as connection:
            assert faults_of(connection, newcomer) == []


ANSWERS = {
    "echo": """
import numpy as np
def questions():
    return [np.full(2, n, np.float32) for n in (1, 2, 3)]
def faults(answers):
    return [f"got {a['y']}" for n, a in enumerate(answers, 1) if not np.allclose(a["y"], n, rtol=.5)]
""",
    "broken": "raise ValueError('half a file')",
}
MODEL = """
name = "{name}"
task = "give back what comes"
without = "nothing"
licence = "MIT"
trained_on = "nothing"
sha256 = "{sha256}"
size_bytes = 1
colour_order = "RGB"
source = {{ kind = "file", path = "none" }}
inputs = [{{ name = "x", dtype = "float32", shape = [-1, 2], meaning = "" }}]
outputs = [{{ name = "y", dtype = "float32", shape = [-1, 2], meaning = "" }}]
"""


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add two folders, one of them broken; no other model is there."""
    for name, golden in ANSWERS.items():
        folder = tmp_path / "made_up" / name
        folder.mkdir(parents=True)
        (folder / "model.toml").write_text(MODEL.format(name=name, sha256="0" * 64))
        (folder / "golden.py").write_text(golden)
    monkeypatch.setattr(models, "__path__", [str(tmp_path / "made_up")])


class MadeUpServer:
    """Answers with what it is asked; in batches that are larger than 1, moved by `drift` of it."""

    address, deadline_s = "nowhere:1", 1.0

    def __init__(self, drift: float = 0.0, loaded: Sequence[str] = ("echo", "broken")) -> None:
        self._drift, self._loaded = drift, loaded
        rows = [SimpleNamespace(name=n, state="READY", reason="") for n in loaded]
        rows.append(SimpleNamespace(name="halved", state="UNAVAILABLE", reason="no model.xml"))
        index = SimpleNamespace(models=rows)
        self.client = SimpleNamespace(get_model_repository_index=lambda client_timeout: index)

    def check_models_ready(self, names: Sequence[str]) -> None:
        if missing := set(names) - set(self._loaded):
            raise Stop(f"not loaded: {missing}")

    def has_model(self, name: str) -> bool:
        return name in self._loaded

    def infer(self, model, given, batches, wanted):
        return [{"y": np.stack(b) * (1 + self._drift * (len(b) > 1))} for b in batches]


def test_a_model_that_does_not_load_or_answer_is_left_out_and_named(made_up: None) -> None:
    left_out = check_answers(MadeUpServer())
    assert sorted(left_out) == ["broken", "halved"]
    assert "half a file" in left_out["broken"] and left_out["halved"] == "no model.xml"


def test_an_answer_that_depends_on_its_batch_is_found_out(made_up: None) -> None:
    echo = read_registry().model("echo")
    assert faults_of(MadeUpServer(drift=0.01), echo) == []  # rounding
    (fault,) = faults_of(MadeUpServer(drift=0.1), echo)
    assert "batch of 2" in fault and "echo/model.toml" in fault


def test_a_model_that_must_be_there_stops_the_start(made_up: None, tmp_path: Path) -> None:
    file = tmp_path / "made_up" / "broken" / "model.toml"
    file.write_text(file.read_text().replace('without = "nothing"', ""))
    with pytest.raises(Stop, match=r"(?s)wrongly.*broken.*half a file"):
        check_answers(MadeUpServer())
    with pytest.raises(Stop, match=r"not loaded.*broken"):
        check_answers(MadeUpServer(loaded=("echo",)))


DETECTOR = MODEL.replace("[-1, 2]", "[-1, 8, 8, 3]").replace("float32", "uint8")
DETECTOR += 'detects = {{ groups = [["person"]] }}'
SEES_ITSELF = """
import numpy as np
def questions():
    return [np.ones((8, 8, 3), np.uint8)]
def faults(answers):
    return []
"""


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"postprocess.py": "to_boxes = None"},
        {"postprocess.py": "def to_detections(): ...", "calibration.json": '{"scores": []}'},
    ],
)
def test_a_detector_whose_folder_is_not_whole_is_chosen_for_no_camera(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: dict[str, str]
) -> None:
    folder = tmp_path / f"detector_{len(parts)}"  # imported once for all tests
    folder.mkdir()
    (folder / "model.toml").write_text(DETECTOR.format(name="mine", sha256="0" * 64))
    (folder / "golden.py").write_text(SEES_ITSELF)
    for name, content in parts.items():
        (folder / name).write_text(content)
    monkeypatch.setattr(models, "__path__", [str(tmp_path)])
    assert usable_detectors(MadeUpServer(loaded=["mine"]), ["mine"]) == set()
    for name in ("postprocess.py", "calibration.json"):
        (folder / name).unlink(missing_ok=True)
    (folder / "postprocess.py").write_text("def to_detections(): ...")
    for module in [each for each in sys.modules if each.startswith(f"models.{folder.name}")]:
        monkeypatch.delitem(sys.modules, module)
    assert usable_detectors(MadeUpServer(loaded=["mine"]), ["mine"]) == {"mine"}
