"""From sealed evidence to `forewarn evidence search --text`, through the real Triton server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_likeness import FakeLikeness
from typer import Typer
from typer.testing import CliRunner, Result

from dashboards.data.evidence_lookup import EvidenceLookup
from dashboards.selections import SearchSelection
from dashboards.settings import ConsoleSettings
from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from evidence_store.media.stills import encode_jpeg
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.vault import Vault
from forewarn.commands.evidence import group as evidence
from forewarn.commands.models import group as models
from forewarn.evidence.describe import (
    EvidenceDescriber,
    crop_of_subject,
    describe_evidence,
    square_around,
)
from models.likeness.space import likeness_space
from models.serving.server import TritonServer
from models.text_search.installed import FOLDER_VARIABLE, REPO
from tests.support.sealed_record import a_record
from tests.support.tiny_pair import make_pair

APP = Typer()
APP.add_typer(evidence.app, name="evidence")
APP.add_typer(models.app, name="models")
COLOURS = {"red": (200, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}
IDS = {name: f"evd-{number:016x}" for number, name in enumerate(COLOURS)}
BOX = (100.0, 40.0, 140.0, 140.0)


def run(*words: str) -> Result:
    return CliRunner().invoke(APP, words, env={"COLUMNS": "200"})


def lines(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, (result.output, result.exception)
    return [json.loads(line) for line in result.stdout.splitlines()]


def seal(data: DataDir, evidence_id: str, colour: tuple[int, int, int] | None) -> None:
    """Seal a record whose masked picture is black but for its subject."""
    vault = Vault(data.evidence)
    record = replace(a_record(evidence_id), camera_id="gate")
    story = {"outcome": {"data": {"first_sighting": {"box_xyxy": list(BOX)}}}}
    with vault.draft(evidence_id) as draft:
        roles = {}
        if colour is not None:
            image = np.zeros((180, 240, 3), np.uint8)
            left, top, right, bottom = map(int, BOX)
            image[top - 20 : bottom + 20, left - 40 : right + 40] = colour
            (draft / "first.masked.jpg").write_bytes(encode_jpeg(image))
            roles["first.masked.jpg"] = "masked snapshot"
        EvidenceTable.open(data.lancedb).put([vault.seal(draft, record, roles, story)])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install a pair by the command; return its folder."""
    folder = tmp_path_factory.mktemp("pair")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder / "installed"))
        (printed,) = lines(run("models", "pair", "install", str(make_pair(folder / "a")), "--json"))
        (shown,) = lines(run("models", "pair", "show", "--json"))
    assert printed["pair"] == shown["pair"] and shown["licence"] == "Apache-2.0"
    return folder / "installed"


@pytest.fixture(scope="module")
def address(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a real Triton server with forewarn's models and the pair's."""
    with TritonServer(tmp_path_factory.mktemp("triton"), more_repos=[tiny / REPO]) as server:
        server.wait_ready(timeout_s=180)
        yield server.address


@pytest.mark.triton
def test_evidence_is_described_once_and_found_by_words(
    tiny: Path, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tiny))
    data = DataDir(tmp_path / "var")
    for name, colour in COLOURS.items():
        seal(data, IDS[name], colour)
    seal(data, "evd-00000000000000ff", None)
    where = ("--data", str(data.root), "--triton", address, "--json")
    for counts in ((3, 1), (0, 0)):
        # the likeness model describes as well, where it is built
        printed = lines(run("evidence", "describe", *where))
        assert {(each["described"], each["without_picture"]) for each in printed} == {counts}
        assert any(str(each["by"]).startswith("tiny=") for each in printed)
    for text, name in (("somebody in red", "red"), ("绿", "green"), ("BLUE", "blue")):
        found = lines(run("evidence", "search", "--text", text, *where))
        assert [each["rank"] for each in found] == [1, *(each["rank"] for each in found[1:])]
        assert len(found) == 3 and found[0]["evidence_id"] == IDS[name], text
        first, second = (float(str(each["similarity"])) for each in found[:2])
        assert first > second + 0.5
    page = EvidenceLookup(ConsoleSettings(data, triton=address))
    assert page.takes_words()
    found = page.similar(SearchSelection(text="in green"))
    assert (found.query, found.fitting, found.is_exact) == (None, 4, True)
    assert found.matches[0].record.evidence_id == IDS["green"]
    assert page.similar(SearchSelection(text="red", camera_id="desk")).matches == ()
    elsewhere = run("evidence", "search", "--text", "red", "--camera", "desk", *where)
    assert lines(elsewhere) == []


@pytest.mark.triton
def test_a_server_without_the_pair_and_a_site_without_one_say_what_is_missing(
    tiny: Path, triton_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DataDir(tmp_path / "var")
    seal(data, IDS["red"], COLOURS["red"])
    where = ("--data", str(data.root), "--triton", triton_address)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tiny))
    lacking = run("evidence", "search", "--text", "red", *where)
    assert isinstance(lacking.exception, Stop) and "text_search" in str(lacking.exception)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "none"))
    monkeypatch.setattr("forewarn.commands.evidence.describe.is_likeness_built", lambda: False)
    for words in (("search", "--text", "red"), ("describe",)):
        without = run("evidence", *words, *where)
        assert isinstance(without.exception, Stop) and "pair install" in str(without.exception)
    assert run("evidence", "describe", "--if-installed", *where).exit_code == 0
    assert lines(run("models", "pair", "show", "--json")) == [None]
    assert not EvidenceLookup(ConsoleSettings(data)).takes_words()


def test_the_subject_alone_is_described_by_likeness_and_found_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, model, space = DataDir(tmp_path / "var"), FakeLikeness(), likeness_space()
    for name, colour in COLOURS.items():
        seal(data, IDS[name], colour)
    seal(data, "evd-00000000000000ff", None)
    shown: list[np.ndarray] = []

    def describe(crops_rgb: Sequence[np.ndarray]) -> np.ndarray:
        shown.extend(crops_rgb)
        return model.describe(crops_rgb)

    by = EvidenceDescriber(space, describe, crop_of_subject)
    done = describe_evidence(data, by)
    assert (done.records, done.without_picture) == (4, 1)
    assert describe_evidence(data, by).records == 0
    assert {crop.shape for crop in shown} == {(100, 40, 3)}
    assert all(crop.reshape(-1, 3).std(axis=0).max() < 5 for crop in shown)
    where = ("--evidence", IDS["red"], "--data", str(data.root))
    found = lines(run("evidence", "search", *where, "--json"))
    assert found[0]["evidence_id"] == IDS["red"] and list(found[0]["cosines"]) == ["likeness"]  # type: ignore[call-overload]
    assert "by likeness: all 4 records" in run("evidence", "search", *where).output
    seal(data, "evd-00000000000000fe", COLOURS["red"])
    told = run("evidence", "search", *where).output
    assert "1 more were not described by it (forewarn evidence describe)" in " ".join(told.split())
    newer = run(
        "evidence", "search", "--evidence", "evd-00000000000000fe", "--by", "likeness", *where[2:]
    )
    assert isinstance(newer.exception, PutAside) and "--by both" in str(newer.exception)


def test_what_is_described_is_the_subject_in_a_square(tmp_path: Path) -> None:
    image = np.arange(180 * 240 * 3, dtype=np.uint32).reshape(180, 240, 3).astype(np.uint8)
    inside = square_around(image, BOX)
    assert inside.shape == (140, 140, 3)
    assert np.array_equal(inside, image[20:160, 50:190])
    at_edge = square_around(image, (-20, 60, 20, 160))
    assert at_edge.shape == (140, 140, 3) and np.array_equal(at_edge, image[40:180, :140])
    assert square_around(image, (0, 0, 240, 180)).shape == (180, 180, 3)
