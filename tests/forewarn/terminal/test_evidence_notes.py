from __future__ import annotations

from pathlib import Path

from domain.data_dir import DataDir
from evidence_store.custody.signing_key import open_chain
from evidence_store.keys.signing_keys import KeyFolder
from forewarn.terminal.evidence_notes import note_chain


def test_a_broken_chain_is_told_at_the_start_and_a_sound_one_is_not(tmp_path: Path) -> None:
    data, told = DataDir(tmp_path), []
    KeyFolder(data.keys).create()
    chain = open_chain(data)
    for _ in range(3):
        chain.append("verified", "", {})
    note_chain(data, chain, told.append).join()
    assert told == []
    content = data.custody.read_bytes()
    data.custody.write_bytes(content.replace(b'"number":2', b'"number":7'))
    note_chain(data, chain, told.append).join()
    assert len(told) == 1 and "entry 2: " in told[0] and "evidence verify" in told[0]
