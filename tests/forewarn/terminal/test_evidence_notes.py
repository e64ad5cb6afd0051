from __future__ import annotations

from pathlib import Path

from domain.data_dir import DataDir
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.signing_key import open_chain
from evidence_store.keys.signing_keys import KeyFolder
from forewarn.terminal.evidence_notes import note_faults


def test_a_broken_chain_is_told_at_the_start_and_a_sound_one_is_not(tmp_path: Path) -> None:
    data, told = DataDir(tmp_path), []
    KeyFolder(data.keys).create()
    chain = open_chain(data)
    for _ in range(3):
        chain.append("verified", "", {})
    note_faults(data, chain, told.append).join()
    assert told == []
    content = data.custody.read_bytes()
    data.custody.write_bytes(content.replace(b'"number":2', b'"number":7'))
    note_faults(data, chain, told.append).join()
    assert len(told) == 1 and "entry 2: " in told[0] and "evidence verify" in told[0]


def test_a_table_that_is_gone_is_told_at_the_start(tmp_path: Path) -> None:
    data, told = DataDir(tmp_path), list[str]()
    (data.evidence / "evd-0123456789abcdef").mkdir(parents=True)
    note_faults(data, CustodyChain(data.custody), told.append).join()
    assert len(told) == 1 and str(data.lancedb) in told[0] and "evidence rebuild-table" in told[0]
