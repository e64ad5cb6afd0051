"""Test vectors of picture-and-text pairs: a table for each pair, searched with the evidence's facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from domain.errors import PutAside, Stop
from domain.evidence import EvidenceRecord
from evidence_store.erasure.erase_rows import erase_rows, row_files
from evidence_store.search.filters import RecordFilter
from evidence_store.search.picture_vectors import PictureVectors, VectorSpace, picture_tables
from evidence_store.search.table import EvidenceTable
from tests.support.sealed_record import a_record

TINY, OTHER = VectorSpace("tiny", "a" * 64, 4), VectorSpace("tiny", "b" * 64, 4)


def record(number: int) -> EvidenceRecord:
    made = a_record(f"evd-{number:016x}")
    return replace(made, camera_id=f"gate-{number % 2}", category="street/stall")


def vector(number: int) -> np.ndarray:
    angle = number / 10
    return np.array([np.cos(angle), np.sin(angle), 0, 0], np.float32)


@pytest.fixture
def records(tmp_path: Path) -> EvidenceTable:
    table = EvidenceTable.open(tmp_path)
    table.put([record(number) for number in range(10)])
    return table


@pytest.fixture
def vectors(tmp_path: Path, records: EvidenceTable) -> PictureVectors:
    made = PictureVectors.open(tmp_path, TINY)
    assert made.put([(record(number), vector(number)) for number in range(9)]) == 9
    assert made.put([(record(9), None)]) == 1
    return made


def test_the_fitting_records_come_back_best_first_and_filtered(
    vectors: PictureVectors, records: EvidenceTable
) -> None:
    found = vectors.search(3 * vector(4), records, k=3)
    assert found[0].record.evidence_id == record(4).evidence_id
    assert found[0].similarity == pytest.approx(1, abs=1e-5) and found.is_exact
    assert {each.record.evidence_id for each in found[1:]} == {
        record(3).evidence_id,
        record(5).evidence_id,
    }
    odd = vectors.search(vector(4), records, k=10, record_filter=RecordFilter(camera_id="gate-1"))
    assert len(odd) == 4, "the one without a picture is not among them"
    assert {each.record.camera_id for each in odd} == {"gate-1"}
    assert not vectors.search(
        vector(4), records, record_filter=RecordFilter(category="street/loitering")
    )


def test_what_was_described_is_known_also_where_there_was_no_picture(
    vectors: PictureVectors, tmp_path: Path
) -> None:
    assert vectors.ids() == {record(number).evidence_id for number in range(10)}
    assert vectors.put([(record(1), vector(9))]) == 0, "once is enough"
    assert PictureVectors.open(tmp_path, TINY, create=False).count() == 10


def test_two_pairs_never_meet(
    vectors: PictureVectors, records: EvidenceTable, tmp_path: Path
) -> None:
    missing = PictureVectors.open(tmp_path, OTHER, create=False)
    assert (missing.count(), missing.ids(), len(missing.search(vector(1), records))) == (
        0,
        set(),
        0,
    )
    other = PictureVectors.open(tmp_path, OTHER)
    other.put([(record(2), vector(8))])
    assert [each.record.evidence_id for each in other.search(vector(4), records)] == [
        record(2).evidence_id
    ]
    assert vectors.search(vector(2), records, k=1)[0].similarity == pytest.approx(1, abs=1e-5)
    assert vectors.count() == 10 and len(picture_tables(tmp_path)) == 2


def test_what_cannot_be_a_vector_of_this_pair_is_refused(
    vectors: PictureVectors, records: EvidenceTable
) -> None:
    for wrong in (np.ones(5), np.zeros(4), np.array([1, np.nan, 0, 0])):
        with pytest.raises(PutAside, match="tiny=aaaaaaaaaaaa"):
            vectors.search(wrong, records)
        with pytest.raises(PutAside):
            vectors.put([(record(50), wrong)])
    assert vectors.count() == 10
    with pytest.raises(Stop, match="a name like"):
        VectorSpace("../tiny", "a" * 64, 4)


def test_erasing_a_record_erases_what_every_pair_saw_in_it(
    vectors: PictureVectors, records: EvidenceTable, tmp_path: Path
) -> None:
    other = PictureVectors.open(tmp_path, OTHER)
    other.put([(record(number), vector(number)) for number in range(10)])
    gone = record(4).evidence_id

    def is_clean() -> bool:
        # ids stand in no file that holds rows; the vector's bytes neither
        marks = (gone.encode(), vector(4).tobytes())
        contents = [path.read_bytes() for path in row_files(tmp_path)]
        return not any(mark in content for mark in marks for content in contents)

    assert not is_clean()
    assert erase_rows(tmp_path, [gone], is_clean) == 3, "a row in each table"
    assert is_clean() and (vectors.count(), other.count(), records.count()) == (9, 9, 9)
    assert gone not in vectors.ids() | other.ids()
