"""Test the finder with a fake in place of models."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

from domain.data_dir import DataDir
from domain.errors import PutAside
from evidence_store.search.finder import By, Finder
from evidence_store.search.picture_vectors import PictureVectors, VectorSpace
from evidence_store.search.table import EvidenceTable
from tests.support.kept_evidence import record_of

SPACE, OTHER = VectorSpace("likeness", "a" * 64, 8), VectorSpace("likeness", "b" * 64, 8)


def likeness_of(number: int) -> np.ndarray:
    vector: np.ndarray = np.eye(8, dtype=np.float32)[number] + np.float32(0.1)
    return vector / np.linalg.norm(vector)


@dataclass
class FakeEncoder:
    """Describe every picture as record 2 is described."""

    asked: list[str] = field(default_factory=list)
    has_likeness: bool = False

    def embed(self, picture_rgb: np.ndarray) -> np.ndarray:
        self.asked.append("embed")
        return record_of(2).embedding

    def describe_colours(self, picture_rgb: np.ndarray) -> np.ndarray:
        self.asked.append("colours")
        return record_of(2).appearance

    def likeness_space(self) -> VectorSpace:
        return SPACE

    def describe_likeness(self, picture_rgb: np.ndarray) -> np.ndarray | None:
        return likeness_of(2) if self.has_likeness else None

    def describe_text(self, text: str) -> tuple[VectorSpace, np.ndarray]:
        raise PutAside("no word in it")


@pytest.mark.parametrize(
    ("by", "asked"),
    [("looks", ["embed"]), ("appearance", ["colours"]), ("both", ["embed", "colours"])],
)
def test_a_picture_is_described_only_by_what_is_compared(
    tmp_path: Path, by: By, asked: list[str]
) -> None:
    data = DataDir(tmp_path)
    EvidenceTable.open(data.lancedb).put([record_of(number) for number in range(5)])
    image = tmp_path / "somebody.png"
    cv2.imwrite(str(image), np.zeros((8, 8, 3), np.uint8))
    encoder = FakeEncoder()
    result = Finder(data, encoder, EvidenceTable.open(data.lancedb)).like_picture(image, by, k=1)
    assert [match.record.evidence_id for match in result] == [record_of(2).evidence_id]
    assert encoder.asked == asked


def test_records_are_compared_without_any_model(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    EvidenceTable.open(data.lancedb).put([record_of(number) for number in range(5)])
    encoder = FakeEncoder()
    wanted = record_of(3).evidence_id
    result = Finder(data, encoder, EvidenceTable.open(data.lancedb)).like_record(wanted, k=2)
    assert result[0].record.evidence_id == wanted and len(result) == 2
    assert encoder.asked == []


@pytest.fixture
def described(tmp_path: Path) -> DataDir:
    """Keep five records; three are described by today's model, all by another one, the other way round."""
    data = DataDir(tmp_path)
    records = [record_of(number) for number in range(5)]
    EvidenceTable.open(data.lancedb).put(records)
    mine, others = (PictureVectors.open(data.lancedb, space) for space in (SPACE, OTHER))
    mine.put([(record, likeness_of(number)) for number, record in enumerate(records[:3])])
    others.put([(record, likeness_of(4 - number)) for number, record in enumerate(records)])
    return data


def test_likeness_is_searched_by_where_a_record_was_described_and_in_its_own_space(
    described: DataDir,
) -> None:
    finder = Finder(described, FakeEncoder(), EvidenceTable.open(described.lancedb))
    result = finder.like_record(record_of(1).evidence_id)
    assert len(result) == 3 and result[0].record.evidence_id == record_of(1).evidence_id
    assert list(result[0].cosines) == ["likeness"]
    assert result[0].similarity > 0.999 and result[1].similarity < 0.3
    assert (result.fitting, result.not_described) == (3, 2)
    older = finder.like_record(record_of(4).evidence_id)
    assert len(older) == 5 and sorted(older[0].cosines) == ["appearance", "embedding"]
    with pytest.raises(PutAside, match="not described by the likeness model"):
        finder.like_record(record_of(4).evidence_id, "likeness")


def test_a_picture_is_searched_by_likeness_where_there_is_the_model(
    described: DataDir, tmp_path: Path
) -> None:
    image = tmp_path / "somebody.png"
    cv2.imwrite(str(image), np.zeros((8, 8, 3), np.uint8))
    by_likeness = Finder(
        described, FakeEncoder(has_likeness=True), EvidenceTable.open(described.lancedb)
    ).like_picture(image)
    assert list(by_likeness[0].cosines) == ["likeness"]
    assert by_likeness[0].record.evidence_id == record_of(2).evidence_id
    without = Finder(described, FakeEncoder(), EvidenceTable.open(described.lancedb))
    assert sorted(without.like_picture(image)[0].cosines) == ["appearance", "embedding"]
    with pytest.raises(PutAside, match="likeness"):
        without.like_picture(image, "likeness")


def test_a_model_that_has_described_nothing_yet_hides_nothing(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    EvidenceTable.open(data.lancedb).put([record_of(number) for number in range(5)])
    image = tmp_path / "somebody.png"
    cv2.imwrite(str(image), np.zeros((8, 8, 3), np.uint8))
    assert (
        len(
            Finder(
                data, FakeEncoder(has_likeness=True), EvidenceTable.open(data.lancedb)
            ).like_picture(image, k=9)
        )
        == 5
    )
