"""Test copies added after the sealing: listed in the chain, in the vault and in an export."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sealed_record import a_record

from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.evidence import EvidenceRecord
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.export.archive import VERIFIER_FILE
from evidence_store.export.export import Exporter
from evidence_store.keys.signing_keys import KeyFolder, new_signer
from evidence_store.vault.additions import add_files, added_files
from evidence_store.vault.vault import Vault
from evidence_store.verify_data_folder import Verifier

CLIP = "added/clip.masked.mp4"


class Kept:
    """Seal and sign a record of one clip."""

    def __init__(self, root: Path) -> None:
        self.data = DataDir(root)
        self.vault = Vault(self.data.evidence)
        signer = new_signer()
        self.chain = CustodyChain(self.data.custody, signer)
        KeyFolder(self.data.keys).publish(signer)
        made = a_record()
        self.id = made.evidence_id
        with self.vault.draft(self.id) as draft:
            (draft / "clip.mp4").write_bytes(b"original")
            self.record: EvidenceRecord = self.vault.seal(
                draft, made, {"clip.mp4": "clip"}, {}, signer
            )
        self.folder = self.vault.folder_of(self.id)
        note_sealed(self.chain, self.folder, made.offence_id)

    def add(self, content: bytes = b"masked") -> None:
        with self.vault.draft(self.id) as draft:
            (draft / "clip.masked.mp4").write_bytes(content)
            roles = {"clip.masked.mp4": "masked clip"}
            add_files(self.vault, self.chain, self.id, draft, roles, {"from": "clip.mp4"})

    def problems(self) -> list[str]:
        return Verifier.open(self.data).problems_of(self.record)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "var")


def test_what_is_added_changes_nothing_of_the_record_and_verifies(kept: Kept) -> None:
    before = {path.name: path.read_bytes() for path in kept.folder.iterdir()}
    kept.add()
    assert {p.name: p.read_bytes() for p in kept.folder.iterdir() if p.is_file()} == before
    assert kept.problems() == []
    (file,) = added_files(kept.chain.about(kept.id))
    assert (file.name, file.role, file.size_bytes) == (CLIP, "masked clip", 6)
    assert kept.vault.read_bytes(kept.id, CLIP) == b"masked"
    assert list(kept.vault.folder.glob(".*")) == [], "no draft is left"


def test_doing_it_again_after_a_crash_replaces_what_nobody_was_told_of(kept: Kept) -> None:
    (kept.folder / "added").mkdir()
    (kept.folder / "added" / "half.mp4").write_bytes(b"half")
    assert kept.problems() == [f"{kept.id}/added/half.mp4: the custody chain does not tell of it"]
    kept.add()
    kept.add()
    assert kept.problems() == []
    assert [each["kind"] for each in kept.chain.about(kept.id)] == ["sealed", "added"]


def test_a_copy_that_was_changed_or_taken_away_is_named(kept: Kept) -> None:
    kept.add()
    path = kept.folder / CLIP
    path.chmod(0o644)
    path.write_bytes(b"masker")
    assert any(f"{kept.id}/{CLIP}: changed" in each for each in kept.problems())
    path.unlink()
    assert f"{kept.id}/{CLIP}: is missing" in kept.problems()


def test_nothing_is_added_to_a_record_that_is_gone(kept: Kept) -> None:
    kept.vault.set_aside(kept.id)
    with pytest.raises(PutAside, match="not in the vault"):
        kept.add()


def test_a_masked_export_carries_it_and_an_outsider_can_check_it(
    kept: Kept, tmp_path: Path
) -> None:
    kept.add()
    exporter = Exporter(kept.vault, kept.chain, KeyFolder(kept.data.keys).public_keys())
    assert "clip.mp4" in exporter.export(kept.record, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "out")
    folder = tmp_path / "out" / kept.id
    assert (folder / CLIP).read_bytes() == b"masked"

    def check() -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-I", str(VERIFIER_FILE), str(folder)]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    assert check().returncode == 0, check().stdout
    (folder / CLIP).write_bytes(b"masker")
    assert check().returncode == 1 and f"{CLIP}: 已改动" in check().stdout
