"""Test searches of the evidence table: filters, both vectors, indices. Real LanceDB on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE, EvidenceRecord
from evidence_store.search import maintenance, nearest
from evidence_store.search.filters import RecordFilter
from evidence_store.search.lance import connect
from evidence_store.search.schema import SCHEMA
from evidence_store.search.similarity import Match
from evidence_store.search.table import EvidenceTable
from tests.support.sealed_record import a_record

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
FEW = 300


def unit(rng: np.random.Generator, size: int, around: np.ndarray | None = None) -> np.ndarray:
    vector = rng.normal(size=size) + (0 if around is None else 3 * np.sqrt(size) * around)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def record(number: int) -> EvidenceRecord:
    rng = np.random.default_rng(number)
    return replace(
        a_record(f"evd-{number:016x}"),
        camera_id=f"gate-{number % 3}",
        zone_id=f"zone-{number % 2}",
        rule_id="no-lingering",
        subject_id=f"gate/{number // 4}",
        outcome=("complied", "escalated")[number % 2],
        category=("street/loitering", "street/stall")[number % 7 == 0],
        first_seen_at=START + timedelta(minutes=number),
        ended_at=START + timedelta(minutes=number, seconds=30),
        embedding=unit(rng, EMBEDDING_SIZE),
        appearance=unit(rng, APPEARANCE_SIZE),
    )


def numbers(matches: Iterable[Match]) -> list[int]:
    return [int(match.record.evidence_id[4:], 16) for match in matches]


@pytest.fixture
def table(tmp_path: Path) -> EvidenceTable:
    made = EvidenceTable.open(tmp_path / "lancedb")
    made.put([record(number) for number in range(FEW)])
    return made


@pytest.fixture
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build indices from 100 rows on, and search exactly up to 20."""
    monkeypatch.setattr(maintenance, "INDEX_FACTS_FROM_ROWS", 100)
    monkeypatch.setattr(maintenance, "INDEX_VECTORS_FROM_ROWS", 100)
    monkeypatch.setattr(nearest, "EXACT_UP_TO_ROWS", 20)


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (RecordFilter(), lambda n: True),
        (
            RecordFilter(camera_id="gate-1", outcome="escalated"),
            lambda n: n % 3 == 1 and n % 2 == 1,
        ),
        (RecordFilter(zone_id="zone-0"), lambda n: n % 2 == 0),
        (RecordFilter(category="street/stall"), lambda n: n % 7 == 0),
        (RecordFilter(subject_id="gate/5"), lambda n: n // 4 == 5),
        (RecordFilter(rule_id="another"), lambda n: False),
        (
            RecordFilter(
                from_at=START + timedelta(minutes=10, seconds=30),
                to_at=START + timedelta(minutes=13, seconds=30),
            ),
            lambda n: 10 <= n <= 12,
        ),
    ],
)
def test_filters_let_through_what_fits_and_nothing_else(
    table: EvidenceTable, wanted: RecordFilter, fits: Callable[[int], bool]
) -> None:
    expected = [n for n in range(FEW) if fits(n)]
    found = table.search(record(7).embedding, k=FEW, record_filter=wanted)
    assert sorted(numbers(found)) == expected
    assert (found.is_exact, found.fitting) == (True, len(expected))
    assert {int(each.evidence_id[4:], 16) for each in table.newest(wanted, FEW)} == {*expected}


def test_both_vectors_together_order_by_the_mean_of_their_cosines(table: EvidenceTable) -> None:
    asked = record(9)
    found = table.search_by_both(asked.embedding, asked.appearance, k=20)
    expected = sorted(
        (
            (
                float(record(n).embedding @ asked.embedding) / 2
                + float(record(n).appearance @ asked.appearance) / 2
            )
            for n in range(FEW)
        ),
        reverse=True,
    )
    assert found.is_exact and numbers(found)[0] == 9
    assert [each.similarity for each in found] == pytest.approx(expected[:20], abs=1e-5)
    for each in found:
        assert each.similarity == pytest.approx(sum(each.cosines.values()) / 2, abs=1e-6)


def test_who_has_only_one_of_the_vectors_is_not_compared_by_both(table: EvidenceTable) -> None:
    half = replace(record(FEW), appearance=np.zeros(APPEARANCE_SIZE, np.float32))
    table.put([half])
    assert numbers(table.search(half.embedding, k=1)) == [FEW]
    both = table.search_by_both(half.embedding, record(3).appearance, k=FEW + 1)
    assert sorted(numbers(both)) == list(range(FEW))


def test_equally_similar_records_share_a_rank_and_a_cut_among_them_is_told(
    tmp_path: Path,
) -> None:
    table = EvidenceTable.open(tmp_path)
    twin = record(1)
    table.put([twin, *(replace(record(n), embedding=twin.embedding) for n in (4, 3)), record(5)])
    found = table.search(twin.embedding, k=4)
    assert numbers(found)[:3] == [1, 3, 4], "in the order of their ids, on every run"
    assert [each.rank for each in found] == [1, 1, 1, 4] and not found.cuts_a_tie
    assert table.search(twin.embedding, k=2).cuts_a_tie


@pytest.mark.usefixtures("small_is_large")
def test_a_large_table_is_indexed_and_says_that_it_asked_the_index(table: EvidenceTable) -> None:
    asked = record(11).embedding
    before = table.search(asked, k=5)
    assert before.is_exact
    assert set(table.keep_up()) >= {"evidence_id", "camera_id", "embedding", "appearance"}
    assert table.keep_up() == [], "only once"
    after = table.search(asked, k=5)
    assert not after.is_exact and after.fitting == FEW
    assert numbers(after)[0] == 11 and len(after) == 5
    true = [float(each.record.embedding @ asked) for each in after]
    assert [each.similarity for each in after] == pytest.approx(true, abs=1e-5)
    assert true == sorted(true, reverse=True) and true[-1] <= before[-1].similarity + 1e-5
    narrow = table.search(asked, k=5, record_filter=RecordFilter(subject_id="gate/2"))
    assert narrow.is_exact and numbers(narrow)[0] == 11, "few that fit are compared one by one"


@pytest.mark.usefixtures("small_is_large")
def test_what_is_newer_than_the_index_is_found_at_once(table: EvidenceTable) -> None:
    table.keep_up()
    table.put([record(FEW + 5)])
    found = table.search(record(FEW + 5).embedding, k=1)
    assert not found.is_exact and numbers(found) == [FEW + 5]
    assert table.get(record(FEW + 5).evidence_id) is not None
    assert table.newest(RecordFilter(subject_id=record(FEW + 5).subject_id))
    wide = table.search(
        record(FEW + 5).embedding, k=1, record_filter=RecordFilter(zone_id="zone-1")
    )
    assert numbers(wide) == [FEW + 5]


@pytest.mark.usefixtures("small_is_large")
def test_an_index_is_made_anew_when_the_table_has_doubled(table: EvidenceTable) -> None:
    table.keep_up()
    table.put([record(number) for number in range(FEW, 2 * FEW + 10)])
    assert set(table.keep_up()) == {"embedding", "appearance"}
    assert table.keep_up() == []


@pytest.mark.usefixtures("small_is_large")
def test_records_without_a_picture_neither_break_the_index_nor_are_found(
    table: EvidenceTable,
) -> None:
    blank = replace(record(FEW), embedding=np.zeros(EMBEDDING_SIZE, np.float32))
    table.put([blank])
    table.keep_up()
    assert FEW not in numbers(table.search(record(2).embedding, k=FEW + 1))


WRITER = """
import sys
from pathlib import Path
from evidence_store.search.table import EvidenceTable
sys.path.insert(0, str(Path(sys.argv[1]).parent))
import test_search as cases
table = EvidenceTable.open(Path(sys.argv[2]))
for start in range(500, 560, 5):
    table.put([cases.record(number) for number in range(start, start + 5)])
"""


@pytest.mark.usefixtures("small_is_large")
def test_an_index_on_the_key_makes_no_duplicates(table: EvidenceTable, tmp_path: Path) -> None:
    assert "evidence_id" in table.keep_up()
    root = Path(__file__).resolve().parents[3]
    words = [sys.executable, "-c", WRITER, __file__, str(tmp_path / "lancedb")]
    environment = dict(os.environ, PYTHONPATH=str(root))
    writers = [subprocess.Popen(words, env=environment) for _ in range(2)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    ids = table.facts().column("evidence_id").to_pylist()
    assert len(ids) == len(set(ids)) == FEW + 60


def test_a_table_from_before_there_were_categories_goes_on(tmp_path: Path) -> None:
    older = pa.schema([field for field in SCHEMA if field.name != "category"])
    connect(tmp_path).create_table("evidence", schema=older)
    assert EvidenceTable.open(tmp_path, create=False).newest() == []
    table = EvidenceTable.open(tmp_path)
    table.put([record(7)])
    found = EvidenceTable.open(tmp_path, create=False).newest(RecordFilter(category="street/stall"))
    assert [each.category for each in found] == ["street/stall"]
