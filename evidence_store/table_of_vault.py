"""Open a data folder's evidence table, and make it anew out of the vault's records."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from domain.data_dir import DataDir
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE, EvidenceRecord
from domain.files import sync_file
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.records_on_chain import AlreadyErased, check_not_erased
from evidence_store.files.folder_lock import erasing_alone
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.search.lance import alone_with_tables
from evidence_store.search.picture_vectors import copy_vectors, picture_tables
from evidence_store.search.stored_table import StoredTable, TableDamaged
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.sealed_files import SealedFiles

ROWS_AT_ONCE = 200
_NEW, _OLD = ".lancedb.new", ".lancedb.old"

Progress = Callable[[int, int], None]  # records done, of how many


@dataclass
class Rebuilt:
    """What came of making a table anew."""

    rows: int = 0
    without_vectors: list[str] = field(default_factory=list)  # ids: found by facts, not by likeness
    unread: list[str] = field(
        default_factory=list
    )  # ids: no row, since their numbers cannot be read
    # vectors of optional models that were taken over, by table, and tables of which some could not be
    carried: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


def open_evidence_table(data: DataDir) -> EvidenceTable:
    """Open the table of a data folder to read; one without rows where nothing was sealed yet.

    Raises:
        TableDamaged: it cannot be read, or is gone though records are there.
        TryAgain: it cannot be read now.
    """
    table = EvidenceTable.open(data.lancedb, create=False)
    if table.lance is None and (ids := SealedFiles(data.evidence).ids()):
        raise TableDamaged(data.lancedb, f"is missing, and {len(ids)} records are sealed")
    return table


def table_to_write(data: DataDir) -> EvidenceTable:
    """Open the table of a data folder to add rows; made where nothing was sealed yet.

    What is wrong with one that should be there is raised by its use: sealing goes on without it.
    """
    is_first = not SealedFiles(data.evidence).ids()
    return EvidenceTable.open(data.lancedb, create=is_first, at_once=is_first)


def rebuild_table(
    data: DataDir, vault: SealedFiles, chain: CustodyChain, progress: Progress
) -> Rebuilt:
    """Make the table anew beside the old one, which it then takes the place of; programs may run meanwhile.

    Facts and vectors are those kept in each record; what optional models saw is taken over where the old
    tables can be read. What was erased, or is being erased, gets no row. A killed call leaves the old table,
    or none; the next begins anew.

    Raises:
        TryAgain: another process erases or writes, or the disk is full.
    """
    old, new = data.lancedb, data.root / _NEW
    with erasing_alone(data), reraise_as_try_again("evidence table", old):
        clear_leftovers(data)
        done, pictures = Rebuilt(), list(_old_pictures(old))
        table = EvidenceTable.open(new)
        listed = _list_new(vault, chain, table, set(), done, progress, pictures)
        table.optimize()
        with alone_with_tables(old) if old.is_dir() else nullcontext():
            if old.is_dir():
                old.rename(data.root / _OLD)
            new.rename(old)
            sync_file(data.root)
        # what was sealed meanwhile found the old table only
        table = EvidenceTable.open(old)
        _list_new(vault, chain, table, listed, done, lambda done, of: None, [])
        done.rows = table.count()
        clear_leftovers(data)
    return done


def clear_leftovers(data: DataDir) -> None:
    """Delete what a killed `rebuild_table` left; for who holds `erasing_alone`."""
    for name in (_NEW, _OLD):
        shutil.rmtree(data.root / name, ignore_errors=True)


def put_rows(vault: SealedFiles, table: EvidenceTable, ids: Sequence[str], done: Rebuilt) -> None:
    """Put the rows of some records; those whose vectors cannot be read get zeros for them."""
    rows = []
    for evidence_id in ids:
        record = vault.read(evidence_id)
        if record is None:
            done.unread.append(evidence_id)
            continue
        if not _has_vectors(record):
            done.without_vectors.append(evidence_id)
            record = replace(
                record,
                embedding=np.zeros(EMBEDDING_SIZE, np.float32),
                appearance=np.zeros(APPEARANCE_SIZE, np.float32),
            )
        rows.append(record)
    table.put(rows)


def _has_vectors(record: EvidenceRecord) -> bool:
    return len(record.embedding) == EMBEDDING_SIZE and len(record.appearance) == APPEARANCE_SIZE


def _list_new(
    vault: SealedFiles,
    chain: CustodyChain,
    table: EvidenceTable,
    known: set[str],
    done: Rebuilt,
    progress: Progress,
    pictures: list[StoredTable],
) -> set[str]:
    """Put the rows of all records but those `known`; return the ids of all."""
    ids = vault.ids()
    new = [each for each in ids if each not in known and not _is_erased(each, chain)]
    for start in range(0, len(new), ROWS_AT_ONCE):
        chunk = new[start : start + ROWS_AT_ONCE]
        put_rows(vault, table, chunk, done)
        for stored in pictures:
            try:
                copied = copy_vectors(stored, table.folder, chunk)
            except TableDamaged:
                if stored.name not in done.lost:
                    done.lost.append(stored.name)
            else:
                done.carried[stored.name] = done.carried.get(stored.name, 0) + copied
        progress(min(start + ROWS_AT_ONCE, len(new)), len(new))
    return {*ids}


def _is_erased(evidence_id: str, chain: CustodyChain) -> bool:
    try:
        check_not_erased(evidence_id, chain)
    except AlreadyErased:
        return True
    return False


def _old_pictures(folder: Path) -> Iterator[StoredTable]:
    try:
        yield from picture_tables(folder)
    except TableDamaged:
        # described anew by `forewarn evidence describe`
        return
