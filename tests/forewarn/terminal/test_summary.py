"""The summary at a run's end checks records with the run's own keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from sealed_record import EVIDENCE_ID as ID
from sealed_record import a_record

from domain.data_dir import DataDir
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.keys.encryption_keys import EncryptionKeyFolder
from evidence_store.keys.signing_keys import KeyFolder
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.open_vault import open_vault
from forewarn.terminal.summary import verify


def test_originals_are_checked_with_the_keys_that_the_run_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, keys = DataDir(tmp_path / "var"), tmp_path / "token"
    signer = KeyFolder(data.keys).create()
    EncryptionKeyFolder(keys).create()
    vault = open_vault(data, keys)
    with vault.draft(ID) as draft:
        (draft / "clip.mp4").write_bytes(b"packets")
        record = vault.seal(draft, a_record(), {"clip.mp4": "clip"}, {"rule": None}, signer)
    note_sealed(CustodyChain(data.custody, signer), vault.folder_of(ID), "ofc-1")
    EvidenceTable.open(data.lancedb).put([record])
    assert verify(data, [ID], keys) == {"": [], ID: []}
    monkeypatch.setenv("FOREWARN_KEYS", str(tmp_path / "another site's"))
    assert verify(data, [ID], keys) == {"": [], ID: []}
    assert verify(data, [ID], None)[ID]
