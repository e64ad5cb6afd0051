"""Find evidence by its id, for the commands that take one."""

from __future__ import annotations

from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.evidence import EvidenceRecord
from evidence_store.custody.chain import CustodyChain
from evidence_store.search.table import EvidenceTable
from evidence_store.table_of_vault import open_evidence_table


def evidence_table(folder: DataDir) -> EvidenceTable:
    """Open the table of a data folder to read; see `open_evidence_table`."""
    return open_evidence_table(folder)


def evidence_record(folder: DataDir, evidence_id: str) -> EvidenceRecord:
    """Return one record's row.

    Raises:
        PutAside: there is none of that id, or it was erased.
    """
    record = evidence_table(folder).get(evidence_id)
    if record is None:
        _check_not_erased(folder, evidence_id)
        raise PutAside(
            f"no evidence {evidence_id!r} in {folder.root}; `forewarn evidence list` shows the ids"
        )
    return record


def _check_not_erased(folder: DataDir, evidence_id: str) -> None:

    for entry in reversed(CustodyChain(folder.custody).about(evidence_id)):
        if entry["kind"] == "erased":
            raise PutAside(
                f"{evidence_id} was erased on {entry['at']}; `forewarn evidence certificate "
                f"{evidence_id}` shows why, and how that was checked"
            )
        if entry["kind"] == "erasing":
            raise PutAside(
                f"{evidence_id} is being erased since {entry['at']}: {entry['details'].get('reason')}"
            )
