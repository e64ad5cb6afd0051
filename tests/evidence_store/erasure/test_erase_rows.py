"""Real LanceDB on disk; what counts is what a search of the raw files finds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from domain.errors import TryAgain
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE, EvidenceRecord
from evidence_store.erasure.erase_rows import erase_rows
from evidence_store.erasure.residue_search import (
    Fingerprint,
    ResidueSearch,
    files_below,
    fingerprint_bytes,
)
from evidence_store.search.lance import alone_with_tables
from evidence_store.search.table import EvidenceTable
from tests.support.sealed_record import a_record

ROWS = 300


def record(number: int) -> EvidenceRecord:
    random = np.random.default_rng(number)
    embedding = random.normal(size=EMBEDDING_SIZE).astype(np.float32)
    appearance = random.random(APPEARANCE_SIZE).astype(np.float32)
    return replace(
        a_record(f"evd-{number:016x}"),
        embedding=embedding / np.linalg.norm(embedding),
        appearance=appearance / np.linalg.norm(appearance),
    )


def marks(each: EvidenceRecord) -> list[Fingerprint]:
    return [
        *fingerprint_bytes("embedding", each.embedding.tobytes()),
        *fingerprint_bytes("appearance", each.appearance.tobytes()),
    ]


def found(folder: Path, each: EvidenceRecord) -> set[str]:
    """Which vectors of a record lie in the raw files, and whether its id does."""
    files = [*files_below(folder)]
    hits = ResidueSearch((each.evidence_id, mark) for mark in marks(each)).search(files).hits
    ids = {"id"} if any(each.evidence_id.encode() in path.read_bytes() for path in files) else set()
    return {hit.of for hit in hits} | ids


@pytest.fixture
def table(tmp_path: Path) -> EvidenceTable:
    """Make a table that was tidied into one file, so that a deleted row is a small part of it."""
    made = EvidenceTable.open(tmp_path / "lancedb")
    made.put([record(number) for number in range(ROWS)])
    made.optimize()
    return made


@pytest.mark.parametrize("index", ["none", "IVF_FLAT", "IVF_RQ", "IVF_HNSW_SQ"])
def test_the_bytes_of_an_erased_row_are_in_no_file_any_more(
    table: EvidenceTable, tmp_path: Path, index: str
) -> None:
    folder, gone, stays = tmp_path / "lancedb", record(7), record(8)
    if index != "none":
        assert table.lance is not None
        table.lance.create_index(
            metric="dot", vector_column_name="embedding", index_type=index, num_partitions=2
        )
        table.lance.create_scalar_index("evidence_id")
    assert found(folder, gone) == {"embedding", "appearance", "id"}

    def is_clean() -> bool:
        return not found(folder, gone)

    assert erase_rows(folder, [gone.evidence_id], is_clean) == 1
    assert found(folder, gone) == set()
    assert found(folder, stays) == {"embedding", "appearance", "id"}
    assert table.get(gone.evidence_id) is None
    assert table.count() == ROWS - 1
    assert table.search(stays.embedding, k=1)[0][0].evidence_id == stays.evidence_id


def test_the_last_rows_of_a_table_go_like_any_others(tmp_path: Path) -> None:
    folder = tmp_path / "lancedb"
    EvidenceTable.open(folder).put([record(1), record(2)])
    ids = [record(1).evidence_id, record(2).evidence_id]
    assert erase_rows(folder, ids, lambda: not found(folder, record(1))) == 2
    assert found(folder, record(1)) == found(folder, record(2)) == set()
    assert EvidenceTable.open(folder).put([record(3)]) == 1


def test_old_versions_hold_nothing_back(table: EvidenceTable, tmp_path: Path) -> None:
    folder, gone = tmp_path / "lancedb", record(5)
    for number in range(ROWS, ROWS + 5):  # each leaves a version behind that still has the row
        table.put([record(number)])
    erase_rows(folder, [gone.evidence_id], lambda: not found(folder, gone))
    assert found(folder, gone) == set()
    assert table.count() == ROWS + 4


def test_while_rows_are_erased_others_wait_with_theirs(
    table: EvidenceTable, tmp_path: Path
) -> None:
    with alone_with_tables(tmp_path / "lancedb"), pytest.raises(TryAgain, match="erases or writes"):
        table.put([record(ROWS)])
    assert table.put([record(ROWS)]) == 1


def test_an_eraser_that_was_killed_leaves_work_that_the_next_one_ends(
    table: EvidenceTable, tmp_path: Path
) -> None:
    folder, gone = tmp_path / "lancedb", record(9)
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from evidence_store.erasure.erase_rows import erase_rows\n"
        "def is_clean():\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "erase_rows(Path(sys.argv[1]), [sys.argv[2]], is_clean)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", script, str(folder), gone.evidence_id],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        check=False,
        timeout=120,
    )
    assert child.returncode == -signal.SIGKILL
    erase_rows(folder, [gone.evidence_id], lambda: not found(folder, gone))
    assert found(folder, gone) == set()
    assert table.count() == ROWS - 1
