"""`forewarn evidence search` and `list`: filters, tracks, both vectors; `upkeep`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE, EvidenceRecord
from evidence_store.search.table import EvidenceTable
from forewarn.commands.evidence import group as evidence
from tests.support.sealed_record import a_record

APP = Typer()
APP.add_typer(evidence.app, name="evidence")
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def record(number: int) -> EvidenceRecord:
    rng = np.random.default_rng(number)
    embedding, appearance = rng.normal(size=EMBEDDING_SIZE), rng.normal(size=APPEARANCE_SIZE)
    return replace(
        a_record(f"evd-{number:016x}"),
        subject_id=f"gate/{number // 2}",
        zone_id=f"zone-{number % 3}",
        category=("street/loitering", "street/stall")[number % 2],
        ended_at=START + timedelta(hours=number),
        embedding=(embedding / np.linalg.norm(embedding)).astype(np.float32),
        appearance=(appearance / np.linalg.norm(appearance)).astype(np.float32),
    )


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    folder = DataDir(tmp_path / "var")
    EvidenceTable.open(folder.lancedb).put([record(number) for number in range(8)])
    return folder


def run(data: DataDir, *words: str) -> Result:
    return CliRunner().invoke(
        APP, ["evidence", *words, "--data", str(data.root)], env={"COLUMNS": "200"}
    )


def found(data: DataDir, *words: str) -> list[int]:
    result = run(data, *words, "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    printed = [json.loads(line) for line in result.stdout.splitlines()]
    return [int(each["evidence_id"][4:], 16) for each in printed]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (("--track", "gate/2"), [5, 4]),
        (("--category", "street/stall", "--zone", "zone-1"), [7, 1]),
        (("--from", "2026-03-02T10:00:00", "--to", "2026-03-02T13:00:00"), [4, 3, 2]),
        (("--to", "2026-03-02T08:00:00"), []),
    ],
)
def test_facts_narrow_a_list(data: DataDir, words: tuple[str, ...], numbers: list[int]) -> None:
    assert found(data, "list", *words) == numbers


def test_a_track_finds_its_own_records_first(data: DataDir) -> None:
    for by in ("looks", "appearance", "both"):
        numbers = found(data, "search", "--track", "gate/2", "--by", by, "-k", "3")
        assert {*numbers[:2]} == {4, 5} and len(numbers) == 3
    narrow = found(data, "search", "--track", "gate/2", "--category", "street/stall")
    assert narrow[0] == 5 and {*narrow} == {1, 3, 5, 7}
    nobody = run(data, "search", "--track", "gate/99")
    assert isinstance(nobody.exception, PutAside) and "gate/99" in str(nobody.exception)


def test_a_search_says_how_it_was_answered_and_how_alike_each_vector_is(data: DataDir) -> None:
    shown = run(data, "search", "--evidence", record(3).evidence_id, "--by", "both", "-k", "2")
    assert "looks" in shown.output and "colours" in shown.output and "1.0000" in shown.output
    assert "all 8 records that fit were compared" in shown.output
    twin = replace(record(20), embedding=record(3).embedding)
    EvidenceTable.open(data.lancedb).put([twin])
    words = ("--evidence", record(3).evidence_id, "--by", "looks", "-k", "1")
    cut = run(data, "search", *words)
    assert "more are as alike as the last one" in cut.output
    asked_twice = run(data, "search", "--evidence", "evd-1", "--track", "gate/1")
    assert isinstance(asked_twice.exception, Stop) and "needs one of" in str(asked_twice.exception)


def test_upkeep_tidies_and_says_so(data: DataDir, tmp_path: Path) -> None:
    table = EvidenceTable.open(data.lancedb)
    for number in range(8, 14):
        table.put([record(number)])
    assert table.fragments() == 7
    done = run(data, "upkeep", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"table": "evidence", "rows": 14, "files": 1, "indexed": []}
    assert run(DataDir(tmp_path / "none"), "upkeep").exit_code == 0
