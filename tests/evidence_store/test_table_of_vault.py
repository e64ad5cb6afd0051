from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.evidence import EMBEDDING_SIZE
from evidence_store.files.folder_lock import erasing_alone
from evidence_store.keys.encryption_keys import EncryptionKeyFolder, EncryptionKeys
from evidence_store.search.picture_vectors import PictureVectors, VectorSpace
from evidence_store.search.stored_table import TableDamaged
from evidence_store.search.table import EvidenceTable
from evidence_store.table_of_vault import (
    Rebuilt,
    open_evidence_table,
    rebuild_table,
    table_to_write,
)
from evidence_store.vault.vault import Vault
from tests.support.kept_evidence import Kept, chain_of, keep, raw_files_with, unit_vector

SPACE = VectorSpace("tiny", "0" * 64, 4)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "var")


def rebuilt(data: DataDir, vault: Vault | None = None) -> Rebuilt:
    vault = vault or Vault(data.evidence)
    return rebuild_table(data, vault, chain_of(data), lambda done, of: None)


def overwrite(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def some_file(data: DataDir, pattern: str) -> Path:
    return min(data.lancedb.glob(f"evidence.lance/{pattern}"))


DAMAGES: dict[str, Callable[[DataDir], object]] = {
    "missing": lambda data: shutil.rmtree(data.lancedb),
    "data overwritten": lambda data: overwrite(some_file(data, "data/*")),
    "data cut off": lambda data: some_file(data, "data/*").write_bytes(b""),
    "data gone": lambda data: some_file(data, "data/*").unlink(),
    "newest version overwritten": lambda data: overwrite(some_file(data, "_versions/*")),
    "newest version cut off": lambda data: some_file(data, "_versions/*").write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_table_is_told_in_words_and_made_anew_with_all_that_it_held(
    data: DataDir, damage: str
) -> None:
    kept = [keep(data, number) for number in (1, 2)]
    before = EvidenceTable.open(data.lancedb).get_many([each.evidence_id for each in kept])
    DAMAGES[damage](data)
    with pytest.raises(TableDamaged, match="evidence rebuild-table --data") as told:
        open_evidence_table(data).newest()
    assert str(data.lancedb) in str(told.value) and "/root" not in str(told.value)
    done = rebuilt(data)
    assert (done.rows, done.unread, done.without_vectors) == (2, [], [])
    after = open_evidence_table(data).get_many([each.evidence_id for each in kept])
    for old, new in zip(before, after, strict=True):
        assert np.array_equal(old.embedding, new.embedding)
        assert np.array_equal(old.appearance, new.appearance)
        assert {file.name: file for file in old.files} == {file.name: file for file in new.files}
    assert {path.name for path in data.root.glob(".lancedb*")} == set()


@pytest.mark.parametrize("damage", ["missing", "data gone"])
def test_whoever_writes_is_told_too_and_goes_on_once_the_table_is_made_anew(
    data: DataDir, damage: str
) -> None:
    first = keep(data, 1)
    reader, writer = EvidenceTable.open(data.lancedb), table_to_write(data)
    assert reader.count() == 1
    DAMAGES[damage](data)
    late = keep(data, 2, is_listed=False)
    record = Vault(data.evidence).read(late.evidence_id)
    assert record is not None
    with pytest.raises(TableDamaged):
        table_to_write(data).put([record])
    rebuilt(data)
    third = keep(data, 3, is_listed=False)
    record = Vault(data.evidence).read(third.evidence_id)
    assert record is not None and writer.put([record]) == 1
    ids = {each.evidence_id for each in (first, late, third)}
    assert {each.evidence_id for each in reader.newest()} == ids


def test_what_was_erased_or_is_being_erased_gets_no_row(data: DataDir) -> None:
    kept = [keep(data, number) for number in (1, 2, 3)]
    chain = chain_of(data)
    chain.append("erasing", kept[0].evidence_id, {"what": "test"})
    chain.append("erasing", kept[1].evidence_id, {"what": "test"})
    chain.append("erased", kept[1].evidence_id, {"begun_by": 4})
    rebuilt(data)
    assert [each.evidence_id for each in open_evidence_table(data).newest()] == [
        kept[2].evidence_id
    ]
    for each in kept[:2]:
        vector = each.record.embedding.tobytes()
        assert not raw_files_with(data, vector)


def test_nothing_is_made_anew_while_somebody_erases(data: DataDir) -> None:
    keep(data, 1)
    with erasing_alone(data), pytest.raises(TryAgain, match="erasing"):
        rebuilt(data)


def test_a_record_sealed_while_the_table_is_made_gets_its_row(data: DataDir) -> None:
    keep(data, 1)
    late: list[Kept] = []

    def seal_one_more(done: int, of: int) -> None:
        late.append(keep(data, 2, is_listed=False))

    done = rebuild_table(data, Vault(data.evidence), chain_of(data), seal_one_more)
    assert done.rows == 2 and open_evidence_table(data).get(late[0].evidence_id) is not None


def test_what_a_killed_call_left_is_cleared_by_the_next(data: DataDir) -> None:
    keep(data, 1)
    data.lancedb.rename(data.root / ".lancedb.old")
    (data.root / ".lancedb.new").mkdir()
    with pytest.raises(TableDamaged, match="is missing, and 1 records are sealed"):
        open_evidence_table(data)
    assert rebuilt(data).rows == 1
    assert [path.name for path in data.root.glob(".lancedb*")] == []


def test_vectors_whose_key_is_not_at_hand_are_zeros_and_named(data: DataDir) -> None:
    EncryptionKeyFolder(data.keys).create()
    keys = EncryptionKeyFolder(data.keys).keys()
    kept = keep(data, 1, vault=Vault(data.evidence, keys))
    shutil.rmtree(data.lancedb)
    assert rebuilt(data, Vault(data.evidence, EncryptionKeys())).without_vectors == [
        kept.evidence_id
    ]
    row = open_evidence_table(data).get(kept.evidence_id)
    assert row is not None and not row.embedding.any() and len(row.embedding) == EMBEDDING_SIZE
    assert rebuilt(data, Vault(data.evidence, keys)).without_vectors == []


def test_what_optional_models_saw_is_taken_over_of_records_that_are_still_there(
    data: DataDir,
) -> None:
    kept = [keep(data, number) for number in (1, 2)]
    vectors = PictureVectors.open(data.lancedb, SPACE)
    vectors.put([(each.record, unit_vector(each.evidence_id, 4)) for each in kept])
    chain_of(data).append("erasing", kept[0].evidence_id, {"what": "test"})
    overwrite(some_file(data, "_versions/*"))
    assert rebuilt(data).carried == {SPACE.table_name: 1}
    assert vectors.ids() == {kept[1].evidence_id}
    [vector] = vectors.vectors_of([each.evidence_id for each in kept])
    assert np.allclose(vector, unit_vector(kept[1].evidence_id, 4))
