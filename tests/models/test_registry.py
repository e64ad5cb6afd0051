"""The registry says what is true, and wrong entries are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from domain.errors import Stop
from models.building import read_note
from models.contract import Tensor
from models.registry import MODEL_FILE, ROOT, read_registry
from models.serving.client import BATCH
from models.triton_config import config_of
from models.versions import built_versions

DTYPES = {"uint8": "TYPE_UINT8", "float32": "TYPE_FP32"}


def served(name: str) -> model_config_pb2.ModelConfig:
    text = config_of(read_registry().model(name))
    return text_format.Parse(text, model_config_pb2.ModelConfig())


@pytest.mark.parametrize("name", read_registry().names)
def test_the_contract_is_that_of_the_served_configuration(name: str) -> None:
    entry = read_registry().model(name)
    config = served(name)
    assert config.name == entry.triton_folder
    for tensors, configured in ((entry.inputs, config.input), (entry.outputs, config.output)):
        assert [t.name for t in tensors] == [c.name for c in configured]
        for tensor, one in zip(tensors, configured, strict=True):
            dims = one.reshape.shape if one.HasField("reshape") else one.dims
            assert list(dims) == list(tensor.shape[1:])
            assert model_config_pb2.DataType.Name(one.data_type) == DTYPES[tensor.dtype]


def test_the_client_sends_no_larger_batches_than_the_server_takes() -> None:
    names = ("detector", "embedder", "likeness")
    assert {served(name).max_batch_size for name in names} == {BATCH}


def test_no_queue_policy_is_set_because_the_batcher_would_stand_still() -> None:
    for name in read_registry().names:
        assert not served(name).dynamic_batching.HasField("default_queue_policy")


@pytest.mark.parametrize("name", read_registry().names)
def test_every_model_names_its_terms_and_has_a_card(name: str) -> None:
    entry = read_registry().model(name)
    card = (ROOT / entry.card).read_text(encoding="utf-8")
    assert entry.licence in card
    assert entry.trained_on


def test_versions_name_each_model_with_twelve_digits_of_its_hash() -> None:
    words = built_versions().split()
    names = [w.split("=")[0] for w in words]
    assert names == [
        "detector",
        "embedder",
        "face-detector",
        "likeness",
    ]  # not what few cameras use
    note = read_note(read_registry().model("detector"))
    assert words[0].endswith(note.files["model.bin"][:12] if note else "not-built")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        Stop, match="detector, embedder, face_detector, likeness, person_vehicle_bike"
    ):
        read_registry().model("plate_reader")


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("face_detector", 'licence = "MIT"', "", "face_detector.*licence.*required"),
        ("face_detector", 'kind = "wheel"', 'kind = "ftp"', "face_detector.*ftp"),
        ("embedder", "[-1, 280, 280, 3]", "[8, 280, 280, 3]", "embedder.*shape should be"),
        ("embedder", "[-1, 280, 280, 3]", "[-1, -1, 280, 3]", "embedder.*served.max_batch = 0"),
        ("embedder", 'name = "embedder"', 'name = "likeness"', "unique.*likeness"),
        ("face_detector", 'sha256 = "0918', 'sha256 = "918', "face_detector.*sha256"),
        ("likeness", "[source]", "[source", "likeness.*not TOML"),
        ("likeness", '-0287.bin" }', '-0287.xml" }', "likeness.*names of their own"),
        ("face_detector", "task =", "purpose = 1\ntask =", "face_detector.*purpose"),
        ("person_detector", '["person"]', '["perso"]', "person_detector.*did you mean person"),
        ("person_detector", "[-1, 300, 300, 3]", "[-1, 300, 400, 3]", "one square picture"),
    ],
)
def test_a_wrong_entry_is_named_with_its_file_and_field(
    tmp_path: Path, name: str, old: str, new: str, says: str
) -> None:
    for folder in {name, "likeness"}:
        text = (ROOT / "models" / folder / MODEL_FILE).read_text(encoding="utf-8")
        (tmp_path / folder).mkdir()
        if folder == name:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / folder / MODEL_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(Stop, match=f"(?s){says}"):
        read_registry([tmp_path])


def test_no_model_at_all_is_named(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="no model"):
        read_registry([tmp_path / "none"])


@pytest.mark.parametrize(
    ("shape", "at_most", "row", "fits"),
    [
        ((-1, 300, 300, 3), (), (300, 300, 3), True),
        ((-1, 300, 300, 3), (), (300, 256, 3), False),
        ((-1, 300, 300, 3), (), (300, 300), False),
        ((-1,), (), (), True),
        ((-1, -1), (), (7,), True),
        ((-1, -1), (512,), (512,), True),
        ((-1, -1), (512,), (513,), False),
    ],
)
def test_a_row_has_the_sides_that_the_contract_names(shape, at_most, row, fits) -> None:
    tensor = Tensor(name="tokens", dtype="int64", shape=shape, at_most=at_most, meaning="")
    assert tensor.fits(row) is fits


def test_only_what_can_be_done_without_is_optional() -> None:
    registry = read_registry()
    assert registry.required == ("detector", "embedder", "face_detector")
    assert "colours" in registry.model("likeness").without


def test_another_companion_is_another_source() -> None:
    entry = read_registry().model("likeness")
    other = entry.companions[0].model_copy(update={"sha256": "0" * 64})
    assert entry.model_copy(update={"companions": (other,)}).sources_sha256 != entry.sources_sha256
    alone = entry.model_copy(update={"companions": ()})
    assert alone.sources_sha256 == entry.sha256
