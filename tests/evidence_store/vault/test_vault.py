from __future__ import annotations

import os
import threading
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from sealed_record import EVIDENCE_ID as ID
from sealed_record import a_record

from domain.access.permissions import Permission
from domain.data_dir import DataDir
from domain.errors import PutAside, TryAgain
from domain.evidence import EvidenceRecord
from evidence_store.access.gate import Gate
from evidence_store.access.viewing import log_access
from evidence_store.custody.chain import CustodyChain
from evidence_store.vault.vault import Vault
from evidence_store.vault.verify_record import verify_record
from tests.support.listed_people import by_role, list_people


def facts_of(record: EvidenceRecord) -> dict[str, object]:
    """Return everything of a record but its vectors."""
    names = [each.name for each in fields(record) if each.name not in ("embedding", "appearance")]
    return {name: getattr(record, name) for name in names}


def seal(vault: Vault, record: EvidenceRecord, clip: bytes = b"packets") -> EvidenceRecord:
    with vault.draft(record.evidence_id) as folder:
        (folder / "clip.mp4").write_bytes(clip)
        (folder / "first.jpg").write_bytes(b"picture")
        roles = {"clip.mp4": "clip", "first.jpg": "snapshot"}
        return vault.seal(folder, record, roles, {"rule": None})


def test_a_sealed_record_verifies_and_reads_back_whole(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "evidence")
    sealed = seal(vault, a_record())
    assert {file.role for file in sealed.files} == {"clip", "snapshot", "numbers", "search vectors"}
    assert verify_record(sealed, vault, {}, must_be_signed=False) == []
    back = vault.read(ID)
    assert back is not None
    assert verify_record(back, vault, {}, must_be_signed=False) == []
    assert np.array_equal(back.embedding, sealed.embedding)
    assert facts_of(back) == facts_of(sealed)
    assert vault.ids() == [ID]
    assert vault.story(ID) == {"rule": None}


@pytest.mark.parametrize("name", ["clip.mp4", "first.jpg", "numbers.json"])
def test_one_flipped_byte_in_any_file_is_named(tmp_path: Path, name: str) -> None:
    vault = Vault(tmp_path)
    sealed = seal(vault, a_record())
    path = vault.folder_of(ID) / name
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    for position in {0, len(content) // 2, len(content) - 1}:
        content[position] ^= 1
        path.write_bytes(content)
        assert any(
            f"{ID}/{name}: changed" in line
            for line in verify_record(sealed, vault, {}, must_be_signed=False)
        )
        content[position] ^= 1
    path.write_bytes(content)
    assert verify_record(sealed, vault, {}, must_be_signed=False) == []


@pytest.mark.parametrize("value", [rb'"\ud800"', b"NaN", b"1e999", b"[" * 100_000 + b"]" * 100_000])
def test_numbers_that_json_reads_and_nobody_can_hash_are_named(
    tmp_path: Path, value: bytes
) -> None:
    vault = Vault(tmp_path / "evidence")
    sealed = seal(vault, a_record())
    numbers = vault.folder_of(ID) / "numbers.json"
    numbers.chmod(0o644)
    content = numbers.read_bytes()
    numbers.write_bytes(content.replace(b'"story": {', b'"story": {"said": ' + value + b",", 1))
    assert numbers.read_bytes() != content
    problems = verify_record(sealed, vault, {}, must_be_signed=False)
    assert f"{ID}: numbers.json cannot be read" in problems
    assert any(each.startswith(f"{ID}/numbers.json: changed") for each in problems)


def test_missing_and_extra_files_are_named(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    sealed = seal(vault, a_record())
    (vault.folder_of(ID) / "clip.mp4").unlink()
    (vault.folder_of(ID) / "note.txt").write_text("slipped in")
    (vault.folder_of(ID) / "first.jpg").rename(tmp_path / "elsewhere.jpg")
    (vault.folder_of(ID) / "first.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    problems = verify_record(sealed, vault, {}, must_be_signed=False)
    assert problems == [
        f"{ID}/clip.mp4: is missing",
        f"{ID}/first.jpg: is no plain file any more",
        f"{ID}/note.txt: was not there when the record was sealed",
    ]


def test_a_row_that_says_other_than_the_sealed_numbers_is_named(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    sealed = seal(vault, a_record())
    assert verify_record(replace(sealed, dwell_s=99.0), vault, {}, must_be_signed=False) == [
        f"{ID}: dwell_s differs from the sealed numbers"
    ]
    assert (
        "the folder"
        in verify_record(a_record("evd-" + "b" * 16), vault, {}, must_be_signed=False)[0]
    )


def test_a_draft_that_is_not_sealed_leaves_nothing(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    with pytest.raises(RuntimeError), vault.draft(ID) as folder:
        (folder / "clip.mp4").write_bytes(b"half")
        raise RuntimeError("crash")
    assert list(tmp_path.iterdir()) == []
    assert vault.ids() == [] and vault.read(ID) is None


def test_of_two_who_seal_the_same_record_at_once_one_wins_and_both_get_it(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    barrier = threading.Barrier(2)
    sealed: list[EvidenceRecord] = []

    def work(clip: bytes) -> None:
        barrier.wait()
        sealed.append(seal(vault, a_record(), clip))

    threads = [threading.Thread(target=work, args=(clip,)) for clip in (b"one", b"other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sealed) == 2
    assert all(verify_record(record, vault, {}, must_be_signed=False) == [] for record in sealed)


def test_all_of_a_record_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[str] = []
    sync, rename = os.fsync, Path.rename

    def note_sync(handle: int) -> None:
        noted.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        sync(handle)

    def note_rename(path: Path, target: Path) -> Path:
        noted.append(f"{target.name} is named")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "rename", note_rename)
    vault = Vault(tmp_path / "evidence")
    seal(vault, a_record())
    named = noted.index(f"{ID} is named")
    assert {path.name for path in vault.folder_of(ID).iterdir()} <= set(noted[:named])
    assert noted[named - 1].startswith(f".{ID}."), "the draft's own names, when it had all"
    assert noted[named + 1 :] == ["evidence"]
    noted.clear()
    vault.set_aside(ID)
    assert noted == [f"{ID} is named", "evidence"]


def test_a_damaged_record_is_moved_aside_with_every_byte(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    seal(vault, a_record())
    aside = vault.set_aside(ID)
    assert (aside / ID / "clip.mp4").read_bytes() == b"packets"
    assert vault.ids() == []


def test_an_id_that_would_leave_the_vault_is_refused(tmp_path: Path) -> None:
    for bad in ("../secret", "evd-1", "", "evd-00000000000000aa/.."):
        with pytest.raises(PutAside, match="evidence id"):
            Vault(tmp_path).folder_of(bad)


def test_a_vault_that_cannot_be_written_asks_to_try_again(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file in the way")
    with (
        pytest.raises(TryAgain, match="cannot be written"),
        Vault(tmp_path / "evidence").draft(ID),
    ):
        pass


def test_every_look_at_originals_is_on_record_with_who_and_why(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    list_people(data)
    gate, officer, chain = Gate.open(data), by_role(data, "officer"), CustodyChain(data.custody)
    with pytest.raises(PutAside, match="reason"):
        gate.allow(officer, Permission.SEE_UNMASKED, ID, "  ")
    assert not chain.path.exists(), "nothing is noted for a look without a reason"
    log_access(gate.allow(officer, Permission.SEE_UNMASKED, ID, "case 17"), ["first.jpg"])
    log_access(gate.allow(officer, Permission.SEE_UNMASKED, ID, " appeal "), ["last.jpg"])
    entries = chain.about(ID)
    assert [each["details"]["reason"] for each in entries] == ["case 17", "appeal"]
    for each in entries:
        assert (each["who"], each["kind"]) == ("Olga the officer", "viewed")
        right = each["details"]["authority"]
        assert (right["person"], right["role"], right["proof"]) == (
            "the-officer",
            "officer",
            "account",
        )
    assert chain.path.stat().st_mode & 0o007 == 0, "not for everybody's eyes"
